"""The Model Context Protocol: this service's tools, for other agents."""

from flask import Blueprint, Response, request
from pydantic import JsonValue, RootModel

from backend.api.dependencies import admit_client, given, services
from backend.api.routing import typed
from backend.gateway.mcp import HEADERS, McpServer
from backend.json_text import write_json

router = Blueprint("mcp", __name__)


class McpMessage(RootModel[JsonValue]):
    pass


@router.post("/mcp")
@typed({{ 'in_docs=False, ' if docs }}guard=admit_client)
def serve_mcp(body: McpMessage) -> Response:
    """Answers one message of a client's."""
    sent = {name: request.headers.getlist(name) for name in HEADERS}
    headers = {name: ",".join(values) for name, values in sent.items() if values}
    status, answer = McpServer(services().tools, given()).answer(body.root, headers)
    if answer is None:
        nothing = Response(status=status)
        del nothing.content_type
        return nothing
    return Response(write_json(answer), status=status, mimetype="application/json")
