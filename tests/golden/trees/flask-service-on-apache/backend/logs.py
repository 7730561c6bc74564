"""One JSON object a line on stdout, never the text of a prompt or an answer."""

import logging
import sys
import traceback
from contextlib import suppress

import structlog
from pydantic_core import to_json
from structlog.typing import EventDict

logger = structlog.get_logger(__name__)


class Output:
    """Writes each line in one piece, without the lock for which threads would wait in a row."""

    def __init__(self) -> None:
        buffer = sys.stdout.buffer
        self._file = getattr(buffer, "raw", buffer)

    def write(self, line: bytes) -> None:
        with suppress(OSError):  # a full disk, or a reader that is gone, fails no request
            self._file.write(line)

    debug = info = warning = error = critical = write


def configure_logging(level: str) -> None:
    output = Output()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=lambda *_: output,
    )


def render(_logger: object, _method: str, event: EventDict) -> bytes:
    return to_json(event, serialize_unknown=True) + b"\n"


def log_bug(error: Exception) -> None:
    """Says where it happened, but not what its message says, which may be what a client sent."""
    trace = traceback.format_tb(error.__traceback__)
    logger.error("bug", error=type(error).__name__, trace=trace)
