"""What the API document says of answers that a handler's annotations do not show."""

from typing import Annotated, Any, Literal

from pydantic import Field

from backend.api import sse
from backend.api.responses import ErrorBody
from backend.gateway.schemas import OpenModel

Responses = dict[int | str, dict[str, Any]]
# As `examples`, Swagger UI would show it but not send it.
ModelName = Annotated[str, Field(json_schema_extra={"example": "offline-echo"})]


class AssistantMessage(OpenModel):
    role: Literal["assistant"]
    content: str | None


class Choice(OpenModel):
    index: int
    message: AssistantMessage
    finish_reason: str


class Usage(OpenModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(OpenModel):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage


class OutputItem(OpenModel):
    id: str
    type: Literal["message", "reasoning", "function_call"]
    status: Literal["completed", "incomplete"]


class ResponseUsage(OpenModel):
    input_tokens: int
    output_tokens: int
    total_tokens: int


class ResponseObject(OpenModel):
    id: str
    object: Literal["response"]
    created_at: int
    status: Literal["completed", "incomplete"]
    model: str
    output: list[OutputItem]
    usage: ResponseUsage | None


class Embedding(OpenModel):
    index: int
    object: Literal["embedding"]
    embedding: list[float] | str


class EmbeddingList(OpenModel):
    object: Literal["list"]
    model: str
    data: list[Embedding]


def errors(*statuses: int) -> Responses:
    # By its name: FastAPI would prepare a model anew for each status of each route.
    schema = {"$ref": f"#/components/schemas/{ErrorBody.__name__}"}
    return {status: {"content": {"application/json": {"schema": schema}}} for status in statuses}


ERROR: Responses = {"default": {"model": ErrorBody, "description": "An error"}}  # of every route
EXAMPLE = errors(401, 429)
ECHO = errors(400, 401, 413, 415, 422, 429)
MODELS = errors(401, 429, 502, 504)
MODEL = errors(401, 404, 429, 502, 504)
MODEL_CALL = errors(400, 401, 404, 413, 415, 422, 429, 502, 503, 504)
USAGE = errors(401, 429, 503)
FEATURE = errors(400, 401, 413, 415, 422, 429, 502, 503, 504)
EVENT = {"type": "object", "properties": {"data": {"type": "string"}}, "required": ["data"]}
STREAM = {sse.MEDIA_TYPE: {"schema": EVENT}}  # of one event, as tools read it
CHAT: Responses = {200: {"model": ChatCompletion, "content": STREAM}, **MODEL_CALL}
RESPONSES: Responses = {200: {"model": ResponseObject, "content": STREAM}, **MODEL_CALL}
STREAMED: Responses = {200: {"content": STREAM}, **FEATURE}
UI_CHAT: Responses = {200: {"content": STREAM}, **MODEL_CALL}
EMBEDDINGS: Responses = {200: {"model": EmbeddingList}, **MODEL_CALL}
