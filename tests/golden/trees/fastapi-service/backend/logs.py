"""One JSON object a line on stdout, never the text of a prompt or an answer."""

import logging

import structlog
from pydantic_core import to_json
from structlog.typing import EventDict


def configure_logging(level: str) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(),
    )


def render(_logger: object, _method: str, event: EventDict) -> str:
    # In half the time of structlog's own renderer; ASCII, whatever the encoding of stdout.
    return to_json(event, serialize_unknown=True, ensure_ascii=True).decode()
