"""Answers a chat request, whole or as a stream of events."""

from collections.abc import Iterator
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

    def complete(self, request: ChatCompletionRequest) -> dict[str, Any]:
        return self._llm.complete(admit(request, self._settings))

    def stream(self, request: ChatCompletionRequest) -> Iterator[str]:
        """Returns the JSON of each event, once the model has accepted the request."""
        options = request.stream_options
        relay = Relay(include_usage=options is not None and options.include_usage)
        return passed_on(self._llm.stream(admit(request, self._settings)), relay)

    def models(self) -> list[str]:
        return sorted(self._settings.allowed_models) or self._llm.models()


def passed_on(upstream: Iterator[str], relay: Relay) -> Iterator[str]:
    for event in upstream:
        if (passed := relay.pass_on(event)) is not None:
            yield passed
    relay.finish()
