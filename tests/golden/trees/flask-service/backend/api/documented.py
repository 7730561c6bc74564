"""What the API document says of answers that a handler's annotations do not show."""

from typing import Any, Literal

from backend.api import sse
from backend.api.responses import ErrorBody
from backend.chat.schemas import OpenModel

Responses = dict[int | str, dict[str, Any]]


class AssistantMessage(OpenModel):
    role: Literal["assistant"]
    content: str | None


class Choice(OpenModel):
    index: int
    message: AssistantMessage
    finish_reason: str


class Usage(OpenModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(OpenModel):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage


INVALID: Responses = {
    400: {"model": ErrorBody},
    413: {"model": ErrorBody},
    422: {"model": ErrorBody},
}
UNAUTHORIZED: Responses = {401: {"model": ErrorBody}}
UPSTREAM: Responses = {
    429: {"model": ErrorBody},
    502: {"model": ErrorBody},
    504: {"model": ErrorBody},
}
CHAT: Responses = {
    200: {
        "model": ChatCompletion,
        "content": {sse.MEDIA_TYPE: {"schema": {"type": "string"}}},
    },
    404: {"model": ErrorBody},
    **INVALID,
    **UNAUTHORIZED,
    **UPSTREAM,
}
MODELS: Responses = {**UNAUTHORIZED, **UPSTREAM}
