"""The part of OpenAI's chat completions API that this service looks at.

Other fields that OpenAI documents are passed on to the model as they are.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from backend.json_text import JSONObject


def whole(number: object) -> object:
    """Returns 1 for 1.0: JSON has one kind of number."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


Whole = BeforeValidator(whole)


class OpenModel(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)
    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)  # pyright: ignore


def example(**request: JsonValue) -> ConfigDict:
    """Returns what shows a request that `/docs` can send as it stands."""
    return ConfigDict(json_schema_extra={"examples": [request]})


class Message(OpenModel):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[dict[str, JsonValue]] | None = None


def plain(content: list[JSONObject]) -> str | list[JSONObject]:
    """Returns one text where that is all there is: not every model takes a list."""
    if all(part["type"] == "text" for part in content):
        return "".join(part["text"] for part in content)
    return content


class StreamOptions(OpenModel):
    include_usage: bool | None = None


class ChatCompletionRequest(OpenModel):
    model_config = example(messages=[{"role": "user", "content": "Hello!"}])
    model: str | None = None
    messages: Annotated[list[Message], Field(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Field(ge=1), Whole] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1), Whole] | None = None
    n: Annotated[int, Field(ge=1, le=128), Whole] | None = None


class EmbeddingRequest(OpenModel):
    model_config = example(input="Hello!")
    model: str | None = None
    input: Annotated[str, Field(min_length=1)] | Annotated[list[JsonValue], Field(min_length=1)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Field(ge=1, le=4096), Whole] | None = None


class UIMessage(OpenModel):
    """A message as a page holds it; `ui_messages` looks at its parts."""

    id: JsonValue = None
    role: str
    parts: list[JsonValue] | None = None
    content: JsonValue = None


class UIChatRequest(OpenModel):
    """What the AI SDK's `useChat` sends."""

    model_config = example(
        messages=[{"role": "user", "parts": [{"type": "text", "text": "Hello!"}]}]
    )

    messages: Annotated[list[UIMessage], Field(min_length=1)]


class Model(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int = 0  # not known, but OpenAI's clients expect it
    owned_by: str = "unknown"


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[Model]
