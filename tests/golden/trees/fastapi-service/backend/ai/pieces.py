"""What the chunks of a chat completion add to its answer, whichever server sends them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple
from uuid import uuid4

from backend.json_text import JSONObject, joined, read_json, write_json

Kind = Literal["text", "refusal", "reasoning", "call", "source"]


@dataclass(eq=False)
class ToolCall:
    """A tool that the model calls; its arguments are JSON, unless the model got them wrong."""

    id: str
    name: str
    pieces: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> str:
        return joined(self.pieces)

    def parsed(self) -> Any:
        """Returns what the arguments say.

        Raises:
            ValueError: they are no JSON.
        """
        return read_json(self.arguments.encode(errors="surrogatepass"))


class Piece(NamedTuple):
    """Some more of an answer.

    Args:
        text: what is said; of a source its address.
        call: whose arguments go on by the text; it has them already.
        logprobs: how likely each token of a text was, where that was asked for.
    """

    kind: Kind
    text: str
    call: ToolCall | None = None
    logprobs: Sequence[JSONObject] = ()
    title: str = ""


class PieceReader:
    """Reads an answer, of several the first.

    `finish_reason` says why it has ended, as soon as that is known.
    """

    def __init__(self) -> None:
        self.finish_reason = ""
        self._calls: dict[object, ToolCall] = {}  # the newest of each index

    def read(self, chunk: JSONObject) -> Iterator[Piece]:
        """Yields what a chunk adds; a whole completion is one large chunk."""
        for choice in chunk.get("choices") or ():
            if not isinstance(choice, dict) or choice.get("index"):
                continue
            if (reason := choice.get("finish_reason")) and isinstance(reason, str):
                self.finish_reason = reason
            delta = choice.get("delta", choice.get("message"))
            if isinstance(delta, dict):
                yield from said_in(delta, choice)
                if calls := delta.get("tool_calls"):
                    yield from self._called(calls)
                elif function := delta.get("function_call"):  # as OpenAI called it first
                    yield from self._called([{"function": function}])

    def _called(self, calls: object) -> Iterator[Piece]:
        for place, call in enumerate(calls if isinstance(calls, list) else ()):
            match call:
                case {"function": {} as function}:
                    if known := self._call(call, function.get("name"), place):
                        text = arguments_in(function)
                        known.pieces.append(text)
                        yield Piece("call", text, known)

    def _call(self, call: JSONObject, name: object, place: int) -> ToolCall | None:
        """Returns the call that goes on, or begins; None as long as it has no name."""
        index, call_id = call.get("index"), call.get("id")
        index = index if isinstance(index, int) else place
        known = self._calls.get(index)
        # Not every server counts: another id is another call, whatever its index.
        is_another = known is None or (call_id and call_id != known.id)
        if is_another and isinstance(name, str) and name:
            known = self._calls[index] = ToolCall(str(call_id or f"call_{uuid4().hex}"), name)
        return known


def arguments_in(function: JSONObject) -> str:
    match function.get("arguments"):
        case str(text):
            return text
        case dict() as given:  # as some servers send it, which parse what the model says
            return write_json(given)
    return ""


def said_in(delta: JSONObject, choice: JSONObject) -> Iterator[Piece]:
    found: list[Piece] = []
    if thought := delta.get("reasoning_content") or delta.get("reasoning"):
        found.append(said(thought, "reasoning"))
    if content := delta.get("content"):
        found += map(said, content if isinstance(content, list) else [content])
    if refusal := delta.get("refusal"):
        found.append(said(refusal, "refusal"))
    found += sources_in(delta)
    for piece in found:
        if piece.text:
            is_text = piece.kind == "text" and choice.get("logprobs")
            yield piece._replace(logprobs=logprobs_in(choice)) if is_text else piece


def sources_in(delta: JSONObject) -> Iterator[Piece]:
    """Yields the pages that an answer refers to, as a model names them that has searched."""
    match delta:
        case {"annotations": [*annotations]}:
            for annotation in annotations:
                match annotation:
                    case {"url_citation": {"url": str(url), **cited}} if is_of_the_web(url):
                        title = cited.get("title")
                        yield Piece("source", url, title=title if isinstance(title, str) else "")


def is_of_the_web(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def said(part: object, kind: Kind = "text") -> Piece:
    """Returns what a part of the content says, and whether aloud."""
    if isinstance(part, str):
        return Piece(kind, part)
    match part:
        case {"type": "text", "text": str(text)}:
            return Piece(kind, text)
        case {"type": "refusal", "refusal": str(text)}:
            return Piece("refusal", text)
        case {"type": "reasoning" | "thinking" as form, **fields}:
            thought = fields.get("text", fields.get(form))
            thoughts = thought if isinstance(thought, list) else [thought]
            return Piece("reasoning", "".join(map(thought_in, thoughts)))
    return Piece(kind, "")


def thought_in(part: object) -> str:
    match part:
        case str(text) | {"type": "text", "text": str(text)}:
            return text
    return ""


def logprobs_in(choice: JSONObject) -> list[JSONObject]:
    match choice:
        case {"logprobs": {"content": [*tokens]}}:
            return [token for token in tokens if isinstance(token, dict)]
    return []
