"""How the service is doing, and a first greeting."""
{%- if docs %}

from typing import Any
{%- endif %}

from fastapi import APIRouter{{ ', Response' if 'metrics' in features }}

{% if 'metrics' in features -%}
from backend import metrics
{% endif -%}
{% if docs -%}
from backend.api import documented
{% endif -%}
from backend.api.dependencies import ClientDep, ExampleDep, ServicesDep{{ ', needs_scope' if 'oidc' in features and 'metrics' in features }}
{%- if 'page' in features %}
from backend.api.page import PageRoute
{%- endif %}
from backend.api.responses import (
    Echo,
    EchoRequest,
    Greeting,
    Health,
    Readiness,
    RequestsLeft,
    TokensLeft,
    UsageReport,
{%- if database %}
    readiness,
{%- endif %}
)
from backend.api.routing import StrictRoute

router = APIRouter(route_class=StrictRoute)
{%- if 'page' in features %}
greeting = APIRouter(route_class=PageRoute)
{%- endif %}
{%- if docs %}
# What the API document says beside the key: while it is developed, there is none.
OR_NO_KEY: dict[str, Any] = {"security": [{}]}
{%- endif %}


@router.get("/healthz"{{ ', tags=["operations"]' if docs }})
async def show_health() -> Health:
    """Says that the process is alive."""
    return Health()


@router.get("/readyz"{{ ', tags=["operations"]' if docs }})
async def show_readiness(services: ServicesDep) -> Readiness:
    """Says that requests can be served; never calls the model, which may cost money."""
{%- if database %}
    database = await services.database.is_ready()
    return readiness(redis=await services.limits.reachable(), database=database)
{%- else %}
    if await services.limits.reachable():
        return Readiness()
    return Readiness(status="degraded", lost=["redis"])
{%- endif %}


@router.get("/v1/usage"{{ ', tags=["model"], responses=documented.USAGE' if docs }})
async def show_usage(services: ServicesDep, client: ClientDep) -> UsageReport:
    """Shows what the client has spent, and what it has left: tokens also by what they went for."""
    requests, tokens = await services.limits.spent(client)
    return UsageReport(
        client=client,
        requests=RequestsLeft.model_validate(requests),
        tokens=TokensLeft.model_validate(tokens),
        by_operation=dict(tokens.by_operation),
    )
{%- if 'metrics' in features %}


{% if 'oidc' in features -%}
@router.get("/metrics", include_in_schema=False, dependencies=[needs_scope("metrics")])
async def show_metrics() -> Response:
    """Shows what Prometheus collects, to whoever has a key, or a token for that."""
{%- else -%}
@router.get("/metrics", include_in_schema=False)
async def show_metrics(_: ClientDep) -> Response:
    """Shows what Prometheus collects, to whoever may use the model."""
{%- endif %}
    return Response(metrics.latest(), media_type=metrics.CONTENT_TYPE)
{%- endif %}


{% set router = 'greeting' if 'page' in features else 'router' -%}
{% if docs -%}
@{{ router }}.get("/", tags=["example"], responses=documented.EXAMPLE, openapi_extra=OR_NO_KEY)
{%- else -%}
@{{ router }}.get("/")
{%- endif %}
async def say_hello(_: ExampleDep) -> Greeting:
    return Greeting(message="Hello from FastAPI!")
{%- if 'page' in features %}


router.include_router(greeting)
{%- endif %}


{% if docs -%}
@router.post("/echo", tags=["example"], responses=documented.ECHO, openapi_extra=OR_NO_KEY)
{%- else -%}
@router.post("/echo")
{%- endif %}
async def echo(data: EchoRequest, _: ExampleDep) -> Echo:
    """Sends back the JSON value that came in."""
    return Echo(you_sent=data.root)
