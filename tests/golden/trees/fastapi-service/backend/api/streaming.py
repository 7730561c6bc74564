"""A model's events on their way to the client."""

from collections.abc import AsyncIterator

from backend.api import sse
from backend.api.responses import error_json
from backend.errors import AppError


async def event_stream(events: AsyncIterator[str]) -> AsyncIterator[str]:
    """Frames each event; an error ends the stream as an event, without the closing mark."""
    try:
        async for event in events:
            yield sse.frame(event)
    except AppError as error:
        yield sse.frame(error_json(error))
    else:
        yield sse.DONE
