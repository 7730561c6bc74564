"""One JSON object a line on stdout, never the text of a prompt or an answer."""

import logging
import sys

import structlog
from pydantic_core import to_json
from structlog.typing import EventDict


def configure_logging(level: str) -> None:
    # Unbuffered: threads that log at once would wait for the buffer's lock, and for each other.
    buffer = sys.stdout.buffer
    output = getattr(buffer, "raw", buffer)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.BytesLoggerFactory(output),
    )


def render(_logger: object, _method: str, event: EventDict) -> bytes:
    return to_json(event, serialize_unknown=True)
