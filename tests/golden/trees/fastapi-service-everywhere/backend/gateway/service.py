"""Answers clients' requests for the model, as far as the policy goes."""

from collections.abc import AsyncIterator
from typing import Any

import structlog

from backend.ai.call import Call
from backend.ai.metering import Meter
from backend.ai.relay import Relay
from backend.gateway import ui_messages
from backend.gateway.policy import DROPPED, admit_chat, admit_embedding, dropped_fields, named
from backend.gateway.schemas import ChatCompletionRequest, EmbeddingRequest, UIChatRequest
from backend.settings import Settings

JSONObject = dict[str, Any]
logger = structlog.get_logger(__name__)


class ChatService:
    def __init__(self, meter: Meter, settings: Settings) -> None:
        self._meter = meter
        self._settings = settings

    async def complete(self, request: ChatCompletionRequest, client: str) -> JSONObject:
        call = Call("chat", client, admit_chat(request, self._settings))
        return await self._meter.complete(call)

    async def embed(self, request: EmbeddingRequest, client: str) -> JSONObject:
        call = Call("embeddings", client, admit_embedding(request, self._settings))
        return await self._meter.embed(call)

    async def stream(self, request: ChatCompletionRequest, client: str) -> AsyncIterator[str]:
        """Returns the JSON of each event, once the model has accepted the request."""
        call = Call("chat", client, admit_chat(request, self._settings))
        options = request.stream_options
        relay = Relay(include_usage=options is not None and options.include_usage is True)
        return await self._meter.stream(call, relay)

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
        return sorted(self._settings.allowed_models) or await self._meter.models()
