"""A model's events on their way to the client."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from functools import partial

from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from backend.ai.provider import Stream
from backend.api import sse
from backend.api.answering import while_connected
from backend.api.responses import error_json, told
from backend.gateway.telling import Telling, Told
from backend.json_text import write_json


class EventStream(StreamingResponse):
    """Server-sent events, with a comment between them while the model is silent."""

    media_type = sse.MEDIA_TYPE

    def __init__(self, frames: AsyncIterator[str], headers: Mapping[str, str]) -> None:
        super().__init__(frames, headers={**sse.HEADERS, **headers})
        self._silent = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Starlette's own way, a task group for every stream, costs several times as much.
        with suppress(ClientDisconnect, asyncio.CancelledError):  # the last event said that we stop
            await while_connected(scope, receive, self.stream_response(send))

    async def stream_response(self, send: Send) -> None:
        pings = asyncio.create_task(self._ping_in_silence(send))
        try:
            await super().stream_response(partial(self._send, send))
        finally:
            pings.cancel()

    async def _send(self, send: Send, message: Message) -> None:
        self._silent = "body" not in message
        await send(message)

    async def _ping_in_silence(self, send: Send) -> None:
        ping = {"type": "http.response.body", "body": sse.PING.encode(), "more_body": True}
        while True:
            await asyncio.sleep(sse.PING_SECONDS)
            if self._silent:
                await send(ping)
            self._silent = True


def event_stream(events: AsyncIterator[str | BaseModel]) -> EventStream:
    """A feature's own events, as JSON; an error ends them as an event, `[DONE]` a whole answer."""
    return EventStream(chat_frames([write_json(event)] async for event in events), {})


def chat_stream(answer: Stream, headers: Mapping[str, str]) -> EventStream:
    return EventStream(chat_frames(answer), headers)


def told_stream(
    answer: AsyncIterator[Sequence[Told]], telling: Telling[Told], headers: Mapping[str, str]
) -> EventStream:
    return EventStream(frames(answer, telling), headers)


async def chat_frames(answer: Stream) -> AsyncIterator[str]:
    """Frames each event; an error ends the stream as an event, without the closing mark."""
    try:
        async for events in answer:
            yield "".join(map(sse.frame, events))
    except (Exception, asyncio.CancelledError) as error:
        yield sse.frame(error_json(told(error)))
    else:
        yield sse.DONE


async def frames(
    answer: AsyncIterator[Sequence[Told]], telling: Telling[Told]
) -> AsyncIterator[str]:
    """Tells of the same answer in another form."""
    yield sse.joined(telling.opening())
    try:
        async for chunks in answer:
            if told_of := sse.joined(event for chunk in chunks for event in telling.events(chunk)):
                yield told_of
        for event in telling.closing():
            yield sse.frame(*event)
    except (Exception, asyncio.CancelledError) as error:
        yield sse.joined(telling.failure(told(error)))
