"""JSON as models send it: an emoji may be cut into two escapes, and each half is no text."""

import codecs
import json
from collections.abc import Iterable
from typing import Any

from pydantic_core import from_json, to_json

JSONObject = dict[str, Any]
TOO_DEEP = "recursion limit"  # as Pydantic calls it
UTF_16 = codecs.lookup("utf-16-le").name  # read now: a request may lack a descriptor for it


def read_json(text: str | bytes) -> Any:
    """Returns what JSON says, in UTF-8, UTF-16 or UTF-32.

    Raises:
        ValueError: it is no JSON, or not one of ours: NaN, or nested without end.
    """
    try:
        return from_json(text, allow_inf_nan=False)
    except (TypeError, ValueError) as error:
        if TOO_DEEP in str(error):
            raise ValueError(TOO_DEEP) from None
        data = text.encode() if isinstance(text, str) else text
    try:
        return json.loads(data, parse_constant=refuse)  # slower, but takes half an emoji, or a BOM
    except RecursionError:
        raise ValueError(TOO_DEEP) from None


def refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def write_json(value: Any) -> str:
    """Returns a value as JSON; what was sent as 1e999, which no JSON is sure to hold, is null."""
    try:
        return to_json(value, inf_nan_mode="null").decode()
    except ValueError:
        finite = json.loads(json.dumps(value), parse_constant=lambda _: None)
        return json.dumps(finite)  # keeps half an emoji as the escape that it was


def joined(texts: Iterable[str], errors: str = "surrogatepass") -> str:
    """Returns one text; an emoji of which each half came alone is whole in it.

    Args:
        errors: what becomes of the half of one that has no other, as codecs call it.
    """
    return "".join(texts).encode(UTF_16, "surrogatepass").decode(UTF_16, errors)
