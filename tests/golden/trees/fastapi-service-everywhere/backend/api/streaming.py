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
    return EventStream(ui_frames(events, message_id), ui_answer.HEADERS)


async def chat_frames(events: AsyncIterator[str]) -> AsyncIterator[str]:
    """Frames each event; an error ends the stream as an event, without the closing mark."""
    try:
        async for event in events:
            yield sse.frame(event)
    except (Exception, asyncio.CancelledError) as error:
        yield sse.frame(error_json(told(error)))
    else:
        yield sse.DONE


async def ui_frames(events: AsyncIterator[str], message_id: str | None) -> AsyncIterator[str]:
    """Frames the same answer as a UI message stream."""
    message = ui_answer.UIMessageStream(message_id)
    for part in message.opening():
        yield sse.frame(part)
    try:
        async for event in events:
            for part in message.parts(event):
                yield sse.frame(part)
        for part in message.closing():
            yield sse.frame(part)
    except (Exception, asyncio.CancelledError) as error:
        yield sse.frame(message.failure(told(error).message))
    else:
        yield sse.DONE
