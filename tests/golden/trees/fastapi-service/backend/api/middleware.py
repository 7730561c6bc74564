"""What happens around every request: an id, limits on head and body, one line in the log."""

import random
import re
import time

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.answering import CLIENT_LEFT, LEAVING
from backend.api.error_handlers import respond
from backend.api.responses import ErrorAnswer, from_error, from_status, refused_head

NO_SNIFFING = (b"x-content-type-options", b"nosniff")
TWO_ENDS = "A request has a Content-Length or a Transfer-Encoding, not both"
WHOLE_URL = re.compile("https?://[^/]*/?", re.IGNORECASE)
REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)


class RequestMiddleware:
    """Plain ASGI, so that streams pass through untouched."""

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._logger = structlog.get_logger(__name__).bind()  # once, not for every line

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"
        started = time.perf_counter()
        status = CLIENT_LEFT  # unless something is sent
        announced = headers.get("content-length", "")
        said_bytes = int(announced) if announced.isdecimal() else 0
        read_bytes = 0
        inner = routed(scope)
        refused = refused_for_its_head(scope)

        async def limited_receive() -> Message:
            nonlocal read_bytes
            message = await receive()
            read_bytes += len(message.get("body", b""))
            if max(said_bytes, read_bytes) > self._max_body_bytes:
                raise HTTPException(413)
            return message

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                added = ((b"x-request-id", request_id.encode()), NO_SNIFFING)
                message["headers"] = [*message["headers"], *added]
            await send(message)

        structlog.contextvars.bind_contextvars(request_id=request_id)  # in a task of its own
        try:
            app = respond(refused) if refused else self._app
            await app(inner, limited_receive, send_with_id)
        except Exception as bug:
            # Here, since Starlette would pass it on to uvicorn, which logs its message.
            response = respond(from_error(bug))
            if status == CLIENT_LEFT:
                await response(scope, receive, send_with_id)
        finally:
            if leaving := inner.get(LEAVING):
                leaving.cancel()
            self._logger.info(
                "request",
                method=scope["method"],
                path=inner["path"],
                status=status,
                seconds=round(time.perf_counter() - started, 4),
            )


def refused_for_its_head(scope: Scope) -> ErrorAnswer | None:
    if {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}:
        # A proxy may see another end of it than we do, and take what follows for a request.
        return from_status(400, TWO_ENDS)._replace(headers={"connection": "close"})
    target = len(scope.get("raw_path", b"")) + len(scope["query_string"])
    headers: int = sum(len(name) + len(value) for name, value in scope["headers"])
    return refused_head(target, headers)


def routed(scope: Scope) -> Scope:
    """Returns a request as the routes know it.

    HEAD, with which platforms probe, is a GET: the server leaves the body out. Of a whole URL,
    which is for proxies and may be sent to anyone, they know the path.
    """
    if scope["method"] == "HEAD":
        scope = {**scope, "method": "GET"}
    if not scope["path"].startswith("/"):
        scope = {**scope, "path": WHOLE_URL.sub("/", scope["path"], count=1)}
    return scope
