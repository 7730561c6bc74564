"""What happens around every request: an id, and one line in the log."""

import random
import re
import time
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from werkzeug.wsgi import ClosingIterator, get_path_info

from backend.api.error_handlers import respond
from backend.api.responses import from_status

REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)


class RequestMiddleware:
    """Plain WSGI: the same as Flask's hooks would cost each request more."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self._logger = structlog.get_logger(__name__).bind()  # once, not for every line

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"
        started = time.perf_counter()
        path = get_path_info(environ)
        # Flask would take `//echo` for `/echo`.
        app = respond(from_status(404)) if path.startswith("//") else self._app
        status = 500
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)

        def start_with_id(line: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            nonlocal status
            status = int(line[:3])
            return start_response(line, [*headers, ("x-request-id", request_id)], *error)

        def log() -> None:
            self._logger.info(
                "request",
                method=environ["REQUEST_METHOD"],
                path=path,
                status=status,
                seconds=round(time.perf_counter() - started, 4),
            )

        return ClosingIterator(app(environ, start_with_id), log)
