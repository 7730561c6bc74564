"""Puts the application together."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.lowlevel import checkpoint
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from backend.ai.metering import Meter
from backend.ai.provider import Provider, create_provider
from backend.api import docs, documented
from backend.api.dependencies import Services
from backend.api.docs_pages import OPENAPI_URL
from backend.api.error_handlers import register_error_handlers
from backend.api.middleware import RequestMiddleware
from backend.api.responses import ASKED_BY_PAGES, EXPOSED
from backend.api.routers import FEATURES, gateway, operations
from backend.api_keys import KeyRing
from backend.features.assistant import SYSTEM
from backend.gateway.service import ChatService
from backend.limits import Limits
from backend.logs import configure_logging
from backend.settings import Settings, load_settings


def create_app(
    settings: Settings | None = None, provider: Provider | None = None, system: str = SYSTEM
) -> FastAPI:
    """Returns the application.

    Args:
        settings: read from the environment where none are given.
        provider: takes the place of the configured one.
        system: what the chat page's assistant is told first.
    """
    settings = settings or load_settings()
    configure_logging(settings.log_level)
    logging.getLogger("uvicorn.access").handlers.clear()  # RequestMiddleware logs every request
    provider = provider or create_provider(settings)
    limits = Limits(settings)
    meter = Meter(provider, limits)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await checkpoint()  # imports the rest of anyio: no request needs a descriptor for it
        yield
        await provider.close()
        await limits.close()

    app = FastAPI(
        title="my-app",
        description="A GenAI backend",
        version="0.1.0",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=OPENAPI_URL if settings.docs_pages else None,
        responses=documented.ERROR,
        generate_unique_id_function=lambda route: route.name,
        redirect_slashes=False,
    )
    app.state.services = Services(
        keys=KeyRing(settings.api_keys),
        limits=limits,
        meter=meter,
        chat=ChatService(meter, settings),
        settings=settings,
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
    for router in (gateway.router, *FEATURES, operations.router):
        app.include_router(router)
    if settings.docs_pages:
        app.include_router(docs.router)
    register_error_handlers(app)
    return app
