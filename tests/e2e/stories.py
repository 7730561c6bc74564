"""A feature that streams, as a user would write it, and the ways to ask a service for a stream."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from e2e.upstream import MODEL

FEATURE = {
    "fastapi": """
from fastapi import APIRouter, Response
from pydantic import BaseModel

from backend.api.dependencies import ModelDep
from backend.api.routing import StrictRoute
from backend.api.streaming import event_stream

router = APIRouter(route_class=StrictRoute)


class Wish(BaseModel):
    wish: str


@router.post("/stories")
async def tell(body: Wish, model: ModelDep) -> Response:
    return event_stream(await model.stream("You tell stories.", body.wish, operation="stories"))
""",
    "flask": """
from flask import Blueprint, Response
from pydantic import BaseModel

from backend.api.dependencies import admit_client, model
from backend.api.routing import typed
from backend.api.streaming import event_stream

router = Blueprint("stories", __name__)


class Wish(BaseModel):
    wish: str


@router.post("/stories")
@typed(guard=admit_client)
def tell(body: Wish) -> Response:
    return event_stream(model().stream("You tell stories.", body.wish, operation="stories"))
""",
}
FEATURES = """
from backend.api.routers import stories, summaries

FEATURES = [summaries.router, stories.router]
"""


def add_stories(folder: Path, framework: str) -> None:
    routers = folder / "backend" / "api" / "routers"
    (routers / "stories.py").write_text(FEATURE[framework], "utf-8")
    (routers / "__init__.py").write_text(FEATURES, "utf-8")


class Way(NamedTuple):
    """How a stream is asked for.

    Args:
        body: of a request, for a wish.
        words: in an event.
    """

    path: str
    body: Callable[[str], dict[str, Any]]
    words: Callable[[Any], Iterator[str]]


def words_of_a_chunk(chunk: Any) -> Iterator[str]:
    for choice in chunk["choices"]:
        yield choice["delta"].get("content") or ""


def words_of_an_event(event: Any) -> Iterator[str]:
    if event["type"] == "response.output_text.delta":
        yield event["delta"]


def asked(wish: str) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": wish}], "stream": True}


CHAT = Way("/v1/chat/completions", asked, words_of_a_chunk)
RESPONSES = Way(
    "/v1/responses",
    lambda wish: {"model": MODEL, "input": wish, "stream": True},
    words_of_an_event,
)
STORIES = Way("/stories", lambda wish: {"wish": wish}, lambda text: iter([text]))
WAYS = {"chat": CHAT, "responses": RESPONSES, "a feature": STORIES}


def words_of(lines: Iterator[str], way: Way = CHAT) -> Iterator[str]:
    for line in lines:
        field, _, data = line.partition(": ")
        if data == "[DONE]":
            yield data
        elif field == "data":
            yield from filter(None, way.words(json.loads(data)))
