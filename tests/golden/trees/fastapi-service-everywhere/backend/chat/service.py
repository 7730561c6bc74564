"""Answers requests for the model, within the client's limits."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import structlog

from backend.chat import ui_messages
from backend.chat.call import Call
from backend.chat.policy import DROPPED, admit_chat, admit_embedding, dropped_fields, named
from backend.chat.relay import Relay
from backend.chat.schemas import ChatCompletionRequest, EmbeddingRequest, UIChatRequest
from backend.limits import Limits
from backend.llm import Provider
from backend.settings import Settings

JSONObject = dict[str, Any]
logger = structlog.get_logger(__name__)


class ChatService:
    def __init__(self, llm: Provider, limits: Limits, settings: Settings) -> None:
        self._llm = llm
        self._limits = limits
        self._settings = settings

    async def complete(self, request: ChatCompletionRequest, client: str) -> JSONObject:
        call = Call("chat", client, admit_chat(request, self._settings))
        return await self._answer(call, self._llm.complete)

    async def embed(self, request: EmbeddingRequest, client: str) -> JSONObject:
        call = Call("embeddings", client, admit_embedding(request, self._settings))
        return await self._answer(call, self._llm.embed)

    async def stream(self, request: ChatCompletionRequest, client: str) -> AsyncIterator[str]:
        """Returns the JSON of each event, once the model has accepted the request."""
        call = Call("chat", client, admit_chat(request, self._settings))
        options = request.stream_options
        relay = Relay(include_usage=options is not None and options.include_usage is True)
        await self._begin(call)
        try:
            events = await self._llm.stream(call.body)
        except BaseException as failure:
            await self._finish(call, failure)
            raise
        return self._pass_on(events, relay, call)

    async def stream_ui(self, request: UIChatRequest, client: str) -> AsyncIterator[str]:
        """Returns the same for what `useChat` sends."""
        chat = ui_messages.to_chat(request, self._settings.llm_files)
        return await self.stream(chat, client)

    def dropped(self, request: ChatCompletionRequest | EmbeddingRequest) -> dict[str, str]:
        """Returns the header that names the fields which do not reach the model, if any."""
        fields = dropped_fields(request, self._settings)
        if not fields:
            return {}
        logger.info("fields_dropped", fields=named(fields))
        return {DROPPED: named(fields)}

    async def models(self) -> list[str]:
        return sorted(self._settings.allowed_models) or await self._llm.models()

    async def _answer(
        self, call: Call, ask: Callable[[JSONObject], Awaitable[JSONObject]]
    ) -> JSONObject:
        await self._begin(call)
        try:
            answer = await ask(call.body)
            call.answering()
            call.count(answer)
        finally:
            await self._finish(call, sys.exception())
        return answer

    async def _pass_on(
        self, events: AsyncIterator[str], relay: Relay, call: Call
    ) -> AsyncIterator[str]:
        try:
            with relay.until_complete():
                async for event in events:
                    call.answering()
                    if (passed := relay.pass_on(event)) is not None:
                        yield passed
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
            await self._limits.settle(call.taking, reserved=call.reserved, used=call.used)
