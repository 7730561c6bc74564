"""The part of OpenAI's chat completions API that this service looks at.

Fields that are not named here are passed on to the model as they are.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
)


def whole(number: object) -> object:
    """Returns 1 for 1.0: JSON has one kind of number."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


Whole = BeforeValidator(whole)


class OpenModel(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)
    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)


class Message(OpenModel):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, JsonValue]] | None = None


class StreamOptions(OpenModel):
    include_usage: bool = False


class ChatCompletionRequest(OpenModel):
    model: str | None = None
    messages: Annotated[list[Message], Field(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Field(ge=1), Whole] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1), Whole] | None = None
    n: Annotated[int, Field(ge=1, le=128), Whole] | None = None


class EmbeddingRequest(OpenModel):
    model: str | None = None
    input: Annotated[str, Field(min_length=1)] | Annotated[list[JsonValue], Field(min_length=1)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[int, Field(ge=1, le=4096), Whole] | None = None


class UITextPart(OpenModel):
    type: Literal["text"]
    text: str


class UIImagePart(OpenModel):
    type: Literal["file"]
    media_type: Annotated[str, Field(alias="mediaType", pattern="^image/")]
    url: str


class UIDisplayPart(OpenModel):
    """What a page shows, and the model is not told."""

    type: Annotated[str, Field(pattern="^(step-start|reasoning|source-|data-)")]


def kind_of(part: Any) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    return kind if kind in ("text", "file") else "other"


UIPart = Annotated[
    Annotated[UITextPart, Tag("text")]
    | Annotated[UIImagePart, Tag("file")]
    | Annotated[UIDisplayPart, Tag("other")],
    Discriminator(kind_of),
]


def with_content(parts: list[UIPart]) -> list[UIPart]:
    for part in parts:
        if isinstance(part, UIImagePart) or (isinstance(part, UITextPart) and part.text):
            return parts
    raise ValueError("there is neither text nor an image")


CONTENT = {"properties": {"type": {"enum": ["text", "file"]}, "text": {"minLength": 1}}}


class UIUserMessage(OpenModel):
    role: Literal["user"]
    parts: Annotated[
        list[UIPart], AfterValidator(with_content), Field(json_schema_extra={"contains": CONTENT})
    ]


class UIOtherMessage(OpenModel):
    role: Literal["system", "assistant"]
    parts: list[UIPart]


UIMessage = Annotated[UIUserMessage | UIOtherMessage, Field(discriminator="role")]


class UIChatRequest(OpenModel):
    """What the AI SDK's `useChat` sends."""

    messages: Annotated[list[UIMessage], Field(min_length=1)]


class Model(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int = 0  # not known, but OpenAI's clients expect it
    owned_by: str = "unknown"


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[Model]
