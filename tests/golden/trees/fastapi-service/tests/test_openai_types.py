"""What OpenAI's own clients may send, by the types of its SDK."""

from typing import Any, get_args, get_type_hints

import pytest
from openai.types import chat, embedding_create_params
from openai.types.chat import completion_create_params

from backend.gateway.schemas import ChatCompletionRequest, EmbeddingRequest

ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "x"}]}
CHAT_FIELDS = get_type_hints(completion_create_params.CompletionCreateParamsNonStreaming)
EMBEDDING_FIELDS = get_type_hints(embedding_create_params.EmbeddingCreateParams)
ROLES = [
    get_args(get_type_hints(kind)["role"])[0] for kind in get_args(chat.ChatCompletionMessageParam)
]
KINDS = [
    get_args(get_type_hints(kind)["type"])[0]
    for kind in (
        *get_args(chat.ChatCompletionContentPartParam),
        chat.ChatCompletionContentPartRefusalParam,
    )
]


def test_the_types_are_found() -> None:
    assert {"developer", "function", "tool", "user"} <= set(ROLES)
    assert {"text", "image_url", "input_audio", "file", "refusal"} <= set(KINDS)


@pytest.mark.parametrize("field", sorted(CHAT_FIELDS.keys() - {"messages"}))
def test_a_chat_takes_null_for_what_is_optional(field: str) -> None:
    ChatCompletionRequest.model_validate({**ASK, field: None})


@pytest.mark.parametrize("field", sorted(EMBEDDING_FIELDS.keys() - {"input"}))
def test_embeddings_take_null_for_what_is_optional(field: str) -> None:
    EmbeddingRequest.model_validate({"input": "x", field: None})


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("content", ["x", None, [{"type": kind} for kind in KINDS]])
def test_takes_every_role_and_part(role: str, content: object) -> None:
    ChatCompletionRequest.model_validate({"messages": [{"role": role, "content": content}]})


def test_takes_options_of_a_stream_that_are_null() -> None:
    options = dict.fromkeys(get_type_hints(chat.ChatCompletionStreamOptionsParam))
    ChatCompletionRequest.model_validate({**ASK, "stream_options": options})
