"""A model that answers as it is told to."""

import json
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any, NamedTuple

import httpx2
from pydantic import BaseModel

from backend.ai import offline

JSONObject = dict[str, Any]


class Reply(NamedTuple):
    message: JSONObject
    finish_reason: str


class Failure(NamedTuple):
    status: int
    message: str


Told = str | BaseModel | Reply | Failure
Rule = Callable[[JSONObject], Told]


def says(text: str) -> Reply:
    return Reply({"role": "assistant", "content": text}, "stop")


def calls(name: str, **arguments: object) -> Reply:
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"id": f"call_{offline.fingerprint(function)}", "type": "function", "function": function}
    return Reply({"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls")


def together(*replies: Reply) -> Reply:
    """Calls several tools at once."""
    called = [call for reply in replies for call in reply.message["tool_calls"]]
    return Reply({"role": "assistant", "content": None, "tool_calls": called}, "tool_calls")


def cut(text: str) -> Reply:
    """Answers no more than this, since its limit is reached."""
    return says(text)._replace(finish_reason="length")


def refuses(why: str) -> Reply:
    return Reply({"role": "assistant", "content": None, "refusal": why}, "stop")


def fails(status: int, message: str = "upstream says no") -> Failure:
    return Failure(status, message)


class Scripted:
    """Gives these answers, one after the other, whole or streamed, and keeps what it was asked.

    A text is said, an object of Pydantic's is sent as JSON; a function returns one of these for
    each request from there on. Texts are embedded offline.
    """

    def __init__(self, *told: Told | Rule) -> None:
        self.asked: list[JSONObject] = []
        self._told: Iterator[Told | Rule] = iter(told)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        asked = json.loads(request.content)
        self.asked.append(asked)
        if request.url.path.endswith("/embeddings"):
            return httpx2.Response(200, json=offline.embed(asked))
        match self._next(asked):
            case Failure(status, message):
                return failure(status, message)
            case Reply() as reply:
                return answer(asked, reply)
            case BaseModel() as value:
                return answer(asked, says(value.model_dump_json()))
            case text:
                return answer(asked, says(text))

    def _next(self, asked: JSONObject) -> Told:
        told = next(self._told, fails(400, "No more answers are told"))
        if not callable(told):
            return told
        self._told = repeat(told)
        return told(asked)


def answer(asked: JSONObject, reply: Reply) -> httpx2.Response:
    if not asked.get("stream"):
        return httpx2.Response(200, json=offline.completion(asked, *reply))
    events = [*offline.chunks(asked, *reply), "[DONE]"]
    content = "".join(f"data: {event}\n\n" for event in events)
    return httpx2.Response(200, content=content, headers={"content-type": "text/event-stream"})


def failure(status: int, message: str) -> httpx2.Response:
    # A client that is told not to ask again does not wait before it does.
    headers = {"x-should-retry": "false", "retry-after": "7"}
    return httpx2.Response(status, json={"error": {"message": message}}, headers=headers)
