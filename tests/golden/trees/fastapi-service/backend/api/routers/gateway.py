"""OpenAI's API, and the one of the AI SDK's `useChat`: each route parses, calls, and answers."""

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from backend.api import documented
from backend.api.answering import answer
from backend.api.dependencies import ChatDep, ClientDep, ServicesDep
from backend.api.routing import StrictRoute
from backend.api.streaming import chat_stream, told_stream
from backend.gateway.policy import listed_model
from backend.gateway.responses.request import ResponseRequest
from backend.gateway.schemas import (
    ChatCompletionRequest,
    EmbeddingRequest,
    Model,
    ModelList,
    UIChatRequest,
)
from backend.gateway.ui_answer import HEADERS

router = APIRouter(route_class=StrictRoute)


@router.post("/v1/chat/completions", tags=["model"], responses=documented.CHAT)
async def complete_chat(body: ChatCompletionRequest, chat: ChatDep, client: ClientDep) -> Response:
    """Answers a conversation, whole or as server-sent events, in the form of OpenAI's API."""
    dropped = chat.dropped(body)
    if body.stream:
        return chat_stream(await chat.stream(body, client), dropped)
    return answer(await chat.complete(body, client), dropped)


@router.post("/v1/responses", tags=["model"], responses=documented.RESPONSES)
async def create_response(body: ResponseRequest, chat: ChatDep, client: ClientDep) -> Response:
    """Answers, whole or as events that tell of it, in the form of OpenAI's Responses API."""
    dropped = chat.dropped(body)
    if body.stream:
        return told_stream(*await chat.stream_response(body, client), dropped)
    return answer(await chat.respond(body, client), dropped)


@router.post("/v1/embeddings", tags=["model"], responses=documented.EMBEDDINGS)
async def create_embeddings(body: EmbeddingRequest, chat: ChatDep, client: ClientDep) -> Response:
    """Turns texts into vectors, in the form of OpenAI's API."""
    return answer(await chat.embed(body, client), chat.dropped(body))


@router.post(
    "/api/chat", tags=["model"], response_class=StreamingResponse, responses=documented.UI_CHAT
)
async def chat_with_page(
    body: UIChatRequest, chat: ChatDep, client: ClientDep, services: ServicesDep
) -> Response:
    """Answers a conversation as a UI message stream, for the AI SDK's `useChat`."""
    return told_stream(*await chat.stream_ui(body, client, services.system), HEADERS)


@router.get("/api/chat/{chat_id:non_empty_path}/stream", include_in_schema=False)
async def resume_chat(chat_id: str, _: ClientDep) -> Response:  # noqa: ARG001
    """Tells `useChat`, which asks when a page loads, that there is no stream to resume."""
    return Response(status_code=204)


@router.get("/v1/models", tags=["model"], responses=documented.MODELS)
async def list_models(chat: ChatDep, _: ClientDep) -> ModelList:
    """Lists the models that a request may name."""
    return ModelList(data=[Model(id=name) for name in await chat.models()])


@router.get("/v1/models/{name:non_empty_path}", tags=["model"], responses=documented.MODEL)
async def show_model(name: documented.ModelName, chat: ChatDep, _: ClientDep) -> Model:
    """Shows one of the models that are listed."""
    return Model(id=listed_model(name, await chat.models()))
