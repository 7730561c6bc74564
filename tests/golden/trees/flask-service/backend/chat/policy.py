"""What of a client's request may reach the model."""

from typing import Any

from backend.chat.schemas import ChatCompletionRequest
from backend.errors import InvalidRequest
from backend.settings import Settings

LIMITS = ("max_tokens", "max_completion_tokens")
DEFAULT_LIMIT = "max_completion_tokens"


def admit(request: ChatCompletionRequest, settings: Settings) -> dict[str, Any]:
    """Returns the request to send upstream: with a model, and within the limits.

    Raises:
        InvalidRequest: too many messages, or a model that is not allowed.
    """
    if len(request.messages) > settings.max_messages:
        message = f"At most {settings.max_messages} messages are accepted"
        raise InvalidRequest(message, param="messages")
    model = request.model or settings.llm_model
    if settings.allowed_models and model not in settings.allowed_models:
        message = "This model is not offered here"
        raise InvalidRequest(message, param="model", code="model_not_found")
    body = request.model_dump(mode="json", exclude_unset=True)
    body["model"] = model
    given = [name for name in LIMITS if body.get(name) is not None]
    for name in given or [DEFAULT_LIMIT]:
        body[name] = min(body.get(name) or settings.max_tokens, settings.max_tokens)
    if request.stream:
        body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    return body
