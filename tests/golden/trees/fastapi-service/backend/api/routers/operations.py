"""How the service is doing, and a first greeting."""

from typing import Any

from fastapi import APIRouter

from backend.api import documented
from backend.api.dependencies import ClientDep, ExampleDep, ServicesDep
from backend.api.page import PageRoute
from backend.api.responses import (
    Echo,
    EchoRequest,
    Greeting,
    Health,
    Readiness,
    RequestsLeft,
    TokensLeft,
    UsageReport,
)
from backend.api.routing import StrictRoute

router = APIRouter(route_class=StrictRoute)
greeting = APIRouter(route_class=PageRoute)
# What the API document says beside the key: while it is developed, there is none.
OR_NO_KEY: dict[str, Any] = {"security": [{}]}


@router.get("/healthz", tags=["operations"])
async def show_health() -> Health:
    """Says that the process is alive."""
    return Health()


@router.get("/readyz", tags=["operations"])
async def show_readiness(services: ServicesDep) -> Readiness:
    """Says that requests can be served; never calls the model, which may cost money."""
    if await services.limits.reachable():
        return Readiness()
    return Readiness(status="degraded", lost=["redis"])


@router.get("/v1/usage", tags=["model"], responses=documented.USAGE)
async def show_usage(services: ServicesDep, client: ClientDep) -> UsageReport:
    """Shows what the client has spent, and what it has left: tokens also by what they went for."""
    requests, tokens = await services.limits.spent(client)
    return UsageReport(
        client=client,
        requests=RequestsLeft.model_validate(requests),
        tokens=TokensLeft.model_validate(tokens),
        by_operation=dict(tokens.by_operation),
    )


@greeting.get("/", tags=["example"], responses=documented.EXAMPLE, openapi_extra=OR_NO_KEY)
async def say_hello(_: ExampleDep) -> Greeting:
    return Greeting(message="Hello from FastAPI!")


router.include_router(greeting)


@router.post("/echo", tags=["example"], responses=documented.ECHO, openapi_extra=OR_NO_KEY)
async def echo(data: EchoRequest, _: ExampleDep) -> Echo:
    """Sends back the JSON value that came in."""
    return Echo(you_sent=data.root)
