"""JSON as models send it: an emoji may be cut into two escapes, and each half is no text."""

import json
from typing import Any

from pydantic_core import from_json, to_json

JSONObject = dict[str, Any]


def read_json(text: str | bytes) -> Any:
    """Returns what JSON says, in UTF-8, UTF-16 or UTF-32.

    Raises:
        ValueError: it is no JSON, or not one of ours: NaN, or nested without end.
    """
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError:
        data = text.encode() if isinstance(text, str) else text
    try:
        return json.loads(data, parse_constant=refuse)  # slower, but takes half an emoji, or a BOM
    except RecursionError:
        raise ValueError("nested too deeply") from None


def refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def write_json(value: Any) -> str:
    try:
        return to_json(value).decode()
    except ValueError:
        return json.dumps(value)  # keeps half an emoji as the escape that it was
