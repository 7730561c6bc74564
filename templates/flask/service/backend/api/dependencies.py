"""What the routes need, taken from the application and the request."""

from typing import NamedTuple, cast

from flask import current_app, g, request

from backend.api_keys import KeyRing
from backend.chat.service import ChatService
from backend.errors import Unauthorized
from backend.limits import Limits


class Services(NamedTuple):
    """What the application is made of; `create_app` puts it together."""

    keys: KeyRing
    limits: Limits
    chat: ChatService


def services() -> Services:
    return cast("Services", current_app.extensions["services"])


def admit_client() -> None:
    """Finds out who asks: the id of the key, or the address where no key is configured.

    Raises:
        Unauthorized: keys are configured, and this is none of them.
        RateLimited: the client asks too often.
    """
    keys, limits, _ = services()
    g.client = request.remote_addr or "unknown"
    if keys:
        g.client = keys.owner(request.headers.get("authorization"))
        if g.client is None:
            raise Unauthorized("Missing or unknown API key", code="invalid_api_key")
    limits.count_request(g.client)


def chat_service() -> ChatService:
    return services().chat


def client() -> str:
    """Returns whom `admit_client` has let in."""
    return cast("str", g.client)
