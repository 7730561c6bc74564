"""Plain answers."""

from typing import Any

from flask import Response
from pydantic_core import to_json


def answer(value: dict[str, Any]) -> Response:
    return Response(to_json(value), mimetype="application/json")
