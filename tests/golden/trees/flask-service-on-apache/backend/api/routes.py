"""The routes: each parses, calls, and answers."""

from flask import Blueprint, Response
from pydantic_core import to_json

from backend.api import sse
from backend.api.dependencies import chat_service, require_key
from backend.api.responses import Echo, EchoRequest, Greeting, Status
from backend.api.routing import typed
from backend.api.streaming import event_stream
from backend.chat.schemas import ChatCompletionRequest, Model, ModelList

router = Blueprint("api", __name__)


@router.get("/")
@typed()
def greet() -> Greeting:
    return Greeting(message="Hello from Flask!")


@router.post("/echo")
@typed()
def echo(data: EchoRequest) -> Echo:
    """Sends back the JSON value that came in."""
    return Echo(you_sent=data.root)


@router.get("/healthz")
@typed()
def healthz() -> Status:
    """Says that the process is alive."""
    return Status()


@router.get("/readyz")
@typed()
def readyz() -> Status:
    """Says that requests can be served; never calls the model, which may cost money."""
    return Status()


@router.get("/v1/models")
@typed(guard=require_key)
def list_models() -> ModelList:
    """Lists the models that a request may name."""
    return ModelList(data=[Model(id=name) for name in chat_service().models()])


@router.post("/v1/chat/completions")
@typed(guard=require_key)
def complete_chat(request: ChatCompletionRequest) -> Response:
    """Answers a conversation, whole or as server-sent events, in the form of OpenAI's API."""
    if request.stream:
        events = event_stream(chat_service().stream(request))
        return Response(events, headers=sse.HEADERS, mimetype=sse.MEDIA_TYPE)
    return Response(to_json(chat_service().complete(request)), mimetype="application/json")
