"""What the model answers to this service's own code."""

import re
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from backend.errors import AnswerCutOff, AnswerRefused, UpstreamFailed

Answer = TypeVar("Answer", bound=BaseModel)
Vector = list[float]
JSONObject = dict[str, Any]
VECTORS = TypeAdapter(list[Vector])
FENCED = re.compile(r"\s*```(?:json)?\s(.*)```\s*", re.DOTALL)
MOST_FAULTS = 20
MALFORMED = "The model sent a malformed answer"


@dataclass
class ToolCall:
    """A tool that the model calls; its arguments are JSON, unless the model got them wrong."""

    id: str
    name: str
    arguments: str = ""


class Said:
    """What the model says: in a whole answer, or in the chunks of a stream."""

    def __init__(self) -> None:
        self.text = ""
        self._calls: list[ToolCall] = []
        self._newest: dict[object, ToolCall] = {}  # of each index
        self._refused = False
        self._reason: object = None

    def add(self, answer: JSONObject) -> str:
        """Takes an answer, or one chunk of it, and returns the text that it adds."""
        before = len(self.text)
        try:
            for choice in answer.get("choices") or ():
                self._reason = choice.get("finish_reason") or self._reason
                self._add(choice.get("message") or choice.get("delta") or {})
        except (AttributeError, LookupError, TypeError):
            raise UpstreamFailed(MALFORMED) from None
        return self.text[before:]

    def finish(self) -> list[ToolCall]:
        """Returns the tools that are called, once all is said.

        Raises:
            AnswerRefused: by the model, or by its provider's filter.
            AnswerCutOff: it is longer than it may be.
            UpstreamFailed: there is none.
        """
        if self._refused or self._reason == "content_filter":
            raise AnswerRefused("The model refused to answer", code="refused")
        if self._reason == "length":
            raise AnswerCutOff("The model's answer was cut off at its limit", code="cut_off")
        if not (self.text or self._calls):
            raise UpstreamFailed("The model gave no answer")
        return self._calls

    def _add(self, said: JSONObject) -> None:
        content = said.get("content")
        for piece in content if isinstance(content, list) else [content]:
            kind, text = kind_and_text(piece)
            self.text += text if kind == "text" else ""
        self._refused |= bool(said.get("refusal"))
        for call in said.get("tool_calls") or ():
            self._call(call, call["function"])

    def _call(self, call: JSONObject, function: JSONObject) -> None:
        index, call_id = call.get("index"), call.get("id")
        known = self._newest.get(index)
        # Not every server counts: another id is another call, whatever its index.
        if known is None or (call_id and call_id != known.id):
            known = ToolCall(call_id or f"call_{uuid4().hex}", function["name"])
            self._newest[index] = known
            self._calls.append(known)
        known.arguments += function.get("arguments") or ""


def typed(answer: str, returns: type[Answer]) -> Answer:
    """Raises ValidationError where the answer has another form; a fence around it does no harm."""
    fenced = FENCED.fullmatch(answer)
    return returns.model_validate_json(fenced[1] if fenced else answer)


def faults(error: ValidationError) -> list[ErrorDetails]:
    """Returns the first things that are wrong, without what the answer says there."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return found[:MOST_FAULTS]


def vectors(answer: JSONObject, most: int) -> list[Vector]:
    """Returns the embeddings of so many texts, in their order."""
    try:
        items = sorted(answer["data"], key=lambda item: item["index"])
        found = VECTORS.validate_python([item["embedding"] for item in items])
    except (LookupError, TypeError, ValidationError):
        raise UpstreamFailed(MALFORMED) from None
    if len(found) != most:
        raise UpstreamFailed(MALFORMED)
    return found


def kind_and_text(piece: object) -> tuple[str, str]:
    """Returns what a piece of the content says, and whether aloud."""
    match piece:
        case str(text) | {"type": "text", "text": str(text)}:
            return "text", text
        case {"type": "refusal", "refusal": str(text)}:
            return "text", text
        case {"type": "reasoning" | "thinking", "text": str(text)}:
            return "reasoning", text
        case {"type": "reasoning" | "thinking" as kind} if isinstance(piece, dict):
            pieces = piece.get(kind)
            texts = pieces if isinstance(pieces, list) else [pieces]
            return "reasoning", "".join(kind_and_text(each)[1] for each in texts)
    return "text", ""
