"""Turns every error into the one shape that clients know."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from backend.api.responses import (
    ErrorAnswer,
    from_error,
    from_status,
    from_validation,
    no_such_route,
)
from backend.errors import AppError


def register_error_handlers(app: FastAPI) -> None:
    """Handles what is foreseen; `RequestMiddleware` answers a bug."""

    @app.exception_handler(AppError)
    async def on_app_error(_: Request, error: AppError) -> Response:
        return respond(from_error(error))

    @app.exception_handler(RequestValidationError)
    async def on_invalid_request(_: Request, error: RequestValidationError) -> Response:
        # FastAPI's locations begin with the part of the request: body, query, path or header.
        part, *steps = (failure := error.errors()[0])["loc"]
        sent = error.body if part == "body" else dict.fromkeys(steps)
        return respond(from_validation({**failure, "loc": steps}, sent))

    @app.exception_handler(HTTPException)
    async def on_http_error(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.NOT_FOUND and "route" not in request.scope:
            paths = [route.path for route in iter_route_contexts(app.routes)]
            served = [path for path in paths if path and "{" not in path]
            return respond(no_such_route(request.url.path, served))
        return respond(from_status(error.status_code, error.detail), error.headers)


def respond(answer: ErrorAnswer, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        answer.body, answer.status, {**(headers or {}), **answer.headers}, "application/json"
    )
