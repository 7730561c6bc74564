"""Answers requests for the model, within the client's limits."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import structlog

from backend.chat import ui_messages
from backend.chat.call import Call
from backend.chat.policy import DROPPED, admit_chat, admit_embedding, dropped_fields, named
from backend.chat.relay import Relay
from backend.chat.schemas import ChatCompletionRequest, EmbeddingRequest, UIChatRequest
from backend.limits import Limits
from backend.llm import Provider, Stream
from backend.settings import Settings

JSONObject = dict[str, Any]
logger = structlog.get_logger(__name__)


class ChatService:
    def __init__(self, llm: Provider, limits: Limits, settings: Settings) -> None:
        self._llm = llm
        self._limits = limits
        self._settings = settings

    def complete(self, request: ChatCompletionRequest, client: str) -> JSONObject:
        call = Call("chat", client, admit_chat(request, self._settings))
        return self._answer(call, self._llm.complete)

    def embed(self, request: EmbeddingRequest, client: str) -> JSONObject:
        call = Call("embeddings", client, admit_embedding(request, self._settings))
        return self._answer(call, self._llm.embed)

    def stream(self, request: ChatCompletionRequest, client: str) -> Stream:
        """Returns the answer's stream, once the model has accepted the request."""
        call = Call("chat", client, admit_chat(request, self._settings))
        options = request.stream_options
        relay = Relay(include_usage=options is not None and options.include_usage is True)
        self._begin(call)
        try:
            stream = self._llm.stream(call.body)
        except BaseException as failure:
            self._finish(call, failure)
            raise
        return stream._replace(events=self._pass_on(stream.events, relay, call))

    def stream_ui(self, request: UIChatRequest, client: str) -> Stream:
        """Returns the same for what `useChat` sends."""
        chat = ui_messages.to_chat(request, self._settings.llm_files)
        return self.stream(chat, client)

    def dropped(self, request: ChatCompletionRequest | EmbeddingRequest) -> dict[str, str]:
        """Returns the header that names the fields which do not reach the model, if any."""
        fields = dropped_fields(request, self._settings)
        if not fields:
            return {}
        logger.info("fields_dropped", fields=named(fields))
        return {DROPPED: named(fields)}

    def models(self) -> list[str]:
        return sorted(self._settings.allowed_models) or self._llm.models()

    def _answer(self, call: Call, ask: Callable[[JSONObject], JSONObject]) -> JSONObject:
        self._begin(call)
        try:
            answer = ask(call.body)
            call.answering()
            call.count(answer)
        finally:
            self._finish(call, sys.exception())
        return answer

    def _pass_on(self, events: Iterator[str], relay: Relay, call: Call) -> Iterator[str]:
        try:
            with relay.until_complete():
                for event in events:
                    call.answering()
                    if (passed := relay.pass_on(event)) is not None:
                        yield passed
        finally:
            call.count(relay.answer)
            self._finish(call, sys.exception())

    def _begin(self, call: Call) -> None:
        call.taking = self._limits.reserve(call.client, call.reserved)
        call.begin()

    def _finish(self, call: Call, failure: BaseException | None) -> None:
        call.finish(failure)
        self._limits.settle(call.taking, reserved=call.reserved, used=call.used)
