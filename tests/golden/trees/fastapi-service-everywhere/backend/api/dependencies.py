"""What the routes need, taken from the request."""

from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from backend.ai.metering import Meter
from backend.ai.model import Model
from backend.api_keys import KeyRing
from backend.errors import Unauthorized
from backend.gateway.service import ChatService
from backend.limits import Limits
from backend.settings import Settings


class Services(NamedTuple):
    """What the application is made of; `create_app` puts it together."""

    keys: KeyRing
    limits: Limits
    meter: Meter
    chat: ChatService
    settings: Settings
    system: str


async def services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


ServicesDep = Annotated[Services, Depends(services)]


async def chat_service(services: ServicesDep) -> ChatService:
    return services.chat


async def client(request: Request) -> str:
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
    if services.keys:
        owner = services.keys.owner(request.headers.get("authorization"))
        if owner is None:
            raise Unauthorized("Missing or unknown API key", code="invalid_api_key")
    else:
        owner = request.client.host if request.client else "unknown"
    await services.limits.count_request(owner)
    return owner


async def client_in_production(request: Request) -> None:
    """Lets everyone in while the service is developed."""
    if (await services(request)).settings.app_env == "production":
        await client(request)


ClientDep = Annotated[str, Depends(client)]


async def model(services: ServicesDep, client: ClientDep) -> Model:
    """Returns the model for a feature of this service, at the client's expense."""
    return Model(services.meter, services.settings, client)


ChatDep = Annotated[ChatService, Depends(chat_service)]
ExampleDep = Annotated[None, Depends(client_in_production)]
ModelDep = Annotated[Model, Depends(model)]
GUARDS = (client, client_in_production)
