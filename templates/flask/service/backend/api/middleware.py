"""What happens around every request: an id, and one line in the log."""

import re
import time
import uuid
from functools import partial

import structlog
from flask import Flask, Response, g, request

{% if 'metrics' in features -%}
from backend.metrics import count_request

{% endif -%}
REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
logger = structlog.get_logger(__name__)


def register_request_hooks(app: Flask) -> None:
    @app.before_request
    def start() -> None:
        given = request.headers.get("x-request-id", "")
        g.request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        g.started = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["x-request-id"] = g.request_id
{%- if 'metrics' in features %}
        route = request.url_rule.rule if request.url_rule else None
        count_request(request.method, route, response.status_code)
{%- endif %}
        response.call_on_close(
            partial(log, request.method, request.path, response.status_code, g.started)
        )
        return response


def log(method: str, path: str, status: int, started: float) -> None:
    seconds = round(time.perf_counter() - started, 4)
    logger.info("request", method=method, path=path, status=status, seconds=seconds)
