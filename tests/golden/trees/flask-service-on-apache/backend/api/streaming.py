"""A model's events on their way to the client."""

from collections.abc import Iterator

from backend.api import sse
from backend.api.responses import error_json
from backend.errors import AppError


def event_stream(events: Iterator[str]) -> Iterator[str]:
    """Frames each event; an error ends the stream as an event, without the closing mark."""
    try:
        for event in events:
            yield sse.frame(event)
    except AppError as error:
        yield sse.frame(error_json(error))
    else:
        yield sse.DONE
