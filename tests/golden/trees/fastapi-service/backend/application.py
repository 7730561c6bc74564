"""Puts the application together."""

import logging

from fastapi import FastAPI

from backend.api import docs, routes
from backend.api.error_handlers import register_error_handlers
from backend.api.middleware import RequestMiddleware
from backend.api_keys import KeyRing
from backend.chat.service import ChatService
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
    app = FastAPI(
        title="my-app",
        version="0.1.0",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.chat = ChatService(llm or create_provider(settings), settings)
    app.state.keys = KeyRing(settings.api_keys)
    app.add_middleware(RequestMiddleware, max_body_bytes=settings.max_body_bytes)
    app.include_router(routes.router)
    app.include_router(docs.router)
    register_error_handlers(app)
    return app
