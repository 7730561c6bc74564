"""Plain answers."""

from typing import Any

from flask import Response

from backend.json_text import write_json


def answer(value: dict[str, Any]) -> Response:
    return Response(write_json(value), mimetype="application/json")
