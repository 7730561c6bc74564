"""Turns every error into the one shape that clients know."""

from collections.abc import Mapping

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, NotFound

from backend.api.responses import (
    ErrorAnswer,
    from_error,
    from_status,
    from_validation,
    no_such_route,
)
from backend.api.routing import InvalidInput


def register_error_handlers(app: Flask) -> None:
    @app.errorhandler(InvalidInput)
    def on_invalid_input(error: InvalidInput) -> Response:
        return respond(from_validation(error.failure, error.sent))

    served = [rule.rule for rule in app.url_map.iter_rules() if not rule.arguments]

    @app.errorhandler(HTTPException)
    def on_http_error(error: HTTPException) -> Response:
        if isinstance(error, NotFound) and request.url_rule is None:
            return respond(no_such_route(request.path, served))
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
