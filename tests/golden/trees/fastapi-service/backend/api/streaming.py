"""A model's events on their way to the client."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from backend.api import sse
from backend.api.answering import while_connected
from backend.api.responses import error_json, told
from backend.gateway import ui_answer
from backend.gateway.responses.events import ResponseStream
from backend.gateway.responses.request import ResponseRequest


class EventStream(StreamingResponse):
    """Server-sent events, with a comment between them while the model is silent."""

    media_type = sse.MEDIA_TYPE

    def __init__(self, frames: AsyncIterator[str], headers: Mapping[str, str]) -> None:
        super().__init__(frames, headers={**sse.HEADERS, **headers})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Starlette's own way, a task group for every stream, costs several times as much.
        with suppress(ClientDisconnect, asyncio.CancelledError):  # the last event said that we stop
            await while_connected(scope, receive, self.stream_response(send))

    async def stream_response(self, send: Send) -> None:
        sent = 0

        async def counted_send(message: Message) -> None:
            nonlocal sent
            sent += 1
            await send(message)

        async def ping_in_silence() -> None:
            seen = sent
            while True:
                await asyncio.sleep(sse.PING_SECONDS)
                if seen == sent > 0:
                    ping = sse.PING.encode()
                    await send({"type": "http.response.body", "body": ping, "more_body": True})
                seen = sent

        pings = asyncio.create_task(ping_in_silence())
        try:
            await super().stream_response(counted_send)
        finally:
            pings.cancel()


def chat_stream(events: AsyncIterator[str], headers: Mapping[str, str]) -> EventStream:
    return EventStream(chat_frames(events), headers)


def ui_stream(events: AsyncIterator[str], message_id: str | None) -> EventStream:
    answer = ui_answer.UIMessageStream(message_id)
    return EventStream(frames(events, answer), ui_answer.HEADERS)


def response_stream(
    events: AsyncIterator[str], request: ResponseRequest, headers: Mapping[str, str]
) -> EventStream:
    return EventStream(frames(events, ResponseStream(request)), headers)


async def chat_frames(events: AsyncIterator[str]) -> AsyncIterator[str]:
    """Frames each event; an error ends the stream as an event, without the closing mark."""
    try:
        async for event in events:
            yield sse.frame(event)
    except (Exception, asyncio.CancelledError) as error:
        yield sse.frame(error_json(told(error)))
    else:
        yield sse.DONE


async def frames(chunks: AsyncIterator[str], answer: sse.Telling) -> AsyncIterator[str]:
    """Tells of the same answer in another form."""
    for event in answer.opening():
        yield sse.frame(*event)
    try:
        async for chunk in chunks:
            for event in answer.events(chunk):
                yield sse.frame(*event)
        for event in answer.closing():
            yield sse.frame(*event)
    except (Exception, asyncio.CancelledError) as error:
        for event in answer.failure(told(error)):
            yield sse.frame(*event)
