"""OpenAI's API, and the one of the AI SDK's `useChat`: each route parses, calls, and answers."""

from flask import Blueprint, Response

from backend.api import documented
from backend.api.answering import answer
from backend.api.dependencies import admit_client, chat_service, client, services
from backend.api.routing import typed
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

router = Blueprint("gateway", __name__)


@router.post("/v1/chat/completions")
@typed(tag="model", responses=documented.CHAT, guard=admit_client)
def complete_chat(body: ChatCompletionRequest) -> Response:
    """Answers a conversation, whole or as server-sent events, in the form of OpenAI's API."""
    dropped = chat_service().dropped(body)
    if body.stream:
        return chat_stream(chat_service().stream(body, client()), dropped)
    return answer(chat_service().complete(body, client()), dropped)


@router.post("/v1/responses")
@typed(tag="model", responses=documented.RESPONSES, guard=admit_client)
def create_response(body: ResponseRequest) -> Response:
    """Answers, whole or as events that tell of it, in the form of OpenAI's Responses API."""
    dropped = chat_service().dropped(body)
    if body.stream:
        return told_stream(*chat_service().stream_response(body, client()), dropped)
    return answer(chat_service().respond(body, client()), dropped)


@router.post("/v1/embeddings")
@typed(tag="model", responses=documented.EMBEDDINGS, guard=admit_client)
def create_embeddings(body: EmbeddingRequest) -> Response:
    """Turns texts into vectors, in the form of OpenAI's API."""
    return answer(chat_service().embed(body, client()), chat_service().dropped(body))


@router.post("/api/chat")
@typed(tag="model", responses=documented.UI_CHAT, guard=admit_client)
def chat_with_page(body: UIChatRequest) -> Response:
    """Answers a conversation as a UI message stream, for the AI SDK's `useChat`."""
    answer = chat_service().stream_ui(body, client(), services().system)
    return told_stream(*answer, HEADERS)


@router.get("/api/chat/<non_empty_path:chat_id>/stream")
@typed(in_docs=False, guard=admit_client)
def resume_chat(chat_id: str) -> Response:  # noqa: ARG001
    """Tells `useChat`, which asks when a page loads, that there is no stream to resume."""
    return Response(status=204)


@router.get("/v1/models")
@typed(tag="model", responses=documented.MODELS, guard=admit_client)
def list_models() -> ModelList:
    """Lists the models that a request may name."""
    return ModelList(data=[Model(id=name) for name in chat_service().models()])


@router.get("/v1/models/<non_empty_path:name>")
@typed(tag="model", responses=documented.MODEL, guard=admit_client)
def show_model(name: documented.ModelName) -> Model:
    """Shows one of the models that are listed."""
    return Model(id=listed_model(name, chat_service().models()))
