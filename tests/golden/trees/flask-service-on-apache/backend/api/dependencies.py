"""What the routes need, taken from the application and the request."""

from typing import cast

from flask import current_app, request

from backend.api_keys import KeyRing
from backend.chat.service import ChatService
from backend.errors import Unauthorized


def chat_service() -> ChatService:
    return cast("ChatService", current_app.extensions["chat"])


def require_key() -> None:
    """Lets only clients with a key in; with no key configured, everyone."""
    keys = cast("KeyRing", current_app.extensions["keys"])
    if keys and keys.owner(request.headers.get("authorization")) is None:
        raise Unauthorized("Missing or unknown API key", code="invalid_api_key")
