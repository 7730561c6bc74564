"""Answers requests for the model, within the client's limits."""

from collections.abc import Callable, Iterator
from typing import Any

from backend.chat.call import Call
from backend.chat.policy import admit_chat, admit_embedding
from backend.chat.relay import Relay
from backend.chat.schemas import ChatCompletionRequest, EmbeddingRequest
from backend.limits import Limits
from backend.llm import Provider
from backend.settings import Settings

JSONObject = dict[str, Any]


class ChatService:
    def __init__(self, llm: Provider, limits: Limits, settings: Settings) -> None:
        self._llm = llm
        self._limits = limits
        self._settings = settings

    def complete(self, request: ChatCompletionRequest, client: str) -> JSONObject:
        call = Call(client, admit_chat(request, self._settings))
        return self._answer(call, self._llm.complete)

    def embed(self, request: EmbeddingRequest, client: str) -> JSONObject:
        call = Call(client, admit_embedding(request, self._settings))
        return self._answer(call, self._llm.embed)

    def stream(self, request: ChatCompletionRequest, client: str) -> Iterator[str]:
        """Returns the JSON of each event, once the model has accepted the request."""
        call = Call(client, admit_chat(request, self._settings))
        options = request.stream_options
        relay = Relay(include_usage=options is not None and options.include_usage)
        self._limits.reserve(client, call.reserved)
        try:
            events = self._llm.stream(call.body)
        except BaseException:
            self._finish(call)
            raise
        return self._pass_on(events, relay, call)

    def models(self) -> list[str]:
        return sorted(self._settings.allowed_models) or self._llm.models()

    def _answer(self, call: Call, ask: Callable[[JSONObject], JSONObject]) -> JSONObject:
        self._limits.reserve(call.client, call.reserved)
        try:
            answer = ask(call.body)
            call.answering()
            call.usage = answer.get("usage")
        finally:
            self._finish(call)
        return answer

    def _pass_on(self, events: Iterator[str], relay: Relay, call: Call) -> Iterator[str]:
        try:
            for event in events:
                call.answering()
                if (passed := relay.pass_on(event)) is not None:
                    yield passed
            relay.finish()
        finally:
            call.usage = relay.usage
            self._finish(call)

    def _finish(self, call: Call) -> None:
        call.log()
        self._limits.settle(call.client, reserved=call.reserved, used=call.used)
