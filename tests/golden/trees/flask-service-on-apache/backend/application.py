"""Puts the application together."""

from flask import Flask

from backend.api import routes
from backend.api.error_handlers import register_error_handlers
from backend.api.middleware import register_request_hooks
from backend.api_keys import KeyRing
from backend.chat.service import ChatService
from backend.llm import Provider, create_provider
from backend.logs import configure_logging
from backend.settings import Settings, load_settings


def create_app(settings: Settings | None = None, llm: Provider | None = None) -> Flask:
    """Returns the application.

    Args:
        settings: read from the environment where none are given.
        llm: a model to use instead of the configured one.
    """
    settings = settings or load_settings()
    configure_logging(settings.log_level)
    app = Flask("backend", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=settings.max_body_bytes, PROVIDE_AUTOMATIC_OPTIONS=False)
    app.extensions["chat"] = ChatService(llm or create_provider(settings), settings)
    app.extensions["keys"] = KeyRing(settings.api_keys)
    register_request_hooks(app)
    app.register_blueprint(routes.router)
    register_error_handlers(app)
    return app
