"""What the routes need, taken from the application and the request."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Literal, NamedTuple, cast

from flask import current_app, g, request

from backend.ai.metering import Meter
from backend.ai.model import Model
from backend.api_keys import KeyRing
from backend.errors import Unauthorized
from backend.gateway.service import ChatService
from backend.limits import Limits
from backend.settings import Settings

Proxies = Sequence[Literal["*"] | IPv4Network | IPv6Network]


class Services(NamedTuple):
    """What the application is made of; `create_app` puts it together."""

    keys: KeyRing
    limits: Limits
    meter: Meter
    chat: ChatService
    settings: Settings
    system: str


def services() -> Services:
    return cast("Services", current_app.extensions["services"])


def admit_client() -> None:
    """Finds out who asks: the id of the key, or the address where no key is configured.

    Raises:
        Unauthorized: keys are configured, and this is none of them.
        RateLimited: the client asks too often.
    """
    found = services()
    if found.keys:
        owner = found.keys.owner(request.headers.get("authorization"))
        if owner is None:
            raise Unauthorized("Missing or unknown API key", code="invalid_api_key")
    else:
        forwarded = request.headers.getlist("x-forwarded-for")
        owner = address(request.remote_addr, forwarded, found.settings.forwarded_allow_ips)
    found.limits.count_request(owner)
    g.client = owner


def admit_client_in_production() -> None:
    """Lets everyone in while the service is developed."""
    if services().settings.app_env == "production":
        admit_client()


def address(peer: str | None, forwarded: list[str], proxies: Proxies) -> str:
    """Returns the nearest address that is none of our proxies: what lies beyond it can be made up.

    Args:
        peer: the other end of the connection.
        forwarded: the values of `X-Forwarded-For`.
        proxies: whom to believe; `*` believes all.
    """
    hops = [hop.strip() for line in forwarded for hop in line.split(",") if hop.strip()]
    hops.append(peer or "unknown")
    return next((hop for hop in reversed(hops) if not believed(hop, proxies)), hops[0])


def believed(hop: str, proxies: Proxies) -> bool:
    try:
        found = ip_address(hop)
    except ValueError:
        return "*" in proxies
    return any(proxy == "*" or found in proxy for proxy in proxies)


def chat_service() -> ChatService:
    return services().chat


def client() -> str:
    """Returns whom `admit_client` has let in."""
    return cast("str", g.client)


def model() -> Model:
    """Returns the model for a feature of this service, at the client's expense."""
    return Model(services().meter, services().settings, client())
