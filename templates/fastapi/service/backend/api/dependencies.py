{% set chat_service = 'RememberingService' if 'history' in features else 'ChatService' -%}
"""What the routes need, taken from the request."""

{% if 'oidc' in features -%}
import asyncio
{% endif -%}
{% if 'tools' in features -%}
from collections.abc import Sequence
{% endif -%}
from typing import Annotated, {{ 'Any, ' if 'oidc' in features else '' }}NamedTuple

from fastapi import Depends, Request
{%- if docs %}
from fastapi.security import HTTPBearer
{%- endif %}

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


class Services(NamedTuple):
    """What the application is made of; `create_app` puts it together."""

    keys: KeyRing
{%- if 'oidc' in features %}
    verifier: Verifier | None
    learning: asyncio.Lock
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


async def services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


ServicesDep = Annotated[Services, Depends(services)]
{%- if docs %}
# Only tells the API document that there is a key; `client` checks it.
KeyInDocs = Annotated[object, Depends(HTTPBearer(auto_error=False))]
{%- endif %}


async def chat_service(services: ServicesDep) -> {{ chat_service }}:
    return services.chat


{% if docs -%}
async def client(request: Request, _: KeyInDocs = None) -> str:
{%- else -%}
async def client(request: Request) -> str:
{%- endif %}
    """Returns the id of the client's key, or its address where no key is configured.

    Raises:
        Unauthorized: keys are configured, and this is none of them.
        RateLimited: the client asks too often.
    """
    if not hasattr(request.state, "client"):  # StrictRoute asks before the body is read
        request.state.client = await admitted(request, await services(request))
    found: str = request.state.client
    return found


async def admitted(request: Request, services: Services) -> str:
{%- if 'oidc' in features %}
    if services.keys or services.verifier:
        holder = await holder_of(request.headers.get("authorization"), services)
    else:
        holder = Holder(request.client.host if request.client else "unknown")
    request.state.holder = holder
    await services.limits.count_request(holder.client)
    return holder.client


async def holder_of(authorization: str | None, services: Services) -> Holder:
    """Returns who holds the API key, or the token, of a request."""
    if owner := services.keys.owner(authorization):
        return Holder(owner)
    token = bearer(authorization)
    if token is None or services.verifier is None:
        raise Unauthorized("Missing or unknown API key or token", code="invalid_api_key")
    if not services.verifier.knows(token):
        async with services.learning:  # one asks, and the others wait without a thread
            await asyncio.to_thread(services.verifier.learn)
    return await asyncio.to_thread(services.verifier.holder, token)
{%- else %}
    if services.keys:
        owner = services.keys.owner(request.headers.get("authorization"))
        if owner is None:
            raise Unauthorized("Missing or unknown API key", code="invalid_api_key")
    else:
        owner = request.client.host if request.client else "unknown"
    await services.limits.count_request(owner)
    return owner
{%- endif %}


{% if docs -%}
async def client_in_production(request: Request, _: KeyInDocs = None) -> None:
{%- else -%}
async def client_in_production(request: Request) -> None:
{%- endif %}
    """Lets everyone in while the service is developed."""
    if (await services(request)).settings.app_env == "production":
        await client(request)


ClientDep = Annotated[str, Depends(client)]
{%- if 'oidc' in features %}


def needs_scope(scope: str) -> Any:
    """Returns what lets in only those whose token has a scope, or who hold a key.

    As in `@router.post("/reports", dependencies=[needs_scope("reports:write")])`.
    """

    async def check(request: Request, _: ClientDep) -> None:
        if not request.state.holder.may(scope):
            raise Forbidden(f"The token has not the scope {scope}", code="insufficient_scope")

    return Depends(check)
{%- endif %}


async def model(services: ServicesDep, client: ClientDep) -> Model:
    """Returns the model for a feature of this service, at the client's expense."""
    return Model(services.meter, services.settings, client)


{% if 'peers' in features -%}
async def peers(services: ServicesDep) -> Peers:
    """Returns the other services of ours."""
    return services.peers


{% endif -%}
{% if 'history' in features -%}
async def conversations(services: ServicesDep, client: ClientDep) -> Conversations:
    return Conversations(services.database, services.settings.history_days, client)


ConversationsDep = Annotated[Conversations, Depends(conversations)]
{% endif -%}
ChatDep = Annotated[{{ chat_service }}, Depends(chat_service)]
ExampleDep = Annotated[None, Depends(client_in_production)]
ModelDep = Annotated[Model, Depends(model)]
{%- if 'documents' in features %}


async def documents(services: ServicesDep, model: ModelDep, client: ClientDep) -> Documents:
    return Documents(services.database, services.indexes, services.settings, model, client)


DocumentsDep = Annotated[Documents, Depends(documents)]
{%- endif %}
{%- if 'peers' in features %}
PeersDep = Annotated[Peers, Depends(peers)]
{%- endif %}
GUARDS = (client, client_in_production)
{%- if 'tools' in features %}


{% if 'documents' in features -%}
async def given(
    services: ServicesDep, model: ModelDep, client: ClientDep, documents: DocumentsDep
) -> Given:
    """Returns what tools may take by its type."""
    return Given(
        Client(client), model, services.limits, services.settings, services.database, documents
    )
{%- else -%}
async def given(services: ServicesDep, model: ModelDep, client: ClientDep) -> Given:
    """Returns what tools may take by its type."""
    return Given(Client(client), model, services.limits, services.settings{{ ', services.database' if database else '' }})
{%- endif %}


GivenDep = Annotated[Given, Depends(given)]


{% if 'history' in features -%}
async def assistant(
    services: ServicesDep, given: GivenDep, conversations: ConversationsDep
) -> Assistant:
    agent = Agent(services.meter, services.settings, services.tools, given)
    return Assistant(agent, conversations, given, services.system)
{%- else -%}
async def assistant(services: ServicesDep, given: GivenDep) -> Assistant:
    agent = Agent(services.meter, services.settings, services.tools, given)
    return Assistant(agent, services.approvals, given, services.system)
{%- endif %}


AssistantDep = Annotated[Assistant, Depends(assistant)]
{%- endif %}
