"""What a response consists of, and the events that tell of each part as it grows."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple
from uuid import uuid4

from backend.ai.pieces import Piece, ToolCall
from backend.json_text import JSONObject, joined

Told = tuple[str, JSONObject]  # the name of an event, and what it holds


class Form(NamedTuple):
    """How a kind of text is told.

    Args:
        type: of the part that holds it.
        field: of the part, for the text.
        part: what the events of the part are called.
        text: what those of its text are called.
        place: what they call the number of the part in its item.
    """

    type: str
    field: str
    part: str
    text: str
    place: str


CONTENT = "response.content_part"
FORMS = {
    "text": Form("output_text", "text", CONTENT, "response.output_text", "content_index"),
    "refusal": Form("refusal", "refusal", CONTENT, "response.refusal", "content_index"),
    "reasoning": Form(
        type="summary_text",
        field="text",
        part="response.reasoning_summary_part",
        text="response.reasoning_summary_text",
        place="summary_index",
    ),
}


class OutputItem(ABC):
    """An item of a response; `json` is what has been told of it.

    Args:
        index: its place in the response.
        json: how it begins.
    """

    def __init__(self, index: int, json: JSONObject) -> None:
        self.json = {**json, "status": "in_progress"}
        self._index = index
        self._where: JSONObject = {"item_id": json["id"], "output_index": index}

    @property
    def is_whole(self) -> bool:
        """Whether it may end where another item begins."""
        return True

    def begin(self) -> Told:
        return "response.output_item.added", {"output_index": self._index, "item": self.json}

    @abstractmethod
    def grow(self, piece: Piece) -> Iterator[Told]: ...

    def end(self, status: str) -> Iterator[Told]:
        yield from self._finish()
        self.json["status"] = status
        yield "response.output_item.done", {"output_index": self._index, "item": self.json}

    @abstractmethod
    def _finish(self) -> Iterator[Told]: ...


class TextItem(OutputItem):
    """What the model says, or shows of its thoughts: parts, each of one form.

    Args:
        holder: the field of the item for its parts.
    """

    def __init__(self, index: int, json: JSONObject, holder: str) -> None:
        super().__init__(index, json)
        self._parts: list[JSONObject] = []
        self.json[holder] = self._parts
        self._form = FORMS["text"]
        self._said: list[str] = []

    def grow(self, piece: Piece) -> Iterator[Told]:
        if not self._parts or self._form is not FORMS[piece.kind]:
            yield from self._finish()
            yield self._begin_part(FORMS[piece.kind])
        if piece.text:
            self._said.append(piece.text)
            delta: JSONObject = {**self._where, "delta": piece.text}
            if piece.kind == "text":
                delta["logprobs"] = [likelihood(token) for token in piece.logprobs]
                self._parts[-1]["logprobs"] += delta["logprobs"]
            yield f"{self._form.text}.delta", delta

    def _begin_part(self, form: Form) -> Told:
        part: JSONObject = {"type": form.type, form.field: ""}
        if form.type == "output_text":
            part |= {"annotations": [], "logprobs": []}
        self._form = form
        self._where = {**self._where, form.place: len(self._parts)}
        self._parts.append(part)
        return f"{form.part}.added", {**self._where, "part": part}

    def _finish(self) -> Iterator[Told]:
        if self._parts:
            part, field = self._parts[-1], self._form.field
            part[field], self._said = joined(self._said), []
            said = {name: part[name] for name in (field, "logprobs") if name in part}
            yield f"{self._form.text}.done", {**self._where, **said}
            yield f"{self._form.part}.done", {**self._where, "part": part}


class CallItem(OutputItem):
    """A call of one of the client's tools."""

    def __init__(self, index: int, call: ToolCall) -> None:
        named = {"call_id": call.id, "name": call.name, "arguments": ""}
        super().__init__(index, {"type": "function_call", "id": identity("fc"), **named})
        self._call = call

    @property
    def is_whole(self) -> bool:
        try:
            self._call.parsed()
        except ValueError:
            return False
        return True

    def grow(self, piece: Piece) -> Iterator[Told]:
        if piece.text:
            event = "response.function_call_arguments.delta"
            yield event, {**self._where, "delta": piece.text}

    def _finish(self) -> Iterator[Told]:
        if not self._call.arguments:  # which would be no JSON
            yield from self.grow(Piece("call", "{}"))
        self.json["arguments"] = self._call.arguments or "{}"
        whole = {name: self.json[name] for name in ("arguments", "name")}
        yield "response.function_call_arguments.done", {**self._where, **whole}


def item_of(piece: Piece, index: int) -> OutputItem:
    """Returns the item that begins with a piece."""
    if piece.call:
        return CallItem(index, piece.call)
    if piece.kind == "reasoning":
        return TextItem(index, {"type": "reasoning", "id": identity("rs")}, "summary")
    message = {"type": "message", "id": identity("msg"), "role": "assistant"}
    return TextItem(index, message, "content")


def likelihood(token: JSONObject) -> JSONObject:
    """Returns what is known of a token; clients take no null, and miss what is not there."""
    match token:
        case {"top_logprobs": [*found]}:
            others = [alone(other) for other in found if isinstance(other, dict)]
        case _:
            others = []
    return {**alone(token), "top_logprobs": others}


def alone(token: JSONObject) -> JSONObject:
    return {**token, "bytes": token.get("bytes") or [], "top_logprobs": []}


def identity(prefix: str) -> str:
    return f"{prefix}_{uuid4().hex}"
