"""A model's events on their way to the client."""

import contextvars
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from queue import Empty, SimpleQueue
from threading import Event, Thread

from flask import Response, current_app
from flask.ctx import AppContext
from pydantic import BaseModel

from backend.ai.provider import Cancelled, Stream, Streams, streams_of_request
from backend.api import sse
from backend.api.responses import error_json, told
from backend.gateway.telling import Telling, Told
from backend.json_text import write_json

Frames = Generator[str, None, None]
MOST_AHEAD = 100  # pieces that a slow client has not taken yet
A_MOMENT = 0.01  # seconds
running: set[Streams] = set()


def event_stream(events: Iterator[str | BaseModel]) -> Response:
    """A feature's own events, as JSON; an error ends them as an event, `[DONE]` a whole answer."""
    return respond(chat_frames([write_json(event)] for event in events), {})


def chat_stream(answer: Stream, headers: Mapping[str, str]) -> Response:
    return respond(chat_frames(answer), headers)


def told_stream(
    answer: Iterator[Sequence[Told]], telling: Telling[Told], headers: Mapping[str, str]
) -> Response:
    return respond(frames(answer, telling), headers)


def respond(frames: Frames, headers: Mapping[str, str]) -> Response:
    """Server-sent events, with a comment between them while the model is silent."""
    # The server takes the frames when the request's own contexts are gone.
    around = contextvars.copy_context(), current_app.app_context()
    events = with_pings(frames, streams_of_request(), *around)
    return Response(events, headers={**sse.HEADERS, **headers}, mimetype=sse.MEDIA_TYPE)


def with_pings(
    frames: Frames, streams: Streams, context: contextvars.Context, app: AppContext
) -> Iterator[str]:
    """Yields each frame as it comes, and a ping after a time without any.

    Only a write can find out that the client has left, and a ping is one.

    Args:
        streams: the model's, which whoever leaves ends.
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
            running.discard(streams)
            streams.close()

    running.add(streams)
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
        streams.cancel()
        raise


def end_streams() -> None:
    """Ends all that run with an error, where the server is about to cut them."""
    for streams in list(running):
        streams.cancel()


def chat_frames(answer: Iterator[list[str]]) -> Frames:
    """Frames each event; an error ends the stream as an event, without the closing mark."""
    try:
        for events in answer:
            yield "".join(map(sse.frame, events))
    except (Exception, Cancelled) as error:
        yield sse.frame(error_json(told(error)))
    else:
        yield sse.DONE


def frames(answer: Iterator[Sequence[Told]], telling: Telling[Told]) -> Frames:
    """Tells of the same answer in another form."""
    yield sse.joined(telling.opening())
    try:
        for chunks in answer:
            if told_of := sse.joined(event for chunk in chunks for event in telling.events(chunk)):
                yield told_of
        for event in telling.closing():
            yield sse.frame(*event)
    except (Exception, Cancelled) as error:
        yield sse.joined(telling.failure(told(error)))
