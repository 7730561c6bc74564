"""What this service's own code asks the model, in the form of OpenAI's requests."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal, TypedDict

import openai
from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessageParam
from pydantic import BaseModel
from pydantic_core import ErrorDetails

from backend.json_text import JSONObject
from backend.settings import Settings

Message = ChatCompletionMessageParam
Tool = ChatCompletionFunctionToolParam
Asked = str | Sequence[Message | Mapping[str, object]]  # the latter as a database keeps them
NAMED = ("properties", "$defs")


class Options(TypedDict, total=False):
    """What one question may want otherwise than the settings say."""

    model: str
    max_tokens: int
    temperature: float
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"]


def question(system: str, asked: Asked, options: Options, settings: Settings) -> JSONObject:
    said = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
    body: JSONObject = {"model": settings.llm_model, **options}
    body["messages"] = [{"role": "system", "content": system}, *said]
    body[settings.llm_token_field] = body.pop("max_tokens", settings.max_tokens)
    return body


def in_form_of(returns: type[BaseModel], body: JSONObject, settings: Settings) -> JSONObject:
    """Returns a request whose answer has the form of `returns`: forced to, or told to."""
    schema = schema_of(returns)
    if settings.sends_json_schema:
        form = {"name": "answer", "strict": True, "schema": schema}
        return {**body, "response_format": {"type": "json_schema", "json_schema": form}}
    system, *said = body["messages"]
    told = f"{system['content']}\n\nAnswer with JSON alone, of this schema: {json.dumps(schema)}"
    return {**body, "messages": [{**system, "content": told}, *said]}


@cache
def schema_of(returns: type[BaseModel]) -> JSONObject:
    """Returns the schema that an answer has to fit: made once, and changed by nobody."""
    function = openai.pydantic_function_tool(returns)["function"]
    schema: JSONObject = without_defaults(function.get("parameters"))
    return schema


def without_defaults(part: Any, *, names: bool = False) -> Any:
    """Returns a schema as Azure takes it; where every property is required, none has a default.

    Args:
        names: whether the keys of this part are names, of which one may be `default`.
    """
    if isinstance(part, list):
        return [without_defaults(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: without_defaults(value, names=not names and key in NAMED)
        for key, value in part.items()
        if names or key != "default"
    }


def asked_again(body: JSONObject, answer: str, faults: Sequence[ErrorDetails]) -> JSONObject:
    """Returns the request once more, with its answer and what is wrong with that."""
    told = "\n".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)
    said = [
        {"role": "assistant", "content": answer},
        {"role": "user", "content": f"This has not the form that was asked for:\n{told}"},
    ]
    return {**body, "messages": [*body["messages"], *said]}


def streamed(body: JSONObject, tools: Sequence[Tool], settings: Settings) -> JSONObject:
    more: JSONObject = {"tools": list(tools)} if tools else {}
    if settings.llm_ask_usage:
        more["stream_options"] = {"include_usage": True}
    return {**body, "stream": True, **more}
