"""The framing of server-sent events."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from backend.ai.events import Event
from backend.errors import AppError

DONE = "data: [DONE]\n\n"
PING = ": ping\n\n"
PING_SECONDS = 10
MEDIA_TYPE = "text/event-stream"
# Without these a proxy may hold the stream back until it ends.
HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}
Told = TypeVar("Told", contravariant=True)


class Telling(Protocol[Told]):
    """Tells a client of an answer in a form of its own."""

    def opening(self) -> Iterator[Event]: ...

    def events(self, told: Told) -> Iterator[Event]:
        """Yields what one piece of it becomes, such as the JSON of a chunk."""
        ...

    def closing(self) -> Iterator[Event]: ...

    def failure(self, error: AppError) -> Iterator[Event]: ...


def joined(events: Iterable[Event]) -> str:
    return "".join(frame(*event) for event in events)


def frame(data: str, name: str = "") -> str:
    return f"event: {name}\ndata: {data}\n\n" if name else f"data: {data}\n\n"
