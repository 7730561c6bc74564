"""A model for when there is none: deterministic, in-process, and no judge of anything.

It repeats what it was told, calls the first tool that it is given, fills in a
JSON schema, and puts texts that share words near each other, so that every client
works before there is a key.
"""

import base64
import hashlib
import json
import math
import re
import struct
import time
import zlib
from collections.abc import Iterator
from typing import Any

from backend.ai.json_schema import example
from backend.errors import InvalidRequest
from backend.json_text import JSONObject

MODEL = "offline-echo"
EMBEDDING_SIZE = 256
MOST_MARKS = 4  # as OpenAI's models take
LARGEST = 1_000_000  # characters that it reads or answers, or numbers: no more is worth its time


def complete(request: JSONObject) -> JSONObject:
    """Returns the chat completion that answers `request`."""
    return completion(request, *answer(request))


def completion(request: JSONObject, message: JSONObject, finish_reason: str) -> JSONObject:
    choice = {"message": message, "finish_reason": finish_reason}
    return {
        **envelope(request, "chat.completion"),
        "choices": [{"index": index, **choice} for index in range(choices(request))],
        "usage": usage(request, message),
    }


def stream(request: JSONObject) -> Iterator[str]:
    """Returns the same answer as the JSON of one chunk after another, word by word."""
    return chunks(request, *answer(request))


def chunks(request: JSONObject, message: JSONObject, finish_reason: str) -> Iterator[str]:
    head = envelope(request, "chat.completion.chunk")
    made: list[tuple[JSONObject, str | None]] = [(delta, None) for delta in deltas(message)]
    made.append(({}, finish_reason))
    for delta, reason in made:
        for index in range(choices(request)):
            choice = {"index": index, "delta": delta, "finish_reason": reason}
            yield json.dumps({**head, "choices": [choice]}, ensure_ascii=False)
    yield json.dumps({**head, "choices": [], "usage": usage(request, message)})


def choices(request: JSONObject) -> int:
    return request.get("n") or 1


def embed(request: JSONObject) -> JSONObject:
    """Returns one embedding of unit length for each input: texts that share words are near."""
    given = request["input"]
    inputs = given if isinstance(given, list) and not isinstance(given[0], int) else [given]
    size = request.get("dimensions") or EMBEDDING_SIZE
    if len(inputs) * size > LARGEST:
        raise InvalidRequest(f"The offline model answers with at most {LARGEST:,} numbers")
    encode = as_base64 if request.get("encoding_format") == "base64" else list
    texts = [text if isinstance(text, str) else json.dumps(text) for text in inputs]
    if sum(map(len, texts)) > LARGEST:
        raise InvalidRequest(f"The offline model embeds at most {LARGEST:,} characters")
    data = [
        {"object": "embedding", "index": index, "embedding": encode(unit_vector(text, size))}
        for index, text in enumerate(texts)
    ]
    tokens = sum(len(text.split()) for text in texts)
    return {
        "object": "list",
        "data": data,
        "model": MODEL,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def unit_vector(text: str, size: int) -> list[float]:
    """Counts every three letters of each word in the place that they hash to."""
    vector = [0.0] * size
    for word in re.findall(r"\w+", text.lower()) or [text]:
        marked = f"#{word}#"
        for start in range(max(1, len(word))):
            place = zlib.crc32(marked[start : start + 3].encode())
            vector[place % size] += 1 if place >> 31 else -1
    if not any(vector):
        vector[0] = 1.0
    length = math.hypot(*vector)
    return [number / length for number in vector]


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
    words = f"You said: {last_text(request)}".split(" ")
    limit = request.get("max_completion_tokens") or request.get("max_tokens") or len(words)
    finish_reason = "stop" if limit >= len(words) else "length"
    content = " ".join(words[:limit])
    match request.get("response_format"):
        case {"type": "json_schema", "json_schema": wanted}:
            content, finish_reason = json.dumps(example(wanted.get("schema", {}))), "stop"
        case {"type": "json_object"}:
            content, finish_reason = json.dumps({"answer": content}, ensure_ascii=False), "stop"
        case {"type": "text"} | None:
            pass
        case _:
            raise ValueError("no such format")
    for mark in marks(request.get("stop")):
        content, found, _ = content.partition(mark)
        finish_reason = "stop" if found else finish_reason
    if len(content) * choices(request) > LARGEST:
        raise InvalidRequest(f"The offline model answers with at most {LARGEST:,} characters")
    return {"role": "assistant", "content": content}, finish_reason


def marks(stop: str | list[str] | None) -> list[str]:
    """Returns the texts at which the answer ends, of `stop`: one, up to four, or none."""
    several = [stop] if isinstance(stop, str) else stop or ()
    return [mark for mark in several[:MOST_MARKS] if mark]


def deltas(message: JSONObject) -> Iterator[JSONObject]:
    whole = {name: value for name, value in message.items() if name != "tool_calls"}
    yield {**whole, "content": None if "tool_calls" in message else ""}
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
    # The hash of the request: equal requests get equal answers, but for the time.
    name, now = f"chatcmpl-{fingerprint(request)}", int(time.time())
    return {"id": name, "object": kind, "created": now, "model": MODEL}


def usage(request: JSONObject, message: JSONObject) -> JSONObject:
    """Counts words for tokens."""
    prompt = len(json.dumps(request["messages"]).split())
    completion = len(str(message).split()) * choices(request)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def fingerprint(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
