{% from 'templates/text.jinja' import python -%}
"""Puts the application together."""

{% if 'oidc' in features -%}
import asyncio
{% endif -%}
import logging
from collections.abc import AsyncIterator{{ ', Sequence' if 'tools' in features }}
from contextlib import asynccontextmanager

from anyio.lowlevel import checkpoint
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

{% if 'documents' in features -%}
from backend.ai.documents.cache import Indexes
{% endif -%}
from backend.ai.metering import Meter
from backend.ai.provider import Provider, create_provider
{%- if 'tools' in features %}
from backend.ai.tools import Tool
{%- endif %}
{%- if docs %}
from backend.api import docs, documented
{%- endif %}
from backend.api.dependencies import Services
{%- if docs %}
from backend.api.docs_pages import OPENAPI_URL
{%- endif %}
from backend.api.error_handlers import register_error_handlers
from backend.api.middleware import RequestMiddleware
from backend.api.responses import ASKED_BY_PAGES, EXPOSED
from backend.api.routers import FEATURES, {{ 'conversations, ' if 'history' in features else '' }}{{ 'documents, ' if 'documents' in features else '' }}gateway, {{ 'mcp, ' if 'tools' in features else '' }}operations
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


{% if 'tools' in features -%}
def create_app(
    settings: Settings | None = None,
    provider: Provider | None = None,
    tools: Sequence[Tool] = TOOLS,
    system: str = SYSTEM,
) -> FastAPI:
{%- else -%}
def create_app(
    settings: Settings | None = None, provider: Provider | None = None, system: str = SYSTEM
) -> FastAPI:
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
    tracer_provider = configure_tracing(settings)
{%- endif %}
    logging.getLogger("uvicorn.access").handlers.clear()  # RequestMiddleware logs every request
    provider = provider or create_provider(settings)
    limits = Limits(settings)
    meter = Meter(provider, limits)
{%- if database %}
    if settings.app_env == "development":
        migrate(settings.database)
    database = Database(settings.database)
{%- endif %}
{%- if 'peers' in features %}
    peers = Peers(settings)
{%- endif %}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await checkpoint()  # imports the rest of anyio: no request needs a descriptor for it
        yield
        await provider.close()
        await limits.close()
{%- if database %}
        await database.close()
{%- endif %}
{%- if 'peers' in features %}
        await peers.close()
{%- endif %}
{%- if 'tracing' in features %}
        tracer_provider.force_flush()  # uvicorn ends by the signal: nothing would do it at exit
{%- endif %}

    app = FastAPI(
        title="{{ project_name }}",
{%- if docs %}
        {{ python('description=', description, ',') }}
{%- endif %}
        version="0.1.0",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
{%- if docs %}
        openapi_url=OPENAPI_URL if settings.docs_pages else None,
        responses=documented.ERROR,
        generate_unique_id_function=lambda route: route.name,
{%- else %}
        openapi_url=None,
{%- endif %}
        redirect_slashes=False,
{%- if 'tracing' in features %}
        telemetry={"tracing": False, "logs": False, "auto_configure": False},  # RequestMiddleware
{%- endif %}
    )
    app.state.services = Services(
        keys=KeyRing(settings.api_keys),
{%- if 'oidc' in features %}
        verifier=verifier_for(settings),
        learning=asyncio.Lock(),
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
        peers=peers,
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
    app.add_middleware(RequestMiddleware, max_body_bytes=settings.max_body_bytes)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=ASKED_BY_PAGES,
            allow_headers=["*"],
            expose_headers=EXPOSED,
        )
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
        app.include_router(router)
{%- if docs %}
    if settings.docs_pages:
        app.include_router(docs.router)
{%- endif %}
    register_error_handlers(app)
    return app
