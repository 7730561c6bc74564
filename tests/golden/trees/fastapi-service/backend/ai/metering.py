"""Asks the model for a client: reserves before what it may cost, settles after what it did cost."""

import sys
from collections.abc import Awaitable, Callable
from functools import partial

import anyio

from backend.ai.call import Call
from backend.ai.provider import Provider, Stream, begun
from backend.ai.relay import Relay
from backend.json_text import JSONObject
from backend.limits import Limits


class Meter:
    def __init__(self, provider: Provider, limits: Limits) -> None:
        self._provider = provider
        self._limits = limits

    async def complete(self, call: Call) -> JSONObject:
        return await self._answer(call, partial(self._provider.complete, path=call.path))

    async def embed(self, call: Call) -> JSONObject:
        return await self._answer(call, self._provider.embed)

    async def stream(self, call: Call, relay: Relay) -> Stream:
        """Returns the answer's stream, once the model has accepted the request."""
        await self._begin(call)
        try:
            with call.accepted():
                stream = await self._provider.stream(call.body, call.path)
        except BaseException as failure:
            await self._finish(call, failure)
            raise
        return await begun(self._pass_on(stream, relay, call))

    async def models(self) -> list[str]:
        return await self._provider.models()

    async def _answer(
        self, call: Call, ask: Callable[[JSONObject], Awaitable[JSONObject]]
    ) -> JSONObject:
        await self._begin(call)
        try:
            with call.accepted():
                answer = await ask(call.body)
            call.answering()
            call.count(answer)
        finally:
            await self._finish(call, sys.exception())
        return answer

    async def _pass_on(self, stream: Stream, relay: Relay, call: Call) -> Stream:
        try:
            yield []
            with relay.until_complete():
                async for events in stream:
                    call.answering()
                    if passed := relay.pass_on(events):
                        yield passed
                    if relay.failure:
                        break
        finally:
            call.count(relay.answer)
            await self._finish(call, sys.exception())

    async def _begin(self, call: Call) -> None:
        call.taking = await self._limits.reserve(call.client, call.reserved)
        call.begin()

    async def _finish(self, call: Call, failure: BaseException | None) -> None:
        call.finish(failure)
        # A client that left has cancelled us; what it used is counted all the same.
        with anyio.move_on_after(1, shield=True):
            await self._limits.settle(
                call.taking, operation=call.operation, reserved=call.reserved, used=call.used
            )
