"""What happens around every request: an id, a limit on its head, one line in the log."""

import random
import re
import time
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from werkzeug.wsgi import ClosingIterator, get_path_info

from backend.ai.provider import Streams, of_request
from backend.api.error_handlers import respond
from backend.api.responses import ErrorAnswer, from_status, refused_head

NO_SNIFFING = ("x-content-type-options", "nosniff")
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
        environ["PATH_INFO"] = environ.get("PATH_INFO") or "/"  # of `GET http://host`
        path = get_path_info(environ)
        # Flask would take `//echo` for `/echo`.
        refused = from_status(404) if path.startswith("//") else refused_for_its_head(environ)
        app = respond(refused) if refused else self._app
        status = 500
        added = (("x-request-id", request_id), NO_SNIFFING)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        of_request.set(Streams())

        def start_with_id(line: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            nonlocal status
            status = int(line[:3])
            return start_response(line, [*headers, *added], *error)

        def log() -> None:
            self._logger.info(
                "request",
                method=environ["REQUEST_METHOD"],
                path=path,
                status=status,
                seconds=round(time.perf_counter() - started, 4),
            )

        return ClosingIterator(app(environ, start_with_id), log)


def refused_for_its_head(environ: WSGIEnvironment) -> ErrorAnswer | None:
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI", "")  # of gunicorn, of Apache
    headers = sum(
        len(name) - len("HTTP_") + len(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    )
    return refused_head(len(target), headers)
