"""Turns every error into the one shape that clients know."""

from collections.abc import Mapping

import structlog
from flask import Flask, Response
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from backend.api.responses import ErrorAnswer, from_app_error, from_status, from_validation
from backend.errors import AppError

logger = structlog.get_logger(__name__)


def register_error_handlers(app: Flask) -> None:
    @app.errorhandler(AppError)
    def on_app_error(error: AppError) -> Response:
        return respond(from_app_error(error))

    @app.errorhandler(ValidationError)
    def on_invalid_request(error: ValidationError) -> Response:
        return respond(from_validation(error.errors(include_url=False, include_input=False)))

    @app.errorhandler(HTTPException)
    def on_http_error(error: HTTPException) -> Response:
        headers = {name: value for name, value in error.get_headers() if name == "Allow"}
        return respond(from_status(error.code or 500), headers)

    @app.errorhandler(Exception)
    def on_bug(error: Exception) -> Response:
        logger.error("bug", exc_info=error)
        return respond(from_status(500))


def respond(answer: ErrorAnswer, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        answer.body,
        answer.status,
        {**(headers or {}), **answer.headers},
        mimetype="application/json",
    )
