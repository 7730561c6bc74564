"""Plain answers."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from backend.json_text import write_json


def answer(value: dict[str, Any], headers: Mapping[str, str]) -> Response:
    return Response(write_json(value), headers=headers, mimetype="application/json")
