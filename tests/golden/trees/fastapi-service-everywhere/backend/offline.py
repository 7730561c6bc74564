"""A model for when there is none: deterministic, in-process, and no judge of anything.

It repeats what it was told, calls the first tool that it is given, and fills in
a JSON schema, so that every client works before there is a key.
"""

import base64
import hashlib
import json
import math
import random
import struct
from collections.abc import Iterator
from typing import Any

from backend.errors import InvalidRequest
from backend.json_schema import example

MODEL = "offline-echo"
EMBEDDING_SIZE = 64
JSONObject = dict[str, Any]


def complete(request: JSONObject) -> JSONObject:
    """Returns the chat completion that answers `request`."""
    message, finish_reason = answer(request)
    return {
        **envelope(request, "chat.completion"),
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        "usage": usage(request, message),
    }


def stream(request: JSONObject) -> Iterator[str]:
    """Returns the same answer as the JSON of one chunk after another, word by word."""
    return chunks(request, *answer(request))


def chunks(request: JSONObject, message: JSONObject, finish_reason: str) -> Iterator[str]:
    head = envelope(request, "chat.completion.chunk")
    for delta in deltas(message):
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        yield json.dumps({**head, "choices": [choice]}, ensure_ascii=False)
    last = {"index": 0, "delta": {}, "finish_reason": finish_reason}
    yield json.dumps({**head, "choices": [last]})
    yield json.dumps({**head, "choices": [], "usage": usage(request, message)})


def embed(request: JSONObject) -> JSONObject:
    """Returns one embedding of unit length for each input: equal inputs have equal ones."""
    given = request["input"]
    inputs = given if isinstance(given, list) and not isinstance(given[0], int) else [given]
    size = request.get("dimensions") or EMBEDDING_SIZE
    encode = as_base64 if request.get("encoding_format") == "base64" else list
    data = [
        {"object": "embedding", "index": index, "embedding": encode(unit_vector(value, size))}
        for index, value in enumerate(inputs)
    ]
    tokens = sum(len(str(value).split()) for value in inputs)
    return {
        "object": "list",
        "data": data,
        "model": MODEL,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def unit_vector(value: Any, size: int) -> list[float]:
    source = random.Random(json.dumps(value))  # noqa: S311 - for repeatable numbers, not secrets
    numbers = [source.gauss() for _ in range(size)]
    length = math.hypot(*numbers)
    return [number / length for number in numbers]


def as_base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def answer(request: JSONObject) -> tuple[JSONObject, str]:
    """Returns the assistant's message and its finish reason.

    Raises:
        InvalidRequest: tools, a format or content parts that no model would accept.
    """
    try:
        return reply(request)
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
        raise InvalidRequest("The offline model cannot read this request") from None


def reply(request: JSONObject) -> tuple[JSONObject, str]:
    if tool := tool_to_call(request):
        return {"role": "assistant", "content": None, "tool_calls": [call(tool)]}, "tool_calls"
    response_format = request.get("response_format") or {}
    if response_format.get("type") == "json_schema":
        schema = response_format["json_schema"].get("schema", {})
        return {"role": "assistant", "content": json.dumps(example(schema))}, "stop"
    words = f"You said: {last_text(request)}".split(" ")
    limit = request.get("max_completion_tokens") or request.get("max_tokens") or len(words)
    content = " ".join(words[:limit])
    return {"role": "assistant", "content": content}, "stop" if limit >= len(words) else "length"


def deltas(message: JSONObject) -> Iterator[JSONObject]:
    yield {"role": "assistant", "content": None if "tool_calls" in message else ""}
    for index, tool_call in enumerate(message.get("tool_calls", ())):
        yield {"tool_calls": [{"index": index, **tool_call}]}
    words = (message["content"] or "").split(" ")
    for index, word in enumerate(words if message["content"] else ()):
        yield {"content": f" {word}" if index else word}


def tool_to_call(request: JSONObject) -> JSONObject | None:
    """The tool that was chosen, or the first; none once a tool has answered."""
    tools: list[JSONObject] = [
        tool["function"] for tool in request.get("tools") or () if "function" in tool
    ]
    choice = request.get("tool_choice")
    if not tools or choice == "none" or request["messages"][-1]["role"] == "tool":
        return None
    if isinstance(choice, dict):
        chosen = choice.get("function", {}).get("name")
        return next((tool for tool in tools if tool["name"] == chosen), None)
    return tools[0]


def call(tool: JSONObject) -> JSONObject:
    schema = tool.get("parameters") or {}
    function = {"name": tool["name"], "arguments": json.dumps(example(schema))}
    return {"id": f"call_{fingerprint(function)}", "type": "function", "function": function}


def last_text(request: JSONObject) -> str:
    content = request["messages"][-1].get("content") or ""
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in content if part.get("type") == "text")


def envelope(request: JSONObject, kind: str) -> JSONObject:
    # The hash of the request: equal requests get equal answers, to the last byte.
    return {"id": f"chatcmpl-{fingerprint(request)}", "object": kind, "created": 0, "model": MODEL}


def usage(request: JSONObject, message: JSONObject) -> JSONObject:
    """Counts words for tokens."""
    prompt, completion = len(json.dumps(request["messages"]).split()), len(str(message).split())
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def fingerprint(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
