{% set chat_service = 'RememberingService' if 'history' in features else 'ChatService' -%}
"""What the routes need, taken from the application and the request."""

from collections.abc import {{ 'Callable, ' if 'oidc' in features else '' }}Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Literal, NamedTuple, cast

from flask import current_app, g, request

{% if 'tools' in features -%}
from backend.ai.agent import Agent
{% endif -%}
{% if 'history' in features -%}
from backend.ai.conversations import Conversations
{% endif -%}
{% if 'documents' in features -%}
from backend.ai.documents.cache import Indexes
from backend.ai.documents.library import Documents
{% endif -%}
from backend.ai.metering import Meter
from backend.ai.model import Model
{%- if 'tools' in features %}
from backend.ai.tools import Client, Given, Tool
{%- endif %}
from backend.api_keys import KeyRing
{%- if database %}
from backend.database import Database
{%- endif %}
{%- if 'oidc' in features %}
from backend.errors import Forbidden, Unauthorized
{%- else %}
from backend.errors import Unauthorized
{%- endif %}
{%- if 'tools' in features %}
{%- if 'history' not in features %}
from backend.gateway.approvals import Approvals
{%- endif %}
from backend.gateway.assistant import Assistant
{%- endif %}
from backend.gateway.{{ 'remembering import RememberingService' if 'history' in features else 'service import ChatService' }}
{%- if 'oidc' in features %}
from backend.identity import Holder, Verifier, bearer
{%- endif %}
from backend.limits import Limits
{%- if 'peers' in features %}
from backend.peers import Peers
{%- endif %}
from backend.settings import Settings

Proxies = Sequence[Literal["*"] | IPv4Network | IPv6Network]


class Services(NamedTuple):
    """What the application is made of; `create_app` puts it together."""

    keys: KeyRing
{%- if 'oidc' in features %}
    verifier: Verifier | None
{%- endif %}
    limits: Limits
    meter: Meter
    chat: {{ chat_service }}
{%- if database %}
    database: Database
{%- endif %}
{%- if 'documents' in features %}
    indexes: Indexes
{%- endif %}
{%- if 'peers' in features %}
    peers: Peers
{%- endif %}
    settings: Settings
{%- if 'tools' in features %}
{%- if 'history' not in features %}
    approvals: Approvals
{%- endif %}
    tools: Sequence[Tool]
{%- endif %}
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
{%- if 'oidc' in features %}
    if found.keys or found.verifier:
        holder = holder_of(request.headers.get("authorization"), found)
    else:
        forwarded = request.headers.getlist("x-forwarded-for")
        peer = address(request.remote_addr, forwarded, found.settings.forwarded_allow_ips)
        holder = Holder(peer)
    found.limits.count_request(holder.client)
    g.client, g.holder = holder.client, holder
{%- else %}
    if found.keys:
        owner = found.keys.owner(request.headers.get("authorization"))
        if owner is None:
            raise Unauthorized("Missing or unknown API key", code="invalid_api_key")
    else:
        forwarded = request.headers.getlist("x-forwarded-for")
        owner = address(request.remote_addr, forwarded, found.settings.forwarded_allow_ips)
    found.limits.count_request(owner)
    g.client = owner
{%- endif %}


{% if 'oidc' in features -%}
def holder_of(authorization: str | None, services: Services) -> Holder:
    """Returns who holds the API key, or the token, of a request."""
    if owner := services.keys.owner(authorization):
        return Holder(owner)
    token = bearer(authorization)
    if token is None or services.verifier is None:
        raise Unauthorized("Missing or unknown API key or token", code="invalid_api_key")
    if not services.verifier.knows(token):
        services.verifier.learn()
    return services.verifier.holder(token)


def admit_with(scope: str) -> Callable[[], None]:
    """Returns a guard that lets in only those whose token has a scope, or who hold a key.

    As in `@typed(guard=admit_with("reports:write"))`.
    """

    def admit() -> None:
        admit_client()
        if not g.holder.may(scope):
            raise Forbidden(f"The token has not the scope {scope}", code="insufficient_scope")

    return admit


{% endif -%}
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


def chat_service() -> {{ chat_service }}:
    return services().chat


def client() -> str:
    """Returns whom `admit_client` has let in."""
    return cast("str", g.client)


def model() -> Model:
    """Returns the model for a feature of this service, at the client's expense."""
    return Model(services().meter, services().settings, client())
{%- if 'history' in features %}


def conversations() -> Conversations:
    return Conversations(services().database, services().settings.history_days, client())
{%- endif %}
{%- if 'documents' in features %}


def documents() -> Documents:
    found = services()
    return Documents(found.database, found.indexes, found.settings, model(), client())
{%- endif %}
{%- if 'peers' in features %}


def peers() -> Peers:
    """Returns the other services of ours."""
    return services().peers
{%- endif %}
{%- if 'tools' in features %}


def given() -> Given:
    """Returns what tools may take by its type."""
    found = services()
    who, limits, settings = Client(client()), found.limits, found.settings
    return Given(who, model(), limits, settings{{ ', found.database' if database else '' }}{{ ', documents()' if 'documents' in features else '' }})


def assistant() -> Assistant:
    agent = Agent(services().meter, services().settings, services().tools, given())
    kept = {{ 'conversations()' if 'history' in features else 'services().approvals' }}
    return Assistant(agent, kept, given(), services().system)
{%- endif %}
