"""A request for a response, and the chat completion that answers it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    model_validator,
)

from backend.errors import InvalidRequest, place_of
from backend.gateway.responses.messages import NOT_STORED, is_thought, messages
from backend.gateway.responses.schemas import (
    AdditionalTools,
    AllowedTools,
    BuiltInTool,
    FunctionTool,
    Item,
    NamedTool,
    ReasoningOptions,
    TextOptions,
    Tool,
    ToolChoice,
    without_nulls,
)
from backend.gateway.schemas import ChatCompletionRequest, OpenModel, Whole, example
from backend.json_text import JSONObject
from backend.settings import Settings

NOT_RUN = "no tool of this type can be run here"
NO_SUCH_TYPE = {"union_tag_invalid", "union_tag_not_found"}
PREVIOUS = "previous_response_id"
LOGPROBS = "message.output_text.logprobs"
SENT_AS = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning",
    "response_format": "text",
    "verbosity": "text",
}
PASSED_ON = (  # as they came: a chat completion calls them the same
    *("temperature", "top_p", "presence_penalty", "frequency_penalty"),
    *("service_tier", "user", "safety_identifier", "prompt_cache_key"),
)


def refuse_what_needs_a_store(value: object, field: ValidationInfo) -> object:
    if value is not None and value is not False:
        name = str(field.field_name)
        if name == PREVIOUS and isinstance(value, str):
            message = f"There is no response {value[:64]!r}: {NOT_STORED}"
            raise InvalidRequest(message, param=name, code="previous_response_not_found")
        raise InvalidRequest(f"{name}: {NOT_STORED}", param=name)
    return value


OfAStore = BeforeValidator(refuse_what_needs_a_store)
Penalty = Annotated[float, Field(ge=-2, le=2)]


class ResponseRequest(OpenModel):
    model_config = example(input="Hello!")
    __pydantic_extra__: dict[str, Any] = Field(init=False)  # which may hold anything
    # First, so that they are told of before an `input` that only they would explain.
    previous_response_id: Annotated[None, OfAStore] = None
    conversation: Annotated[None, OfAStore] = None
    prompt: Annotated[None, OfAStore] = None
    background: Annotated[Literal[False] | None, OfAStore] = None

    model: str | None = None
    input: str | Annotated[list[Item], Field(min_length=1)]
    instructions: str | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    text: TextOptions | None = None
    reasoning: ReasoningOptions | None = None
    max_output_tokens: Annotated[int, Field(ge=1), Whole] | None = None
    max_tool_calls: Annotated[int, Field(ge=1), Whole] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20), Whole] | None = None
    include: list[str] | None = None
    metadata: (
        Annotated[
            dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]],
            Field(max_length=16),
        ]
        | None
    ) = None
    truncation: Literal["auto", "disabled"] | None = None
    stream: bool | None = None
    store: bool | None = None
    service_tier: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    _sent: JSONObject = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def name_what_is_at_fault(cls, value: Any, validate: ValidatorFunctionWrapHandler) -> Self:
        """Tells of one field, as OpenAI does, in place of every form that it might have had."""
        try:
            request: Self = validate(value)
            request._sent = value
        except ValidationError as problem:
            raise named(problem, value) from None
        return request

    @property
    def sent(self) -> JSONObject:
        """What the client sent, without what is null, or refers to what no model kept."""
        given = without_nulls(self._sent)
        if isinstance(self.input, list):
            items = zip(self.input, given["input"], strict=True)
            given["input"] = [
                sent for place, (item, sent) in enumerate(items) if not is_thought(place, item)
            ]
        return given

    @property
    def offered(self) -> list[Tool]:
        """The tools of the request, and those that came with the conversation."""
        items = self.input if isinstance(self.input, list) else []
        added = [tool for item in items if isinstance(item, AdditionalTools) for tool in item.tools]
        return [*(self.tools or ()), *added]

    @property
    def left_out(self) -> list[str]:
        """What the model is not told of."""
        tools = {f"tools.{tool.type}" for tool in self.offered if isinstance(tool, BuiltInTool)}
        included = {f"include.{name}" for name in self.include or () if name != LOGPROBS}
        return sorted({*(self.model_extra or {}), *included, *tools})


def named(problem: ValidationError, request: object) -> InvalidRequest:
    """Returns the error of what lies deepest in the request: in the form that fits best."""
    failures = problem.errors(include_url=False, include_input=False)
    found = [(place_of(failure, request), failure) for failure in failures]
    place, failure = sorted(found, key=lambda pair: len(pair[0]))[-1]
    code, why = failure["type"], failure["msg"]
    if code in NO_SUCH_TYPE:  # Pydantic's words repeat what was sent
        why = "This type is not taken here"
    if not place:
        return InvalidRequest(why, code=code)
    field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return InvalidRequest(f"{field[1:]}: {why}", param=str(place[0]), code=code)


def to_chat(request: ResponseRequest, settings: Settings) -> ChatCompletionRequest:
    """Returns the same request in the form of OpenAI's chat completions.

    Raises:
        InvalidRequest: it asks for what a chat completion cannot give.
    """
    text, reasoning = request.text or TextOptions(), request.reasoning or ReasoningOptions()
    others = request.model_extra or {}
    body = {
        **{name: others[name] for name in settings.pass_on if name in others},
        **{name: getattr(request, name) for name in PASSED_ON},
        "model": request.model,
        "messages": messages(request.instructions, request.input),
        "stream": request.stream,
        settings.llm_token_field: request.max_output_tokens,
        "response_format": text.format and text.format.to_chat(),
        "verbosity": text.verbosity,
        "reasoning_effort": reasoning.effort,
        **tools(request),
    }
    if request.top_logprobs is not None or LOGPROBS in (request.include or ()):
        body |= {"logprobs": True, "top_logprobs": request.top_logprobs}
    asked = without_nulls(body)
    try:
        return ChatCompletionRequest.model_validate(asked)
    except ValidationError as problem:  # with what `PASS_ON` names: only now is that looked at
        raise named(problem, asked) from None


@contextmanager
def named_as_sent() -> Iterator[None]:
    """Gives an error the name that its field has in a request for a response."""
    try:
        yield
    except InvalidRequest as error:
        field, *_ = re.split(r"\W", error.param or "")
        error.param = SENT_AS.get(field, error.param)
        raise


def tools(request: ResponseRequest) -> JSONObject:
    """Returns what a chat completion is told of the tools, and which of them it may call."""
    offered, choice = request.offered, request.tool_choice
    functions = {tool.name: tool for tool in offered if isinstance(tool, FunctionTool)}
    wanted: Any = choice
    match choice:
        case NamedTool():
            require(choice, functions)
            wanted = choice.to_chat()
        case AllowedTools():
            allowed = [tool for tool in choice.tools if isinstance(tool, NamedTool)]
            functions = {tool.name: require(tool, functions) for tool in allowed}
            wanted = choice.mode
        case BuiltInTool():
            is_offered = choice.type in [tool.type for tool in offered]
            param = "tools" if is_offered else "tool_choice"
            raise InvalidRequest(f"{param}: {NOT_RUN}", param=param)
    if functions:
        told = [function.to_chat() for function in functions.values()]
        parallel = request.parallel_tool_calls
        return {"tools": told, "tool_choice": wanted, "parallel_tool_calls": parallel}
    if offered:
        raise InvalidRequest(f"tools: {NOT_RUN}", param="tools")
    if choice == "required":
        raise InvalidRequest("tool_choice: there is no tool", param="tool_choice")
    return {}


def require(choice: NamedTool, functions: Mapping[str, FunctionTool]) -> FunctionTool:
    if choice.name not in functions:
        message = f"tool_choice: there is no tool {choice.name[:64]!r}"
        raise InvalidRequest(message, param="tool_choice")
    return functions[choice.name]
