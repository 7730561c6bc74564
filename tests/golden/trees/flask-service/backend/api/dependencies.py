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
    proxies: frozenset[str]


def services() -> Services:
    return cast("Services", current_app.extensions["services"])


def admit_client() -> None:
    """Finds out who asks: the id of the key, or the address where no key is configured.

    Raises:
        Unauthorized: keys are configured, and this is none of them.
        RateLimited: the client asks too often.
    """
    keys, limits, _, proxies = services()
    if keys:
        owner = keys.owner(request.headers.get("authorization"))
        if owner is None:
            raise Unauthorized("Missing or unknown API key", code="invalid_api_key")
    else:
        owner = address(request.remote_addr, request.headers.getlist("x-forwarded-for"), proxies)
    limits.count_request(owner)
    g.client = owner


def address(peer: str | None, forwarded: list[str], proxies: frozenset[str]) -> str:
    """Returns the nearest address that is none of our proxies: what lies beyond it can be made up.

    Args:
        peer: the other end of the connection.
        forwarded: the values of `X-Forwarded-For`.
        proxies: the addresses to believe; `*` believes all.
    """
    hops = [hop.strip() for line in forwarded for hop in line.split(",") if hop.strip()]
    hops.append(peer or "unknown")
    unknown = (hop for hop in reversed(hops) if not proxies & {hop, "*"})
    return next(unknown, hops[0])


def chat_service() -> ChatService:
    return services().chat


def client() -> str:
    """Returns whom `admit_client` has let in."""
    return cast("str", g.client)
