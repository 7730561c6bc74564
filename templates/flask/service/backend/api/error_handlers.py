"""Turns every error into the one shape that clients know."""

from collections.abc import Mapping

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from backend.api.responses import ErrorAnswer, from_error, from_status, from_validation
from backend.api.routing import InvalidInput


def register_error_handlers(app: Flask) -> None:
    @app.errorhandler(InvalidInput)
    def on_invalid_input(error: InvalidInput) -> Response:
        return respond(from_validation(error.failures))

    @app.errorhandler(HTTPException)
    def on_http_error(error: HTTPException) -> Response:
        headers = {name: value for name, value in error.get_headers() if name == "Allow"}
        # Werkzeug's own descriptions are sentences for a browser's page.
        own = error.description == type(error).description
        return respond(from_status(error.code or 500, None if own else error.description), headers)

    @app.errorhandler(Exception)
    def on_error(error: Exception) -> Response:
        return respond(from_error(error))


def respond(answer: ErrorAnswer, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        answer.body,
        answer.status,
        {**(headers or {}), **answer.headers},
        mimetype="application/json",
    )
