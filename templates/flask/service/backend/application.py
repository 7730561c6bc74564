"""Puts the application together."""

import re
from collections.abc import Collection{{ ', Sequence' if 'tools' in features }}
from functools import partial

from flask import Flask, Response, request
from flask_cors import CORS

{% if 'documents' in features -%}
from backend.ai.documents.cache import Indexes
{% endif -%}
from backend.ai.metering import Meter
from backend.ai.provider import Provider, create_provider
{%- if 'tools' in features %}
from backend.ai.tools import Tool
{%- endif %}
{%- if docs %}
from backend.api import docs
{%- endif %}
from backend.api.dependencies import Services
from backend.api.error_handlers import register_error_handlers
from backend.api.middleware import RequestMiddleware
from backend.api.responses import ASKED_BY_PAGES, EXPOSED
from backend.api.routers import FEATURES, {{ 'conversations, ' if 'history' in features else '' }}{{ 'documents, ' if 'documents' in features else '' }}gateway, {{ 'mcp, ' if 'tools' in features else '' }}operations
from backend.api.routing import BoundedRequest, NonEmptyPath
from backend.api_keys import KeyRing
{%- if database %}
from backend.database import Database
{%- endif %}
from backend.features.assistant import SYSTEM
{%- if 'tools' in features and 'history' not in features %}
from backend.gateway.approvals import Approvals
{%- endif %}
{%- if 'history' in features %}
from backend.gateway.remembering import RememberingService
{%- else %}
from backend.gateway.service import ChatService
{%- endif %}
{%- if 'oidc' in features %}
from backend.identity import verifier_for
{%- endif %}
from backend.limits import Limits
from backend.logs import configure_logging
{%- if 'metrics' in features %}
from backend.metrics import client_names
{%- endif %}
{%- if database %}
from backend.migrate import migrate
{%- endif %}
{%- if 'peers' in features %}
from backend.peers import Peers
{%- endif %}
from backend.settings import Settings, load_settings
{%- if 'tools' in features %}
from backend.tools import TOOLS
{%- endif %}
{%- if 'tracing' in features %}
from backend.tracing import configure_tracing
{%- endif %}


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


{% if 'tools' in features -%}
def create_app(
    settings: Settings | None = None,
    provider: Provider | None = None,
    tools: Sequence[Tool] = TOOLS,
    system: str = SYSTEM,
) -> Flask:
{%- else -%}
def create_app(
    settings: Settings | None = None, provider: Provider | None = None, system: str = SYSTEM
) -> Flask:
{%- endif %}
    """Returns the application.

    Args:
        settings: read from the environment where none are given.
        provider: takes the place of the configured one.
{%- if 'tools' in features %}
        tools: that the model may call.
{%- endif %}
        system: what the chat page's assistant is told first.
    """
    settings = settings or load_settings()
    configure_logging(settings.log_level)
{%- if 'metrics' in features %}
    client_names.limit(settings.metrics_clients)
{%- endif %}
{%- if 'tracing' in features %}
    configure_tracing(settings)
{%- endif %}
    app = Flask("backend", static_folder=None)
    app.request_class = BoundedRequest
    app.url_map.converters["non_empty_path"] = NonEmptyPath
    app.url_map.merge_slashes = False  # `/v1//models` is no route, and no redirection either
    app.config.update({name.upper(): value for name, value in settings})  # extensions look there
    app.config.update(MAX_CONTENT_LENGTH=settings.max_body_bytes, PROVIDE_AUTOMATIC_OPTIONS=False)
    limits = Limits(settings)
    meter = Meter(provider or create_provider(settings), limits)
{%- if database %}
    if settings.app_env == "development":
        migrate(settings.database)
    database = Database(settings.database)
{%- endif %}
    app.extensions["services"] = Services(
        keys=KeyRing(settings.api_keys),
{%- if 'oidc' in features %}
        verifier=verifier_for(settings),
{%- endif %}
        limits=limits,
        meter=meter,
{%- if 'history' in features %}
        chat=RememberingService(meter, settings, database),
{%- else %}
        chat=ChatService(meter, settings),
{%- endif %}
{%- if database %}
        database=database,
{%- endif %}
{%- if 'documents' in features %}
        indexes=Indexes(settings.documents_max_passages),
{%- endif %}
{%- if 'peers' in features %}
        peers=Peers(settings),
{%- endif %}
        settings=settings,
{%- if 'tools' in features %}
{%- if 'history' not in features %}
        approvals=Approvals(settings.signing_key),
{%- endif %}
        tools=tools,
{%- endif %}
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
{% if 'documents' in features and 'history' in features %}    for router in (
        gateway.router,
{%- if 'tools' in features %}
        mcp.router,
{%- endif %}
        conversations.router,
        documents.router,
        *FEATURES,
        operations.router,
    ):
{%- else %}    for router in (gateway.router, {{ 'mcp.router, ' if 'tools' in features else '' }}{{ 'conversations.router, ' if 'history' in features else '' }}{{ 'documents.router, ' if 'documents' in features else '' }}*FEATURES, operations.router):
{%- endif %}
        app.register_blueprint(router)
{%- if docs %}
    if settings.docs_pages:
        app.register_blueprint(docs.router)
{%- endif %}
    register_error_handlers(app)
    return app
