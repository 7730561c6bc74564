"""What happens around every request: an id, and one line in the log."""

import re
import time
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

import structlog
from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
logger = structlog.get_logger(__name__)


class RequestMiddleware:
    """Plain WSGI, so that streams pass through untouched."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status = 500

        def start_with_id(line, headers, exc_info=None):
            nonlocal status
            status = int(line.split(" ", 1)[0])
            return start_response(line, [*headers, ("x-request-id", request_id)], exc_info)

        def log() -> None:
            logger.info(
                "request",
                method=environ["REQUEST_METHOD"],
                path=environ["PATH_INFO"],
                status=status,
                seconds=round(time.perf_counter() - started, 4),
            )

        return ClosingIterator(self._app(environ, start_with_id), log)
