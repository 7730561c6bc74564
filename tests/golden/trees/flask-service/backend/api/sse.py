"""The framing of server-sent events."""

from collections.abc import Iterable

from backend.ai.events import Event

DONE = "data: [DONE]\n\n"
PING = ": ping\n\n"
PING_SECONDS = 10
MEDIA_TYPE = "text/event-stream"
# Without these a proxy may hold the stream back until it ends.
HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


def joined(events: Iterable[Event]) -> str:
    return "".join(frame(*event) for event in events)


def frame(data: str, name: str = "") -> str:
    return f"event: {name}\ndata: {data}\n\n" if name else f"data: {data}\n\n"
