"""A model's events on their way to the client."""

import contextvars
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from queue import Empty, SimpleQueue
from threading import Event, Thread

from flask import Response, current_app
from flask.ctx import AppContext

from backend.ai.provider import Cancelled, Stream
from backend.api import sse
from backend.api.responses import error_json, told
from backend.gateway import ui_answer
from backend.gateway.responses.events import ResponseStream
from backend.gateway.responses.request import ResponseRequest

Frames = Generator[str, None, None]
MOST_AHEAD = 100  # frames that a slow client has not taken yet
A_MOMENT = 0.01  # seconds
running: set[Stream] = set()


def chat_stream(answer: Stream, headers: Mapping[str, str]) -> Response:
    return event_stream(chat_frames(answer), answer, headers)


def ui_stream(answer: Stream, message_id: str | None) -> Response:
    parts = frames(answer, ui_answer.UIMessageStream(message_id))
    return event_stream(parts, answer, ui_answer.HEADERS)


def response_stream(
    answer: Stream, request: ResponseRequest, headers: Mapping[str, str]
) -> Response:
    return event_stream(frames(answer, ResponseStream(request)), answer, headers)


def event_stream(frames: Frames, answer: Stream, headers: Mapping[str, str]) -> Response:
    """Server-sent events, with a comment between them while the model is silent."""
    # The server takes the frames when the request's own contexts are gone.
    around = contextvars.copy_context(), current_app.app_context()
    events = with_pings(frames, answer, *around)
    return Response(events, headers={**sse.HEADERS, **headers}, mimetype=sse.MEDIA_TYPE)


def with_pings(
    frames: Frames, answer: Stream, context: contextvars.Context, app: AppContext
) -> Iterator[str]:
    """Yields each frame as it comes, and a ping after a time without any.

    Only a write can find out that the client has left, and a ping is one.

    Args:
        context: the variables that the frames are made with.
        app: the application's context around them.
    """
    arrived: SimpleQueue[str | None] = SimpleQueue()
    left = Event()

    def read() -> None:
        try:
            with app, closing(frames):
                for frame in frames:
                    arrived.put(frame)
                    while arrived.qsize() > MOST_AHEAD and not left.wait(A_MOMENT):
                        pass
                    if left.is_set():
                        break
        finally:
            arrived.put(None)
            running.discard(answer)
            answer.close()

    running.add(answer)
    Thread(target=context.run, args=(read,), daemon=True).start()
    try:
        while True:
            try:
                frame = arrived.get(timeout=sse.PING_SECONDS)
            except Empty:
                yield sse.PING
                continue
            if frame is None:
                return
            yield frame
    except GeneratorExit:  # the client has left
        left.set()
        answer.cancel()
        raise


def end_streams() -> None:
    """Ends all that run with an error, where the server is about to cut them."""
    for answer in list(running):
        answer.cancel()


def chat_frames(events: Iterator[str]) -> Frames:
    """Frames each event; an error ends the stream as an event, without the closing mark."""
    try:
        for event in events:
            yield sse.frame(event)
    except (Exception, Cancelled) as error:
        yield sse.frame(error_json(told(error)))
    else:
        yield sse.DONE


def frames(chunks: Iterator[str], answer: sse.Telling) -> Frames:
    """Tells of the same answer in another form."""
    for event in answer.opening():
        yield sse.frame(*event)
    try:
        for chunk in chunks:
            for event in answer.events(chunk):
                yield sse.frame(*event)
        for event in answer.closing():
            yield sse.frame(*event)
    except (Exception, Cancelled) as error:
        for event in answer.failure(told(error)):
            yield sse.frame(*event)
