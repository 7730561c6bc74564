"""What of a client's request may reach the model, and what it may cost."""

from collections.abc import Sequence
from typing import Any

from backend.chat.schemas import ChatCompletionRequest, EmbeddingRequest
from backend.errors import InvalidRequest, NotFound
from backend.settings import Settings

CHARACTERS_PER_TOKEN = 4
CHARACTERS_PER_IMAGE = 1500 * CHARACTERS_PER_TOKEN  # providers charge by size, not by bytes
NOT_OFFERED = "This model is not offered here"
NO_EMBEDDING_MODEL = "No embedding model is configured here: name one (or set EMBEDDING_MODEL)"
LIMITS = ("max_tokens", "max_completion_tokens")


def admit_chat(request: ChatCompletionRequest, settings: Settings) -> dict[str, Any]:
    """Returns the request to send upstream: with a model, and within the limits.

    Raises:
        InvalidRequest: too many messages, or a model that is not allowed.
    """
    if len(request.messages) > settings.max_messages:
        message = f"At most {settings.max_messages} messages are accepted"
        raise InvalidRequest(message, param="messages")
    body = request.model_dump(mode="json", exclude_unset=True)
    body["model"] = allowed_model(request.model or settings.llm_model, settings)
    others = body.get("models")  # to fall back on, as OpenRouter has it
    for name in others if isinstance(others, list) else []:
        allowed_model(name, settings)
    given = [name for name in LIMITS if body.get(name) is not None]
    for name in given or [settings.llm_token_field]:
        body[name] = min(body.get(name) or settings.max_tokens, settings.max_tokens)
    if request.stream and settings.llm_ask_usage:
        body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    return body


def admit_embedding(request: EmbeddingRequest, settings: Settings) -> dict[str, Any]:
    """Returns the request to send upstream, with a model.

    Raises:
        InvalidRequest: a model that is not allowed, or none where none is configured.
    """
    model = request.model or settings.embedding_model
    if not model and settings.llm_api_key is not None:
        raise InvalidRequest(NO_EMBEDDING_MODEL, param="model", code="model_not_found")
    body = request.model_dump(mode="json", exclude_none=True)
    body["model"] = allowed_model(model, settings)
    return body


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


def most_tokens(body: dict[str, Any]) -> int:
    """Returns the most tokens that a request may cost: a guess of those in, all of those out."""
    sent = characters({**body, "model": ""})
    answered = max((body[name] for name in LIMITS if body.get(name)), default=0)
    return sent // CHARACTERS_PER_TOKEN + 1 + answered * (body.get("n") or 1)


def characters(value: Any) -> int:
    match value:
        case str():
            return len(value)
        case list():
            return sum(characters(item) for item in value)
        case {"image_url": _, **others}:
            return CHARACTERS_PER_IMAGE + characters(others)
        case dict():
            return sum(characters(item) for item in value.values())
        case _:
            return CHARACTERS_PER_TOKEN
