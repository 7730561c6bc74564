"""The AI SDK's UI message stream, version 1: what `useChat` reads.

A part that it does not know, or a field that is null, ends the stream there.
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from backend.ai.events import DONE, Event
from backend.ai.pieces import Piece, PieceReader, ToolCall
from backend.errors import AppError, UpstreamFailed
from backend.json_text import read_json, write_json

HEADERS = {"x-vercel-ai-ui-message-stream": "v1"}
FINISH_REASONS = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_calls": "tool-calls",
    "function_call": "tool-calls",
}
NOTHING = {
    "length": "The model reached its limit before it answered",
    "content_filter": "The model's provider held the answer back",
}


class Parts:
    """What is said, thought and called in an answer, part by part."""

    def __init__(self) -> None:
        self.answered = False
        self.refused = False
        self.calls: dict[ToolCall, None] = {}
        self._open: tuple[str, str] | None = None  # the kind of the part, and its id
        self._opened = 0
        self._sources: set[str] = set()

    def add(self, piece: Piece) -> Iterator[Event]:
        if piece.call:
            yield from self._call(piece.call, piece.text)
        elif piece.kind == "source":
            yield from self._cite(piece.text, piece.title)
        else:
            self.refused |= piece.kind == "refusal"
            yield from self._say("text" if piece.kind == "refusal" else piece.kind, piece.text)

    def close(self) -> Iterator[Event]:
        if self._open is not None:
            kind, part_id = self._open
            self._open = None
            yield part(f"{kind}-end", id=part_id)

    def _say(self, kind: str, text: str) -> Iterator[Event]:
        if self._open is None or self._open[0] != kind:
            yield from self.close()
            self._opened += 1
            self._open = kind, f"{kind}-{self._opened}"
            yield part(f"{kind}-start", id=self._open[1])
        self.answered |= kind == "text"
        yield part(f"{kind}-delta", id=self._open[1], delta=text)

    def _cite(self, url: str, title: str) -> Iterator[Event]:
        if url not in self._sources:
            self._sources.add(url)
            named = {"title": title} if title else {}
            yield part("source-url", sourceId=f"source-{len(self._sources)}", url=url, **named)

    def _call(self, call: ToolCall, arguments: str) -> Iterator[Event]:
        if call not in self.calls:
            yield from self.close()
            self.calls[call] = None
            self.answered = True
            yield part("tool-input-start", toolCallId=call.id, toolName=call.name)
        if arguments:
            yield part("tool-input-delta", toolCallId=call.id, inputTextDelta=arguments)


class UIMessageStream:
    """Builds the parts of one answer.

    Args:
        message_id: of the answer that is continued; a new one where none is.
    """

    def __init__(self, message_id: str | None = None) -> None:
        self._id = message_id or f"msg_{uuid4().hex}"
        self._reader = PieceReader()
        self._parts = Parts()

    def opening(self) -> Iterator[Event]:
        yield part("start", messageId=self._id)
        yield part("start-step")

    def events(self, chunk: str) -> Iterator[Event]:
        """Yields the parts for one chunk of a chat completion."""
        for piece in self._reader.read(read_json(chunk)):
            yield from self._parts.add(piece)

    def closing(self) -> Iterator[Event]:
        """Yields the last parts.

        Raises:
            UpstreamFailed: there was no answer.
        """
        yield from self._parts.close()
        for call in self._parts.calls:
            yield complete(call)
        last = finish(self._parts, self._reader.finish_reason)
        yield part("finish-step")
        yield last
        yield Event(DONE)

    def failure(self, error: AppError) -> Iterator[Event]:
        yield part("error", errorText=error.message)


def finish(parts: Parts, reason: str) -> Event:
    """Returns the part that says why an answer has ended.

    Raises:
        UpstreamFailed: there was none.
    """
    if not parts.answered:
        raise UpstreamFailed(NOTHING.get(reason, "The model gave no answer"))
    told = "content-filter" if parts.refused else FINISH_REASONS.get(reason, "other")
    return part("finish", finishReason=told)


def complete(call: ToolCall) -> Event:
    """Returns the part for a whole call, or for one that cannot be made."""
    called = {"toolCallId": call.id, "toolName": call.name}
    try:
        given = call.parsed() if call.arguments else {}
    except ValueError:
        given = None
    if isinstance(given, dict):
        return part("tool-input-available", **called, input=given)
    why = "The model's arguments are no JSON object"
    return part("tool-input-error", **called, input=call.arguments, errorText=why)


def part(kind: str, **fields: Any) -> Event:
    return Event(write_json({"type": kind, **fields}))
