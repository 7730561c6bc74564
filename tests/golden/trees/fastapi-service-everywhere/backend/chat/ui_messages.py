"""The AI SDK's UI message stream, version 1: what `useChat` sends, and what it reads."""

from collections.abc import Iterator
from typing import Any

from pydantic import JsonValue

from backend.chat.schemas import (
    ChatCompletionRequest,
    Message,
    UIChatRequest,
    UIImagePart,
    UIPart,
    UITextPart,
)
from backend.json_text import read_json, write_json

HEADERS = {"x-vercel-ai-ui-message-stream": "v1"}
TEXT = "text-1"
FINISH_REASONS = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_calls": "tool-calls",
}


def to_chat(request: UIChatRequest) -> ChatCompletionRequest:
    """Returns the same conversation in the form of OpenAI's API."""
    messages = [
        Message(role=message.role, content=content(message.parts)) for message in request.messages
    ]
    return ChatCompletionRequest(messages=messages, stream=True)


def content(parts: list[UIPart]) -> str | list[dict[str, JsonValue]]:
    """Returns one text where that is all there is: not every model takes a list."""
    if any(isinstance(part, UIImagePart) for part in parts):
        return [converted for part in parts if (converted := content_part(part))]
    return "".join(part.text for part in parts if isinstance(part, UITextPart))


def content_part(part: UIPart) -> dict[str, JsonValue] | None:
    match part:
        case UITextPart() if part.text:
            return {"type": "text", "text": part.text}
        case UIImagePart():
            return {"type": "image_url", "image_url": {"url": part.url}}
    return None


class UIMessageStream:
    """Builds the parts of one answer."""

    def __init__(self) -> None:
        self._finish_reason = "other"

    def opening(self) -> Iterator[str]:
        yield part("start")
        yield part("start-step")
        yield part("text-start", id=TEXT)

    def delta(self, event: str) -> str | None:
        """Returns the part for one chunk of a chat completion, if it holds any text."""
        choices = read_json(event).get("choices")
        match choices:
            case [{"finish_reason": str(reason)}, *_] if reason:
                self._finish_reason = FINISH_REASONS.get(reason, "other")
        match choices:
            case [{"delta": {"content": str(text)}}, *_] if text:
                return part("text-delta", id=TEXT, delta=text)
        return None

    def closing(self) -> Iterator[str]:
        yield part("text-end", id=TEXT)
        yield part("finish-step")
        yield part("finish", finishReason=self._finish_reason)

    def failure(self, message: str) -> str:
        return part("error", errorText=message)


def part(kind: str, **fields: Any) -> str:
    return write_json({"type": kind, **fields})
