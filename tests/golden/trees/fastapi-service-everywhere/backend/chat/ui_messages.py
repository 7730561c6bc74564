"""The AI SDK's UI message stream, version 1: what `useChat` sends, and what it reads."""

import json
from collections.abc import Iterator
from typing import Any

from backend.chat.schemas import ChatCompletionRequest, Message, UIChatRequest

HEADERS = {"x-vercel-ai-ui-message-stream": "v1"}
TEXT = "text-1"


def to_chat(request: UIChatRequest) -> ChatCompletionRequest:
    """Returns the same conversation in the form of OpenAI's API."""
    messages = [
        Message(
            role=message.role,
            content="".join(part.text for part in message.parts if part.type == "text"),
        )
        for message in request.messages
    ]
    return ChatCompletionRequest(messages=messages, stream=True)


def opening() -> Iterator[str]:
    yield part("start")
    yield part("start-step")
    yield part("text-start", id=TEXT)


def delta(event: str) -> str | None:
    """Returns the part for one chunk of a chat completion, if it holds any text."""
    match json.loads(event):
        case {"choices": [{"delta": {"content": str(text)}}, *_]} if text:
            return part("text-delta", id=TEXT, delta=text)
    return None


def closing() -> Iterator[str]:
    yield part("text-end", id=TEXT)
    yield part("finish-step")
    yield part("finish")


def failure(message: str) -> str:
    return part("error", errorText=message)


def part(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields}, ensure_ascii=False, separators=(",", ":"))
