"""Answers a chat request, whole or as a stream of events."""

from collections.abc import AsyncIterator
from typing import Any

from backend.chat.policy import admit
from backend.chat.relay import Relay
from backend.chat.schemas import ChatCompletionRequest
from backend.llm import Provider
from backend.settings import Settings


class ChatService:
    def __init__(self, llm: Provider, settings: Settings) -> None:
        self._llm = llm
        self._settings = settings

    async def complete(self, request: ChatCompletionRequest) -> dict[str, Any]:
        return await self._llm.complete(admit(request, self._settings))

    async def stream(self, request: ChatCompletionRequest) -> AsyncIterator[str]:
        """Returns the JSON of each event, once the model has accepted the request."""
        options = request.stream_options
        relay = Relay(include_usage=options is not None and options.include_usage)
        return passed_on(await self._llm.stream(admit(request, self._settings)), relay)

    async def models(self) -> list[str]:
        return sorted(self._settings.allowed_models) or await self._llm.models()


async def passed_on(upstream: AsyncIterator[str], relay: Relay) -> AsyncIterator[str]:
    async for event in upstream:
        if (passed := relay.pass_on(event)) is not None:
            yield passed
    relay.finish()
