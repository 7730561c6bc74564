"""Answers clients' requests for the model, as far as the policy goes."""

from collections.abc import Iterator, Sequence

import structlog

from backend.ai.call import Call
from backend.ai.metering import Meter
from backend.ai.provider import Stream
from backend.ai.relay import Relay
from backend.ai.upstream import RESPONSES
from backend.gateway import ui_messages
from backend.gateway.policy import (
    DROPPED,
    Request,
    admit_chat,
    admit_embedding,
    admit_page,
    admit_response,
    dropped_fields,
    named,
)
from backend.gateway.responses.events import ResponseStream, whole
from backend.gateway.responses.passed import PassedStream, ResponseRelay
from backend.gateway.responses.request import ResponseRequest, named_as_sent, to_chat
from backend.gateway.schemas import ChatCompletionRequest, EmbeddingRequest, UIChatRequest
from backend.gateway.telling import Telling
from backend.gateway.ui_answer import UIMessageStream
from backend.json_text import JSONObject
from backend.settings import Settings

logger = structlog.get_logger(__name__)
Answer = tuple[Iterator[Sequence[str]], Telling[str]]  # an answer, and how it is told


class ChatService:
    def __init__(self, meter: Meter, settings: Settings) -> None:
        self._meter = meter
        self._settings = settings

    def complete(self, request: ChatCompletionRequest, client: str) -> JSONObject:
        call = Call("chat", client, admit_chat(request, self._settings))
        return self._meter.complete(call)

    def embed(self, request: EmbeddingRequest, client: str) -> JSONObject:
        call = Call("embeddings", client, admit_embedding(request, self._settings))
        return self._meter.embed(call)

    def stream(self, request: ChatCompletionRequest, client: str) -> Stream:
        """Returns the answer's stream, once the model has accepted the request."""
        options = request.stream_options
        usage = options is not None and options.include_usage is True
        return self._stream(request, client, Relay(include_usage=usage))

    def stream_ui(self, request: UIChatRequest, client: str, system: str) -> Answer:
        """Returns the same for what `useChat` sends, in which the model is told something first."""
        chat = ui_messages.to_chat(request, self._settings.llm_files)
        call = Call("chat", client, admit_page(chat, self._settings, system))
        chunks = self._meter.stream(call, Relay(include_usage=True))
        return chunks, UIMessageStream(ui_messages.answer_id(request))

    def respond(self, request: ResponseRequest, client: str) -> JSONObject:
        """Returns a response, in the form of OpenAI's Responses API."""
        if self._settings.passes_responses:
            return self._meter.complete(self._passed(request, client))
        with named_as_sent():
            chat = to_chat(request, self._settings)
            return whole(request, self.complete(chat, client))

    def stream_response(self, request: ResponseRequest, client: str) -> Answer:
        """Returns what a response is made of: the provider's own, or a chat completion's chunks."""
        if self._settings.passes_responses:
            chunks = self._meter.stream(self._passed(request, client), ResponseRelay())
            return chunks, PassedStream()
        with named_as_sent():
            chat = to_chat(request, self._settings)
            chunks = self._stream(chat, client, Relay(include_usage=True))
            return chunks, ResponseStream(request)

    def _passed(self, request: ResponseRequest, client: str) -> Call:
        return Call("chat", client, admit_response(request, self._settings), path=RESPONSES)

    def _stream(self, request: ChatCompletionRequest, client: str, relay: Relay) -> Stream:
        call = Call("chat", client, admit_chat(request, self._settings))
        return self._meter.stream(call, relay)

    def dropped(self, request: Request) -> dict[str, str]:
        """Returns the header that names the fields which do not reach the model, if any."""
        fields = dropped_fields(request, self._settings)
        if not fields:
            return {}
        shown = named(fields)
        logger.info("fields_dropped", fields=shown)
        return {DROPPED: shown}

    def models(self) -> list[str]:
        return sorted(self._settings.allowed_models) or self._meter.models()
