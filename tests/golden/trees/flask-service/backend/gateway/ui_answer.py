"""The AI SDK's UI message stream, version 1: what `useChat` reads.

A part that it does not know, or a field that is null, ends the stream there.
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from backend.ai.answers import kind_and_text
from backend.errors import UpstreamFailed
from backend.json_text import read_json, write_json

JSONObject = dict[str, Any]
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


class ToolCall:
    """A call of a tool, which arrives in pieces."""

    def __init__(self, call_id: str, name: str) -> None:
        self.id = call_id
        self.name = name
        self.arguments = ""

    def complete(self) -> str:
        """Returns the part for the whole call, or for one that cannot be made."""
        called = {"toolCallId": self.id, "toolName": self.name}
        try:
            given = read_json(self.arguments or "{}")
        except ValueError:
            given = None
        if isinstance(given, dict):
            return part("tool-input-available", **called, input=given)
        why = "The model's arguments are no JSON object"
        return part("tool-input-error", **called, input=self.arguments, errorText=why)


class UIMessageStream:
    """Builds the parts of one answer.

    Args:
        message_id: of the answer that is continued; a new one where none is.
    """

    def __init__(self, message_id: str | None = None) -> None:
        self._id = message_id or f"msg_{uuid4().hex}"
        self._reason = ""
        self._refused = False
        self._answered = False
        self._open: tuple[str, str] | None = None  # the kind of the part, and its id
        self._opened = 0
        self._calls: dict[object, ToolCall] = {}  # the newest of each index
        self._called: list[ToolCall] = []

    def opening(self) -> Iterator[str]:
        yield part("start", messageId=self._id)
        yield part("start-step")

    def parts(self, event: str) -> Iterator[str]:
        """Yields the parts for one chunk of a chat completion."""
        for choice in read_json(event).get("choices") or ():
            if choice.get("index"):
                continue
            self._reason = choice.get("finish_reason") or self._reason
            delta = choice.get("delta")
            if isinstance(delta, dict):
                yield from self._delta(delta)

    def closing(self) -> Iterator[str]:
        """Yields the last parts.

        Raises:
            UpstreamFailed: there was no answer.
        """
        yield from self._close()
        for call in self._called:
            yield call.complete()
        if not self._answered:
            raise UpstreamFailed(NOTHING.get(self._reason, "The model gave no answer"))
        yield part("finish-step")
        reason = "content-filter" if self._refused else FINISH_REASONS.get(self._reason, "other")
        yield part("finish", finishReason=reason)

    def failure(self, message: str) -> str:
        return part("error", errorText=message)

    def _delta(self, delta: JSONObject) -> Iterator[str]:
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        yield from self._say("reasoning", thought if isinstance(thought, str) else "")
        content = delta.get("content")
        for piece in content if isinstance(content, list) else [content]:
            yield from self._say(*kind_and_text(piece))
        if isinstance(refusal := delta.get("refusal"), str):
            self._refused |= bool(refusal)
            yield from self._say("text", refusal)
        calls = delta.get("tool_calls")
        function = delta.get("function_call")  # as OpenAI called it first
        for call in calls if isinstance(calls, list) else [{"function": function}]:
            if isinstance(call, dict) and isinstance(call.get("function"), dict):
                yield from self._call(call, call["function"])

    def _say(self, kind: str, text: str) -> Iterator[str]:
        if not text:
            return
        if self._open is None or self._open[0] != kind:
            yield from self._close()
            self._opened += 1
            self._open = kind, f"{kind}-{self._opened}"
            yield part(f"{kind}-start", id=self._open[1])
        self._answered |= kind == "text"
        yield part(f"{kind}-delta", id=self._open[1], delta=text)

    def _close(self) -> Iterator[str]:
        if self._open is not None:
            kind, part_id = self._open
            self._open = None
            yield part(f"{kind}-end", id=part_id)

    def _call(self, call: JSONObject, function: JSONObject) -> Iterator[str]:
        index, call_id, name = call.get("index"), call.get("id"), function.get("name")
        known = self._calls.get(index)
        # Not every server counts: another id is another call, whatever its index.
        if known is None or (call_id and call_id != known.id and name):
            if not (isinstance(name, str) and name):
                return
            yield from self._close()
            known = ToolCall(str(call_id or f"call_{uuid4().hex}"), name)
            self._calls[index] = known
            self._called.append(known)
            self._answered = True
            yield part("tool-input-start", toolCallId=known.id, toolName=name)
        arguments = function.get("arguments")
        if isinstance(arguments, str) and arguments:
            known.arguments += arguments
            yield part("tool-input-delta", toolCallId=known.id, inputTextDelta=arguments)


def part(kind: str, **fields: Any) -> str:
    return write_json({"type": kind, **fields})
