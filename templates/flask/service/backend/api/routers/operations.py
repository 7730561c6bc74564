"""How the service is doing, and a first greeting."""

from flask import Blueprint{{ ', Response' if 'metrics' in features }}

{% if 'metrics' in features -%}
from backend import metrics
{% endif -%}
{% if docs -%}
from backend.api import documented
{% endif -%}
{% if 'oidc' in features and 'metrics' in features -%}
from backend.api.dependencies import (
    admit_client,
    admit_client_in_production,
    admit_with,
    client,
    services,
)
{%- else -%}
from backend.api.dependencies import admit_client, admit_client_in_production, client, services
{%- endif %}
{%- if 'page' in features %}
from backend.api.page import shown_to_browsers
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
from backend.api.routing import typed

router = Blueprint("operations", __name__)


@router.get("/healthz")
@typed({{ 'tag="operations"' if docs }})
def show_health() -> Health:
    """Says that the process is alive."""
    return Health()


@router.get("/readyz")
@typed({{ 'tag="operations"' if docs }})
def show_readiness() -> Readiness:
    """Says that requests can be served; never calls the model, which may cost money."""
{%- if database %}
    database = services().database.is_ready()
    return readiness(redis=services().limits.reachable(), database=database)
{%- else %}
    if services().limits.reachable():
        return Readiness()
    return Readiness(status="degraded", lost=["redis"])
{%- endif %}


@router.get("/v1/usage")
@typed({{ 'tag="model", responses=documented.USAGE, ' if docs }}guard=admit_client)
def show_usage() -> UsageReport:
    """Shows what the client has spent, and what it has left: tokens also by what they went for."""
    requests, tokens = services().limits.spent(client())
    return UsageReport(
        client=client(),
        requests=RequestsLeft.model_validate(requests),
        tokens=TokensLeft.model_validate(tokens),
        by_operation=dict(tokens.by_operation),
    )


{% if 'metrics' in features -%}
@router.get("/metrics")
{%- if 'oidc' in features %}
@typed({{ 'in_docs=False, ' if docs }}guard=admit_with("metrics"))
def show_metrics() -> Response:
    """Shows what Prometheus collects, to whoever has a key, or a token for that."""
{%- else %}
@typed({{ 'in_docs=False, ' if docs }}guard=admit_client)
def show_metrics() -> Response:
    """Shows what Prometheus collects, to whoever may use the model."""
{%- endif %}
    return Response(metrics.latest(), content_type=metrics.CONTENT_TYPE)


{% endif -%}
@router.get("/")
{%- if 'page' in features %}
@shown_to_browsers
{%- endif %}
@typed({{ 'tag="example", responses=documented.EXAMPLE, ' if docs }}guard=admit_client_in_production)
def say_hello() -> Greeting:
    return Greeting(message="Hello from Flask!")


@router.post("/echo")
@typed({{ 'tag="example", responses=documented.ECHO, ' if docs }}guard=admit_client_in_production)
def echo(data: EchoRequest) -> Echo:
    """Sends back the JSON value that came in."""
    return Echo(you_sent=data.root)
