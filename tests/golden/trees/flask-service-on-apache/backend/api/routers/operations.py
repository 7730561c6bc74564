"""How the service is doing, and a first greeting."""

from flask import Blueprint

from backend.api.dependencies import admit_client, admit_client_in_production, client, services
from backend.api.page import shown_to_browsers
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
from backend.api.routing import typed

router = Blueprint("operations", __name__)


@router.get("/healthz")
@typed()
def show_health() -> Health:
    """Says that the process is alive."""
    return Health()


@router.get("/readyz")
@typed()
def show_readiness() -> Readiness:
    """Says that requests can be served; never calls the model, which may cost money."""
    if services().limits.reachable():
        return Readiness()
    return Readiness(status="degraded", lost=["redis"])


@router.get("/v1/usage")
@typed(guard=admit_client)
def show_usage() -> UsageReport:
    """Shows what the client has spent, and what it has left: tokens also by what they went for."""
    requests, tokens = services().limits.spent(client())
    return UsageReport(
        client=client(),
        requests=RequestsLeft.model_validate(requests),
        tokens=TokensLeft.model_validate(tokens),
        by_operation=dict(tokens.by_operation),
    )


@router.get("/")
@shown_to_browsers
@typed(guard=admit_client_in_production)
def say_hello() -> Greeting:
    return Greeting(message="Hello from Flask!")


@router.post("/echo")
@typed(guard=admit_client_in_production)
def echo(data: EchoRequest) -> Echo:
    """Sends back the JSON value that came in."""
    return Echo(you_sent=data.root)
