"""Puts the application together."""

import re
from collections.abc import Collection
from functools import partial

from flask import Flask, Response, request
from flask_cors import CORS

from backend.ai.metering import Meter
from backend.ai.provider import Provider, create_provider
from backend.api import docs
from backend.api.dependencies import Services
from backend.api.error_handlers import register_error_handlers
from backend.api.middleware import RequestMiddleware
from backend.api.responses import ASKED_BY_PAGES, EXPOSED
from backend.api.routers import FEATURES, gateway, operations
from backend.api.routing import BoundedRequest, NonEmptyPath
from backend.api_keys import KeyRing
from backend.features.assistant import SYSTEM
from backend.gateway.service import ChatService
from backend.limits import Limits
from backend.logs import configure_logging
from backend.settings import Settings, load_settings


def exactly(origin: str) -> str:
    """Returns an origin as Flask-CORS is to match it, which takes `[::1]` for a pattern."""
    return rf"{re.escape(origin)}\Z" if "[" in origin else origin


def answer_preflight(origins: Collection[str]) -> Response | None:
    """Answers what a browser asks before a page's request; Flask-CORS adds what it may do."""
    origin = request.headers.get("origin")
    method = request.headers.get("access-control-request-method")
    if request.method != "OPTIONS" or origin is None or method is None:
        return None
    allowed = method in ASKED_BY_PAGES and not {"*", origin}.isdisjoint(origins)
    return Response(status=200 if allowed else 400)


def create_app(
    settings: Settings | None = None, provider: Provider | None = None, system: str = SYSTEM
) -> Flask:
    """Returns the application.

    Args:
        settings: read from the environment where none are given.
        provider: takes the place of the configured one.
        system: what the chat page's assistant is told first.
    """
    settings = settings or load_settings()
    configure_logging(settings.log_level)
    app = Flask("backend", static_folder=None)
    app.request_class = BoundedRequest
    app.url_map.converters["non_empty_path"] = NonEmptyPath
    app.url_map.merge_slashes = False  # `/v1//models` is no route, and no redirection either
    app.config.update({name.upper(): value for name, value in settings})  # extensions look there
    app.config.update(MAX_CONTENT_LENGTH=settings.max_body_bytes, PROVIDE_AUTOMATIC_OPTIONS=False)
    limits = Limits(settings)
    meter = Meter(provider or create_provider(settings), limits)
    app.extensions["services"] = Services(
        keys=KeyRing(settings.api_keys),
        limits=limits,
        meter=meter,
        chat=ChatService(meter, settings),
        settings=settings,
        system=system,
    )
    if settings.cors_origins:
        app.before_request(partial(answer_preflight, settings.cors_origins))
        CORS(
            app,
            origins=[exactly(origin) for origin in settings.cors_origins],
            methods=ASKED_BY_PAGES,
            expose_headers=EXPOSED,
            max_age=600,
            always_send=False,
            send_wildcard=True,
        )
    app.wsgi_app = RequestMiddleware(app.wsgi_app)  # type: ignore[method-assign]
    for router in (gateway.router, *FEATURES, operations.router):
        app.register_blueprint(router)
    if settings.docs_pages:
        app.register_blueprint(docs.router)
    register_error_handlers(app)
    return app
