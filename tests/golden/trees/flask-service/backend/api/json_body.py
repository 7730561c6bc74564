"""Reads JSON strictly: what cannot be sent back out is not let in."""

from typing import Any

from pydantic_core import from_json

NOT_JSON = "The body is not valid JSON"


def parse(body: bytes) -> Any:
    """Returns the value in `body`.

    Raises:
        ValueError: not UTF-8, not JSON, nested too deeply, `NaN`, or half a surrogate pair.
    """
    return from_json(body, allow_inf_nan=False)
