"""The Model Context Protocol: this service's tools, for other agents."""

from fastapi import APIRouter, Request, Response
from pydantic import JsonValue, RootModel

from backend.api.dependencies import GivenDep, ServicesDep
from backend.api.routing import StrictRoute
from backend.gateway.mcp import HEADERS, McpServer
from backend.json_text import write_json

router = APIRouter(route_class=StrictRoute)


class McpMessage(RootModel[JsonValue]):
    pass


@router.post("/mcp", include_in_schema=False)
async def serve_mcp(
    body: McpMessage, request: Request, services: ServicesDep, given: GivenDep
) -> Response:
    """Answers one message of a client's."""
    sent = {name: request.headers.getlist(name) for name in HEADERS}
    headers = {name: ",".join(values) for name, values in sent.items() if values}
    status, answer = await McpServer(services.tools, given).answer(body.root, headers)
    if answer is None:
        return Response(status_code=status)
    return Response(write_json(answer), status_code=status, media_type="application/json")
