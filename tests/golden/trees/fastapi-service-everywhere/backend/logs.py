"""One JSON object a line on stdout, never the text of a prompt or an answer."""

import logging
import sys

import structlog
from pydantic_core import to_json
from structlog.typing import EventDict


class Output:
    """Writes each line in one piece, without the lock for which threads would wait in a row."""

    def __init__(self) -> None:
        buffer = sys.stdout.buffer
        self._file = getattr(buffer, "raw", buffer)

    def write(self, line: bytes) -> None:
        self._file.write(line)

    debug = info = warning = error = critical = write


def configure_logging(level: str) -> None:
    output = Output()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=lambda *_: output,
    )


def render(_logger: object, _method: str, event: EventDict) -> bytes:
    return to_json(event, serialize_unknown=True) + b"\n"
