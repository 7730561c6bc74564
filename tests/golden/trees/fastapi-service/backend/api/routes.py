"""The routes: each parses, calls, and answers."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, StreamingResponse

from backend.api import documented, sse
from backend.api.dependencies import Chat, KeyRequired
from backend.api.responses import Echo, EchoRequest, Greeting, Status
from backend.api.routing import StrictRoute
from backend.api.streaming import event_stream
from backend.chat.schemas import ChatCompletionRequest, Model, ModelList

router = APIRouter(route_class=StrictRoute)


@router.get("/", tags=["example"])
async def greet() -> Greeting:
    return Greeting(message="Hello from FastAPI!")


@router.post("/echo", tags=["example"], responses=documented.INVALID)
async def echo(data: EchoRequest) -> Echo:
    """Sends back the JSON value that came in."""
    return Echo(you_sent=data.root)


@router.get("/healthz", tags=["operations"])
async def healthz() -> Status:
    """Says that the process is alive."""
    return Status()


@router.get("/readyz", tags=["operations"])
async def readyz() -> Status:
    """Says that requests can be served; never calls the model, which may cost money."""
    return Status()


@router.get("/v1/models", tags=["model"], dependencies=KeyRequired, responses=documented.MODELS)
async def list_models(chat: Chat) -> ModelList:
    """Lists the models that a request may name."""
    return ModelList(data=[Model(id=name) for name in await chat.models()])


@router.post(
    "/v1/chat/completions",
    tags=["model"],
    dependencies=KeyRequired,
    response_model=None,
    responses=documented.CHAT,
)
async def complete_chat(request: ChatCompletionRequest, chat: Chat) -> Response:
    """Answers a conversation, whole or as server-sent events, in the form of OpenAI's API."""
    if request.stream:
        events = event_stream(await chat.stream(request))
        return StreamingResponse(events, headers=sse.HEADERS, media_type=sse.MEDIA_TYPE)
    return JSONResponse(await chat.complete(request))
