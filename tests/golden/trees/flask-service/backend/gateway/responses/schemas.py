"""What OpenAI's Responses API may be sent, and each part of it as a chat completion has it.

Null is as good as absent, and other fields are not looked at: clients send many of both.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag

from backend.json_text import JSONObject

BUILT_IN = ("web_search", "image_generation", "tool_search", "namespace")  # OpenAI alone runs them
Name = Annotated[str, Field(min_length=1)]


class Form(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class InputText(Form):
    type: Literal["input_text", "output_text"]
    text: str

    def to_chat(self) -> JSONObject:
        return {"type": "text", "text": self.text}


class InputRefusal(Form):
    type: Literal["refusal"]
    refusal: str

    def to_chat(self) -> JSONObject:
        return {"type": "text", "text": self.refusal}


class InputImage(Form):
    type: Literal["input_image"]
    image_url: str
    detail: str | None = None

    def to_chat(self) -> JSONObject:
        image = {"url": self.image_url, "detail": self.detail}
        return {"type": "image_url", "image_url": without_nulls(image)}


class InputFile(Form):
    type: Literal["input_file"]
    file_data: str
    filename: str | None = None

    def to_chat(self) -> JSONObject:
        file = {"filename": self.filename, "file_data": self.file_data}
        return {"type": "file", "file": without_nulls(file)}


class AudioData(Form):
    data: str
    format: str


class InputAudio(Form):
    type: Literal["input_audio"]
    input_audio: AudioData

    def to_chat(self) -> JSONObject:
        return self.model_dump()


Part = Annotated[
    InputText | InputRefusal | InputImage | InputFile | InputAudio, Discriminator("type")
]
OutputPart = Annotated[InputText | InputImage | InputFile, Discriminator("type")]


class FunctionTool(Form):
    type: Literal["function"]
    name: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,64}$")]
    description: str | None = None
    parameters: dict[str, JsonValue] | None = None
    strict: bool | None = None

    def to_chat(self) -> JSONObject:
        function = self.model_dump(exclude_none=True, exclude={"type"})
        return {"type": "function", "function": function}


class BuiltInTool(Form):
    """A tool that only OpenAI can run: the model is not told of it."""

    type: Annotated[str, Field(pattern=f"^({'|'.join(BUILT_IN)})")]


def kind_of_tool(tool: Any) -> str | None:
    match tool:
        case {"type": "function"}:
            return "own"
        case {"type": "allowed_tools"}:
            return "allowed"
        case {"type": str(kind)} if kind.startswith(BUILT_IN):
            return "built_in"
    return None


Tool = Annotated[
    Annotated[FunctionTool, Tag("own")] | Annotated[BuiltInTool, Tag("built_in")],
    Discriminator(kind_of_tool),
]


class InputMessage(Form):
    type: Literal["message"] | None = None
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part]


class FunctionCall(Form):
    type: Literal["function_call"]
    call_id: Name
    name: Name
    arguments: str

    def to_chat(self) -> JSONObject:
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": self.call_id, "type": "function", "function": function}


class FunctionCallOutput(Form):
    type: Literal["function_call_output"]
    call_id: Name
    output: str | list[OutputPart]


class ItemReference(Form):
    type: Literal["item_reference"] | None = None
    id: str


class AdditionalTools(Form):
    type: Literal["additional_tools"]
    tools: list[Tool]


ReceiptType = Literal[
    "reasoning",
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
]


class Receipt(Form):
    """What a model thought, or did on another server: no chat completion takes it back."""

    type: ReceiptType


def kind_of_item(item: Any) -> str | None:
    match item:
        case {"type": str(kind)}:
            return "receipt" if kind in get_args(ReceiptType) else kind
        case {"role": _} | {"content": _}:
            return "message"
        case {"id": _}:
            return "item_reference"
    return None


Item = Annotated[
    Annotated[InputMessage, Tag("message")]
    | Annotated[FunctionCall, Tag("function_call")]
    | Annotated[FunctionCallOutput, Tag("function_call_output")]
    | Annotated[ItemReference, Tag("item_reference")]
    | Annotated[AdditionalTools, Tag("additional_tools")]
    | Annotated[Receipt, Tag("receipt")],
    Discriminator(kind_of_item),
]


class NamedTool(Form):
    type: Literal["function"]
    name: str

    def to_chat(self) -> JSONObject:
        return {"type": "function", "function": {"name": self.name}}


NamedOrBuiltIn = Annotated[NamedTool, Tag("own")] | Annotated[BuiltInTool, Tag("built_in")]


class AllowedTools(Form):
    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"] = "auto"
    tools: list[Annotated[NamedOrBuiltIn, Discriminator(kind_of_tool)]]


ToolChoice = (
    Literal["none", "auto", "required"]
    | Annotated[
        NamedOrBuiltIn | Annotated[AllowedTools, Tag("allowed")], Discriminator(kind_of_tool)
    ]
)


class PlainFormat(Form):
    type: Literal["text", "json_object"]

    def to_chat(self) -> JSONObject | None:
        return None if self.type == "text" else {"type": self.type}


class SchemaFormat(Form):
    type: Literal["json_schema"]
    name: str
    description: str | None = None
    schema_: Annotated[dict[str, JsonValue], Field(alias="schema")]
    strict: bool | None = None

    def to_chat(self) -> JSONObject | None:
        schema = self.model_dump(by_alias=True, exclude_none=True, exclude={"type"})
        return {"type": self.type, "json_schema": schema}


class TextOptions(Form):
    format: Annotated[PlainFormat | SchemaFormat, Discriminator("type")] | None = None
    verbosity: str | None = None


class ReasoningOptions(Form):
    effort: str | None = None
    summary: str | None = None


def without_nulls(fields: JSONObject) -> JSONObject:
    return {name: value for name, value in fields.items() if value is not None}
