"""What an answer says, calls and cites, whichever route gave it."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx2
from pydantic import JsonValue

from backend.ai.pieces import Piece, PieceReader


class Answer(NamedTuple):
    """One answer.

    Args:
        value: its JSON; of a stream, what its events make.
        said: its text.
        called: the names of the tools.
        cited: the names of the files.
        errors: why a stream ended early, whose status was sent before.
        seconds: until it was whole.
        tokens: that its client was charged.
    """

    status: int
    value: JsonValue
    said: str
    called: list[str]
    cited: list[str]
    errors: list[str]
    seconds: float
    tokens: int


def read(response: httpx2.Response, seconds: float, tokens: int) -> Answer:
    value = value_of(response)
    return Answer(
        response.status_code,
        value,
        said="".join(texts(value)),
        called=list(calls(value)),
        cited=list(citations(value)),
        errors=list(errors(value)),
        seconds=seconds,
        tokens=tokens,
    )


def value_of(response: httpx2.Response) -> Any:
    """Returns the JSON; of a stream, what its events make; of a proxy's own page, the text."""
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        try:
            return response.json()
        except ValueError:
            return response.text
    sent = [line[6:] for line in response.content.splitlines() if line.startswith(b"data: ")]
    return made_of([json.loads(data) for data in sent if data != b"[DONE]"])


def made_of(events: list[Any]) -> Any:
    """Returns the response or the text that events make, or else the events."""
    match events:
        case [*_, {"response": {"object": "response"} as whole}]:
            return whole
    return "".join(events) if all(isinstance(event, str) for event in events) else events


def texts(value: Any) -> Iterator[str]:
    """Yields what is said; of a value of no known form, each text with a line of its own."""
    match value:
        case {"object": "chat.completion"} | [{"object": "chat.completion.chunk"}, *_]:
            yield from (part.text for part in pieces(value) if part.kind in ("text", "refusal"))
        case {"object": "response", "output": [*items]}:
            for item in items:
                yield from (part["text"] for part in item.get("content", ()) if "text" in part)
        case [{"type": str()}, *_]:  # a stream for useChat
            yield from (part["delta"] for part in value if part.get("type") == "text-delta")
        case str():
            yield f"{value}\n"
        case dict() | list():
            for part in value.values() if isinstance(value, dict) else value:
                yield from texts(part)


def calls(value: Any) -> Iterator[str]:
    match value:
        case {"object": "chat.completion"} | [{"object": "chat.completion.chunk"}, *_]:
            made = dict.fromkeys(part.call for part in pieces(value) if part.call)
            yield from (call.name for call in made)
        case {"object": "response", "output": [*items]}:
            yield from (item["name"] for item in items if item["type"] == "function_call")
        case [{"type": str()}, *_]:
            for part in value:
                if part.get("type") == "tool-input-available":
                    yield part["toolName"]


def pieces(chat: Any) -> Iterator[Piece]:
    """Yields what a chat completion consists of, whole or in chunks."""
    reader = PieceReader()
    for chunk in chat if isinstance(chat, list) else [chat]:
        yield from reader.read(chunk)


def citations(value: Any) -> Iterator[str]:
    match value:
        case {"citations": [*cited]}:
            named = (each for each in cited if isinstance(each, dict) and "filename" in each)
            yield from (each["filename"] for each in named)


def errors(value: Any) -> Iterator[str]:
    match value:
        case {"object": "response", "status": "failed", "error": {"message": str(why)}}:
            yield why
        case [*_, {"error": {"message": str(why)}} | {"type": "error", "errorText": str(why)}]:
            yield why
