"""What the model answers to this service's own code."""

import re
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from backend.ai.pieces import PieceReader, ToolCall
from backend.ai.upstream import MALFORMED
from backend.errors import AnswerCutOff, AnswerRefused, UpstreamFailed
from backend.json_text import JSONObject, joined

Answer = TypeVar("Answer", bound=BaseModel)
Vector = list[float]
VECTORS = TypeAdapter(list[Vector])
FENCED = re.compile(r"\s*```(?:json)?\s(.*)```\s*", re.DOTALL)
MOST_FAULTS = 20


class Said:
    """What the model says: in a whole answer, or in the chunks of a stream."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self._half = ""  # of an emoji
        self._reader = PieceReader()
        self._calls: dict[ToolCall, None] = {}
        self._refused = False

    def add(self, answer: JSONObject) -> str:
        """Takes an answer, or one chunk of it, and returns the text that it adds."""
        texts = [self._half]
        for piece in self._reader.read(answer):
            if piece.call:
                self._calls[piece.call] = None
            elif piece.kind == "text":
                texts.append(piece.text)
            self._refused |= piece.kind == "refusal"
        text = "".join(texts)
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        self._said.append(joined([text.removesuffix(self._half)], errors="replace"))
        return self._said[-1]

    @property
    def text(self) -> str:
        return "".join(self._said)

    def finish(self) -> list[ToolCall]:
        """Returns the tools that are called, once all is said.

        Raises:
            AnswerRefused: by the model, or by its provider's filter.
            AnswerCutOff: it is longer than it may be.
            UpstreamFailed: there is none.
        """
        if self._refused or self._reader.finish_reason == "content_filter":
            raise AnswerRefused("The model refused to answer", code="refused")
        if self._reader.finish_reason == "length":
            raise AnswerCutOff("The model's answer was cut off at its limit", code="cut_off")
        if not (self.text or self._calls):
            raise UpstreamFailed("The model gave no answer")
        return list(self._calls)


def typed(answer: str, returns: type[Answer]) -> Answer:
    """Raises ValidationError where the answer has another form; a fence around it does no harm."""
    fenced = FENCED.fullmatch(answer)
    return returns.model_validate_json(fenced[1] if fenced else answer)


def faults(error: ValidationError) -> list[ErrorDetails]:
    """Returns the first things that are wrong, without what the answer says there."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return found[:MOST_FAULTS]


def vectors(answer: JSONObject, count: int) -> list[Vector]:
    """Returns the embeddings of so many texts, in their order."""
    try:
        items = sorted(answer["data"], key=lambda item: item["index"])
        found = VECTORS.validate_python([item["embedding"] for item in items])
    except (LookupError, TypeError, ValidationError):
        raise UpstreamFailed(MALFORMED) from None
    if len(found) != count:
        raise UpstreamFailed(MALFORMED)
    return found
