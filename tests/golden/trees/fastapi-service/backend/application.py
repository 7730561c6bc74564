"""Puts the application together."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from backend.api import docs, routes
from backend.api.dependencies import Services
from backend.api.docs_pages import OPENAPI_URL
from backend.api.error_handlers import register_error_handlers
from backend.api.middleware import RequestMiddleware
from backend.api.responses import EXPOSED
from backend.api_keys import KeyRing
from backend.chat.service import ChatService
from backend.limits import Limits
from backend.llm import Provider, create_provider
from backend.logs import configure_logging
from backend.settings import Settings, load_settings


def create_app(settings: Settings | None = None, llm: Provider | None = None) -> FastAPI:
    """Returns the application.

    Args:
        settings: read from the environment where none are given.
        llm: a model to use instead of the configured one.
    """
    settings = settings or load_settings()
    configure_logging(settings.log_level)
    logging.getLogger("uvicorn.access").handlers.clear()  # RequestMiddleware logs every request
    llm = llm or create_provider(settings)
    limits = Limits(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await llm.close()
        await limits.close()

    app = FastAPI(
        title="my-app",
        description="A GenAI backend",
        version="0.1.0",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=OPENAPI_URL if settings.docs_pages else None,
        redirect_slashes=False,
    )
    app.state.services = Services(
        keys=KeyRing(settings.api_keys),
        limits=limits,
        chat=ChatService(llm, limits, settings),
        production=settings.app_env == "production",
    )
    app.add_middleware(RequestMiddleware, max_body_bytes=settings.max_body_bytes)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=EXPOSED,
        )
    app.include_router(routes.router)
    if settings.docs_pages:
        app.include_router(docs.router)
    register_error_handlers(app)
    return app
