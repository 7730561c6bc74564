"""What of a client's request may reach the model."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from backend.ai.tokens import LIMITS, OF_A_RESPONSE
from backend.errors import InvalidRequest, NotFound
from backend.gateway import fields
from backend.gateway.responses.request import ResponseRequest
from backend.gateway.schemas import ChatCompletionRequest, EmbeddingRequest
from backend.settings import Settings

NAMES_MODELS = ("model", "models", "fallbacks")
NOT_OFFERED = "This model is not offered here"
NO_EMBEDDING_MODEL = "No embedding model is configured here: name one (or set EMBEDDING_MODEL)"
DROPPED = "x-dropped-fields"  # the header that names them
MOST_NAMED = 20
Relayed = ChatCompletionRequest | EmbeddingRequest
Request = Relayed | ResponseRequest


def admit_chat(request: ChatCompletionRequest, settings: Settings) -> dict[str, Any]:
    """Returns the request to send upstream: with a model, and within the limits.

    Raises:
        InvalidRequest: too many messages, or a model that is not allowed.
    """
    if len(request.messages) > settings.max_messages:
        message = f"At most {settings.max_messages} messages are accepted (MAX_MESSAGES)"
        raise InvalidRequest(message, param="messages")
    body = passed_on(request, request.model or settings.llm_model, settings)
    given = [name for name in LIMITS if body.get(name) is not None]
    for name in given or [settings.llm_token_field]:
        body[name] = min(body.get(name) or settings.max_tokens, settings.max_tokens)
    if request.stream and settings.llm_ask_usage:
        body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    return body


def admit_page(request: ChatCompletionRequest, settings: Settings, system: str) -> dict[str, Any]:
    """Returns the same for a page's chat, in which the model is told something first."""
    body = admit_chat(request, settings)
    if system:
        body["messages"].insert(0, {"role": "system", "content": system})
    return body


def admit_response(request: ResponseRequest, settings: Settings) -> dict[str, Any]:
    """Returns the request to send to a model that has the Responses API itself.

    Raises:
        InvalidRequest: too many items, one that is not there, or a model that is not allowed.
    """
    items = request.input if isinstance(request.input, list) else []
    if len(items) > settings.max_messages:
        message = f"At most {settings.max_messages} items are accepted (MAX_MESSAGES)"
        raise InvalidRequest(message, param="input")
    dropped = dropped_fields(request, settings)
    sent = {name: value for name, value in request.sent.items() if name not in dropped}
    limit = min(request.max_output_tokens or settings.max_tokens, settings.max_tokens)
    # The provider would keep it for all clients alike: they share our key.
    body = {**sent, "model": request.model or settings.llm_model, "store": False}
    require_allowed_models(body, settings)
    return {**body, OF_A_RESPONSE: limit}


def admit_embedding(request: EmbeddingRequest, settings: Settings) -> dict[str, Any]:
    """Returns the request to send upstream, with a model.

    Raises:
        InvalidRequest: a model that is not allowed, or none where none is configured.
    """
    model = request.model or settings.embedding_model
    if not model and settings.llm_api_key is not None:
        raise InvalidRequest(NO_EMBEDDING_MODEL, param="model", code="model_not_found")
    return passed_on(request, model, settings)


def passed_on(request: Relayed, model: str, settings: Settings) -> dict[str, Any]:
    """Returns what OpenAI documents and what `PASS_ON` names, with a model that is allowed."""
    dropped = set(dropped_fields(request, settings))
    no_null = isinstance(request, EmbeddingRequest)
    body = request.model_dump(
        mode="json", exclude_unset=True, exclude_none=no_null, exclude=dropped
    )
    body["model"] = model
    require_allowed_models(body, settings)
    return body


def require_allowed_models(body: dict[str, Any], settings: Settings) -> None:
    allowed_model(body["model"], settings)
    beyond = {name: body[name] for name in settings.pass_on if name in body}
    for name in models_in(beyond):  # to fall back on, for example
        allowed_model(name, settings)


def dropped_fields(request: Request, settings: Settings) -> list[str]:
    """Returns the fields that do not reach the model."""
    match request:
        case ResponseRequest() if settings.passes_responses:
            dropped = set(request.model_extra or ())
        case ResponseRequest():
            dropped = set(request.left_out)
        case ChatCompletionRequest():
            dropped = request.model_fields_set - fields.CHAT
        case _:
            dropped = request.model_fields_set - fields.EMBEDDINGS
    return sorted(dropped - set(settings.pass_on))


def named(dropped: Sequence[str]) -> str:
    """Returns names to show: a client may send any text as one, and as many as it likes."""
    shown = [name for name in dropped if re.fullmatch(r"[\w.-]{1,64}", name, re.ASCII)][:MOST_NAMED]
    others = len(dropped) - len(shown)
    return ", ".join([*shown, *([f"and {others} more"] if others else [])])


def models_in(value: Any, *, is_name: bool = False) -> Iterator[str]:
    match value:
        case str() if is_name:
            yield value
        case list():
            for item in value:
                yield from models_in(item, is_name=is_name)
        case dict():
            for name, item in value.items():
                yield from models_in(item, is_name=name.lower() in NAMES_MODELS)


def allowed_model(model: str, settings: Settings) -> str:
    if settings.allowed_models and model not in settings.allowed_models:
        raise InvalidRequest(NOT_OFFERED, param="model", code="model_not_found")
    return model


def listed_model(name: str, models: Sequence[str]) -> str:
    """Returns the name of a model that is offered.

    Raises:
        NotFound: there is none of that name.
    """
    if name not in models:
        raise NotFound(NOT_OFFERED, param="model", code="model_not_found")
    return name
