"""Reads JSON strictly: what cannot be sent back out is not let in."""

import re
from typing import Any

from pydantic_core import from_json

from backend.errors import RequestTooLarge

NOT_JSON = "The body is not valid JSON"
NO_JSON_TYPE = "The body has to be JSON: add the header `Content-Type: application/json`"
MEDIA_TYPE = re.compile(r"\s*application/([\w.+-]+\+)?json\s*(;.*)?", re.IGNORECASE)
MOST_VALUES = 100_000  # each costs far more time and memory than its bytes do
TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


def is_json(content_type: str | None) -> bool:
    return MEDIA_TYPE.fullmatch(content_type or "") is not None


def parse(body: bytes) -> Any:
    """Returns the value in `body`.

    Raises:
        ValueError: not UTF-8, not JSON, nested too deeply, `NaN`, or half a surrogate pair.
        RequestTooLarge: there are too many values in it.
    """
    # What is in a text is no value, but to look at the texts takes longer.
    if marks(body) > MOST_VALUES and marks(TEXT.sub(b"", body)) > MOST_VALUES:
        raise RequestTooLarge(f"The body holds more than {MOST_VALUES} values")
    return from_json(body, allow_inf_nan=False)


def marks(body: bytes) -> int:
    return body.count(b",") + body.count(b"[") + body.count(b"{")
