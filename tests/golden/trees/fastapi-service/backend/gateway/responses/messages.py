"""The conversation that leads to a response, as a chat completion has it."""

from collections import defaultdict, deque
from collections.abc import Sequence

from backend.errors import InvalidRequest
from backend.gateway.responses.schemas import (
    FunctionCall,
    FunctionCallOutput,
    InputMessage,
    Item,
    ItemReference,
    OutputPart,
    Part,
)
from backend.gateway.schemas import plain
from backend.json_text import JSONObject

NOT_STORED = "nothing is stored here. Send the whole conversation as `input`, with `store: false`"
WITH_AI_SDK = "(AI SDK: `providerOptions: {openai: {store: false}}`)"
SHOWN_BELOW = {"image_url": "[image]", "file": "[file]"}


def messages(instructions: str | None, given: str | Sequence[Item]) -> list[JSONObject]:
    """Returns the messages of a chat completion.

    Raises:
        InvalidRequest: an item refers to what is not there, or there is nothing to answer.
    """
    items = [InputMessage(role="user", content=given)] if isinstance(given, str) else given
    conversation = Conversation(items)
    if instructions:
        conversation.say("system", instructions)
    for place, item in enumerate(items):
        conversation.add(place, item)
    return conversation.finished()


def is_thought(place: int, item: Item) -> bool:
    """Whether an item refers to what a model thought, which it can do without.

    Raises:
        InvalidRequest: it refers to what was said, which is not kept here.
    """
    if not isinstance(item, ItemReference):
        return False
    if not item.id.startswith("rs_"):
        raise misplaced(place, f"{item.id[:64]!r} is not known: {NOT_STORED} {WITH_AI_SDK}")
    return True


class Conversation:
    """Builds messages from items, one after the other.

    Calls without a message between them become one, and their outputs follow at once, wherever
    they stood: models refuse all else.

    Args:
        items: all that will be added.
    """

    def __init__(self, items: Sequence[Item]) -> None:
        self._opening: list[str] = []  # what comes first, for the system
        self._messages: list[JSONObject] = []
        self._calls: list[tuple[int, FunctionCall]] = []  # no message yet
        self._outputs: defaultdict[str, deque[tuple[int, FunctionCallOutput]]] = defaultdict(deque)
        for place, item in enumerate(items):
            if isinstance(item, FunctionCallOutput):
                self._outputs[item.call_id].append((place, item))

    def add(self, place: int, item: Item) -> None:
        match item:
            case FunctionCall():
                self._calls.append((place, item))
            case FunctionCallOutput():
                self._end_calls()
            case InputMessage():
                self._end_calls()
                role = "system" if item.role == "developer" else item.role
                self.say(role, content(item.content))
            case ItemReference():
                is_thought(place, item)

    def say(self, role: str, said: str | list[JSONObject]) -> None:
        """Adds a message; what comes first for the system is one: many models take no more."""
        if role == "system" and isinstance(said, str) and not self._messages:
            self._opening.append(said)
        else:
            self._messages.append({"role": role, "content": said})

    def finished(self) -> list[JSONObject]:
        self._end_calls()
        for outputs in self._outputs.values():
            for place, output in outputs:
                raise misplaced(place, f"there is no call {output.call_id[:64]!r} before it")
        system = {"role": "system", "content": "\n\n".join(self._opening)}
        found = [*([system] if self._opening else []), *self._messages]
        if not found:
            raise InvalidRequest("The input holds nothing for the model", param="input")
        return found

    def _end_calls(self) -> None:
        if not self._calls:
            return
        if not self._messages or self._messages[-1]["role"] != "assistant":
            self._messages.append({"role": "assistant", "content": None})
        self._messages[-1]["tool_calls"] = [call.to_chat() for _, call in self._calls]
        shown: list[JSONObject] = []
        for place, call in self._calls:
            returned = content(self._output(place, call).output)
            if isinstance(returned, list):  # models take nothing but text there
                shown += [part for part in returned if part["type"] != "text"]
                texts = (SHOWN_BELOW.get(part["type"]) or part["text"] for part in returned)
                returned = "".join(texts)
            self._messages.append(
                {"role": "tool", "tool_call_id": call.call_id, "content": returned}
            )
        if shown:
            self.say("user", shown)
        self._calls = []

    def _output(self, place: int, call: FunctionCall) -> FunctionCallOutput:
        outputs = self._outputs[call.call_id]
        if not outputs or outputs[0][0] < place:
            raise misplaced(place, f"the call {call.call_id[:64]!r} has no output after it")
        return outputs.popleft()[1]


def content(parts: str | Sequence[Part | OutputPart]) -> str | list[JSONObject]:
    return parts if isinstance(parts, str) else plain([part.to_chat() for part in parts])


def misplaced(place: int, why: str) -> InvalidRequest:
    return InvalidRequest(f"input[{place}]: {why}", param="input")
