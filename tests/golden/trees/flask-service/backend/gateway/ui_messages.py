"""What the AI SDK's `useChat` sends, as a chat completion.

It sends the whole conversation each time. So only the newest message is refused for what the
model cannot take: in those before it that is left out, or told in words, for otherwise no later
message of that conversation would be answered.
"""

import json
import re
from collections.abc import Collection, Iterator

from backend.errors import UnprocessableRequest
from backend.gateway.schemas import ChatCompletionRequest, UIChatRequest, UIMessage, plain
from backend.gateway.ui_files import Unreadable, file_for_model, named
from backend.json_text import JSONObject

NOT_ALLOWED = "The user did not allow this call."
NOT_GIVEN = "[{file} was not given to the model]"
STEP = {"type": "step-start"}


def to_chat(request: UIChatRequest, readable: Collection[str]) -> ChatCompletionRequest:
    """Returns the same conversation in the form of OpenAI's API.

    Args:
        readable: the media types of the files that the model reads, beside text.

    Raises:
        UnprocessableRequest: the newest message has nothing for the model, or what it cannot take.
    """
    *earlier, newest = request.messages
    messages = [each for message in earlier for each in converted(message, readable)]
    try:
        answered = list(converted(newest, readable, strict=True))
    except Unreadable as reason:
        param = f"messages.{len(earlier)}.parts"
        raise UnprocessableRequest(str(reason), param=param, code="unsupported_file") from None
    if not answered and (newest.role != "assistant" or not messages):
        message = "The newest message holds nothing for the model: no text, and no file"
        raise UnprocessableRequest(message, param=f"messages.{len(earlier)}")
    return ChatCompletionRequest.model_validate({"messages": messages + answered, "stream": True})


def answer_id(request: UIChatRequest) -> str | None:
    """Returns the id of the answer that is to be continued, if one is."""
    newest = request.messages[-1]
    continued = newest.role == "assistant" and isinstance(newest.id, str)
    return str(newest.id) if continued and newest.id else None


def converted(
    message: UIMessage, readable: Collection[str], *, strict: bool = False
) -> Iterator[JSONObject]:
    parts = [part for part in message.parts or () if isinstance(part, dict)]
    if message.parts is None:  # as the AI SDK 4 sends it
        parts = [{"type": "text", "text": message.content}]
    match message.role:
        case "user":
            if content := user_content(parts, readable, strict=strict):
                yield {"role": "user", "content": content}
        case "system":
            if text := text_of(parts):
                yield {"role": "system", "content": text}
        case "assistant":
            yield from answer(parts, readable)


def user_content(
    parts: list[JSONObject], readable: Collection[str], *, strict: bool = False
) -> str | list[JSONObject]:
    return plain([found for part in parts if (found := user_part(part, readable, strict=strict))])


def user_part(part: JSONObject, readable: Collection[str], *, strict: bool) -> JSONObject | None:
    match part:
        case {"type": "text", "text": str(text)} if text:
            return {"type": "text", "text": text}
        case {"type": "file"}:
            try:
                return file_for_model(part, readable)
            except Unreadable:
                if strict:
                    raise
                return {"type": "text", "text": NOT_GIVEN.format(file=named(part))}
    return None


def answer(parts: list[JSONObject], readable: Collection[str]) -> Iterator[JSONObject]:
    """Yields what an assistant said and did in each step, and what a user said between them."""
    step: list[JSONObject] = []
    for part in [*parts, STEP]:
        match part:
            case {"type": "step-start"}:
                yield from step_of(step)
                step = []
            case {"type": "steering-message", "parts": [*said]}:
                yield from step_of(step)
                step = []
                given = [each for each in said if isinstance(each, dict)]
                if content := user_content(given, readable):
                    yield {"role": "user", "content": content}
            case _:
                step.append(part)


def step_of(parts: list[JSONObject]) -> Iterator[JSONObject]:
    """Yields what was said, with the calls that came to an end, and their results."""
    text, ended = text_of(parts), [part for part in parts if result(part) is not None]
    if ended:
        yield {"role": "assistant", "content": text or None, "tool_calls": [*map(call, ended)]}
    elif text:
        yield {"role": "assistant", "content": text}
    for part in ended:
        yield {"role": "tool", "tool_call_id": part["toolCallId"], "content": result(part)}


def text_of(parts: list[JSONObject]) -> str:
    texts = [part.get("text") for part in parts if part.get("type") == "text"]
    return "".join(text for text in texts if isinstance(text, str))


def call(part: JSONObject) -> JSONObject:
    name = tool_name(part) or ""
    given = part.get("input")
    arguments = json.dumps(given if isinstance(given, dict) else {}, ensure_ascii=False)
    # No other letters are allowed there, and one call that is refused would end the conversation.
    function = {"name": re.sub(r"[^\w-]", "_", name, flags=re.ASCII)[:64], "arguments": arguments}
    return {"id": part["toolCallId"], "type": "function", "function": function}


def tool_name(part: JSONObject) -> str | None:
    match part:
        case {"type": "dynamic-tool", "toolName": str(name)}:
            return name
        case {"type": str(kind)} if kind.startswith("tool-"):
            return kind.removeprefix("tool-")
    return None


def result(part: JSONObject) -> str | None:
    """Returns what came of a tool's call; None where it did not end, or where there is none."""
    if not (tool_name(part) and isinstance(part.get("toolCallId"), str)):
        return None
    match part:
        case {"state": "output-available", "output": output} if not part.get("preliminary"):
            return output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
        case {"state": "output-error", "errorText": str(text)}:
            return text
        case {"state": "output-denied"} | {"approval": {"approved": False}}:
            reason = (part.get("approval") or {}).get("reason")
            return f"{NOT_ALLOWED} {reason}" if isinstance(reason, str) else NOT_ALLOWED
    return None
