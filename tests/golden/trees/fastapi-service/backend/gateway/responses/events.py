"""A response, and the events that tell of it, from the chunks of a chat completion."""

import time
from collections.abc import Iterator
from typing import Any

from backend.ai.call import is_count
from backend.ai.events import DONE, Event
from backend.ai.pieces import Piece, PieceReader, ToolCall
from backend.errors import AppError, RateLimited
from backend.gateway.responses.items import OutputItem, Told, identity, item_of
from backend.gateway.responses.request import ResponseRequest
from backend.gateway.responses.schemas import FunctionTool, without_nulls
from backend.json_text import JSONObject, read_json, write_json

CUT = {"length": "max_output_tokens", "content_filter": "content_filter"}
ECHOED = {
    *("model", "instructions", "max_output_tokens", "max_tool_calls", "metadata", "reasoning"),
    *("temperature", "top_p", "presence_penalty", "frequency_penalty", "top_logprobs"),
    *("tool_choice", "parallel_tool_calls", "user", "safety_identifier", "prompt_cache_key"),
}
UNLESS_ASKED: JSONObject = {
    "object": "response",
    "status": "in_progress",
    "completed_at": None,
    "error": None,
    "incomplete_details": None,
    "usage": None,
    "model": "",
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "reasoning": None,
    "temperature": 1.0,
    "top_p": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "top_logprobs": 0,
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "user": None,
    "safety_identifier": None,
    "prompt_cache_key": None,
    "service_tier": "default",
    # What is not offered here:
    "background": False,
    "previous_response_id": None,
    "store": False,
    "truncation": "disabled",
}


def beginning(request: ResponseRequest) -> JSONObject:
    """Returns a response with nothing in it yet: what was asked, and defaults for the rest."""
    text = request.text.model_dump(by_alias=True, exclude_none=True) if request.text else {}
    tools = request.tools or ()
    return {
        **UNLESS_ASKED,
        **without_nulls(request.model_dump(include=ECHOED)),
        "id": identity("resp"),
        "created_at": int(time.time()),
        "output": [],
        "text": {"format": {"type": "text"}, **text},
        "tools": [tool.model_dump() for tool in tools if isinstance(tool, FunctionTool)],
    }


class Response:
    """Builds a response; each step yields the events that tell of it.

    An item ends where the next begins, but for a call whose arguments are not whole: some models
    make several calls in turns.
    """

    def __init__(self, request: ResponseRequest) -> None:
        self.json = beginning(request)
        self._reader = PieceReader()
        self._open: dict[object, OutputItem] = {}
        self._grown: dict[object, None] = {}  # since the newest of them began
        self._called: set[ToolCall] = set()

    def begin(self) -> Iterator[Told]:
        yield "response.created", {"response": self.json}
        yield "response.in_progress", {"response": self.json}

    def grow(self, chunk: JSONObject) -> Iterator[Told]:
        """Takes the next chunk, or a completion that came as one."""
        for name in ("model", "service_tier"):
            if isinstance(said := chunk.get(name), str):
                self.json[name] = said
        if isinstance(usage := chunk.get("usage"), dict):
            self.json["usage"] = tokens(usage)
        for piece in self._reader.read(chunk):
            if piece.kind != "source":
                yield from self._take(piece)

    def end(self) -> Iterator[Told]:
        if not self.json["output"]:
            yield from self._take(Piece("text", ""))
        if reason := CUT.get(self._reader.finish_reason):
            yield from self._close("incomplete")
            self.json |= {"status": "incomplete", "incomplete_details": {"reason": reason}}
        else:
            yield from self._close("completed")
            self.json |= {"status": "completed", "completed_at": int(time.time())}
        yield f"response.{self.json['status']}", {"response": self.json}

    def fail(self, error: AppError) -> Iterator[Told]:
        yield from self._close("incomplete")
        yield from failure(self.json, error)

    def _take(self, piece: Piece) -> Iterator[Told]:
        key = piece.call or ("reasoning" if piece.kind == "reasoning" else "message")
        if key not in self._open:
            if piece.call in self._called:  # and was whole: what follows is blank
                return
            yield from self._begin(key, piece)
        self._grown[key] = None
        yield from self._open[key].grow(piece)

    def _begin(self, key: object, piece: Piece) -> Iterator[Told]:
        for whole in [other for other in self._grown if self._open[other].is_whole]:
            yield from self._open.pop(whole).end("completed")
        self._grown.clear()
        item = item_of(piece, len(self.json["output"]))
        self.json["output"].append(item.json)
        self._open[key] = item
        if piece.call:
            self._called.add(piece.call)
        yield item.begin()

    def _close(self, status: str) -> Iterator[Told]:
        """Ends all items; where the answer is cut off, the last of them is, too."""
        for item in (items := list(self._open.values())):
            is_cut = item is items[-1] or not item.is_whole
            yield from item.end(status if is_cut else "completed")
        self._open.clear()


def failure(response: JSONObject, error: AppError) -> Iterator[Told]:
    """Yields the events with which a response ends that cannot go on."""
    code = "rate_limit_exceeded" if isinstance(error, RateLimited) else "server_error"
    said = {"code": code, "message": error.message}
    # In OpenAI's form, and nested as others send it: every client reads one of the two.
    nested = {"type": error.type, "param": None, **said}
    yield "error", {**said, "param": None, "error": nested}
    yield "response.failed", {"response": {**response, "status": "failed", "error": said}}


def event(told: Told, number: int) -> Event:
    name, fields = told
    return Event(write_json({"type": name, "sequence_number": number, **fields}), name)


class ResponseStream:
    """Sends the events of a response, each with its number."""

    def __init__(self, request: ResponseRequest) -> None:
        self._response = Response(request)
        self._sent = 0

    def opening(self) -> Iterator[Event]:
        yield from map(self._numbered, self._response.begin())

    def events(self, chunk: str) -> Iterator[Event]:
        for told in self._response.grow(read_json(chunk)):
            yield self._numbered(told)

    def closing(self) -> Iterator[Event]:
        yield from map(self._numbered, self._response.end())
        yield Event(DONE)

    def failure(self, error: AppError) -> Iterator[Event]:
        yield from map(self._numbered, self._response.fail(error))
        yield Event(DONE)

    def _numbered(self, told: Told) -> Event:
        number, self._sent = self._sent, self._sent + 1
        return event(told, number)


def whole(request: ResponseRequest, completion: JSONObject) -> JSONObject:
    """Returns the response for a chat completion that came as one."""
    response = Response(request)
    for step in (response.grow(completion), response.end()):
        for _ in step:  # of which nobody is told
            pass
    return response.json


def tokens(usage: JSONObject) -> JSONObject:
    """Returns a chat completion's usage as a response has it."""
    sent, answered = count(usage, "prompt_tokens"), count(usage, "completion_tokens")
    cached = count(usage, "prompt_tokens_details", "cached_tokens")
    thought = count(usage, "completion_tokens_details", "reasoning_tokens")
    return {
        "input_tokens": sent,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": answered,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": count(usage, "total_tokens") or sent + answered,
    }


def count(usage: Any, *way: str) -> int:
    for step in way:
        usage = usage.get(step) if isinstance(usage, dict) else None
    return usage if is_count(usage) else 0
