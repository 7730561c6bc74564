{%- from 'templates/text.jinja' import python -%}
"""A chat API in one file."""

import asyncio
import json
import os
import re
import time
from collections.abc import AsyncGenerator
from functools import partial
from typing import {{ 'Annotated, Any, Literal' if validation else 'Annotated, Any' }}
from urllib.request import getproxies

import httpx2
import openai
from fastapi import {{ 'Body, Request' if docs else 'Body, FastAPI, Request' }}
from fastapi.exceptions import RequestValidationError
from fastapi.logger import logger
from fastapi.responses import JSONResponse, Response, StreamingResponse
{%- if docs %}
from fastapi_offline import FastAPIOffline
{%- endif %}
from pydantic import {{ 'BaseModel, Field, JsonValue, StrictBool' if validation else 'Field, JsonValue' }}
from pydantic_core import from_json, to_json
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEY = os.getenv("LLM_API_KEY", "").strip()
MODEL = (os.getenv("LLM_MODEL") or {{ provider_model | to_json }}) if KEY else "offline-echo"
BASE_URL = os.getenv("LLM_BASE_URL") or {{ provider_base_url | to_json }}
SSE = {"content-type": "text/event-stream", "cache-control": "no-cache", "x-accel-buffering": "no"}
REFUSED = (502, "The model's provider refused this service's own API key")
SPENT, BUSY = "This service has spent its quota", "The model is busy, or its quota is spent"
TOLD = {401: REFUSED, 402: (502, SPENT), 403: REFUSED, 429: (429, BUSY)}
KINDS = {429: "rate_limit_error", 500: "api_error", 502: "upstream_error"}
HOST = r"([\w.-]+|\[[\w.:]+\])(:(?!0)([1-5]?\d{1,4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5]))?"
{%- if docs %}
ERROR: Any = {"default": {"description": "An error", "model": dict[str, dict[str, str | None]]}}
EXAMPLES: Any = {"hello": {"value": {"messages": [{"role": "user", "content": "Hello!"}]}}}
{%- endif %}
JsonBody = Annotated[dict[str, Any] | JsonValue, Field(union_mode="left_to_right")]

client: openai.AsyncOpenAI | None = None
if KEY:
    if not re.fullmatch("[!-~]+", KEY):
        raise SystemExit("settings: LLM_API_KEY: takes visible ASCII characters")
    if not (MODEL and re.fullmatch(rf"https?://{HOST}(/[^\s?#]*)?", BASE_URL)):
        raise SystemExit("settings: LLM_BASE_URL, LLM_MODEL: take http(s)://host/path, and a name")
    for kind in getproxies().keys() & {"http", "https", "all"}:
        if not re.fullmatch(rf"(https?://)?([^\s/@]+@)?{HOST}/?", getproxies()[kind]):
            raise SystemExit(f"settings: {kind.upper()}_PROXY: takes http(s)://host:port")
    try:
        http = openai.DefaultAsyncHttpxClient(timeout=60, follow_redirects=False)
        client = openai.AsyncOpenAI(api_key=KEY, base_url=BASE_URL, max_retries=0, http_client=http)
    except Exception as error:
        raise SystemExit(f"settings: LLM_BASE_URL, HTTP(S)_PROXY, ALL_PROXY: {error}") from None
{%- if docs %}
app = FastAPIOffline(redirect_slashes=False, responses=ERROR)
app.title = "{{ project_name }}"
{{ python('app.description = ', description, '') }}
{%- else %}
app = FastAPI(redirect_slashes=False, openapi_url=None)
{%- endif %}
{%- if validation %}


class ChatMessage(BaseModel):
    role: Literal["developer", "system", "user", "assistant"]
    content: str


class ChatRequest(BaseModel):
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    stream: StrictBool | None = None
{%- endif %}


@app.post("/v1/chat/completions", response_class=StreamingResponse)
{%- if validation %}
async def chat(request: {{ 'Annotated[ChatRequest, Body(openapi_examples=EXAMPLES)]' if docs else 'ChatRequest' }}) -> Response:
    """Answers a conversation, whole or as server-sent events."""
    pieces = answer([message.model_dump() for message in request.messages])
{%- else %}
async def chat(data: Annotated[JsonBody, Body({{ 'openapi_examples=EXAMPLES' if docs }})]) -> Response:
    """Answers a conversation, whole or as server-sent events."""
    match data:
        case {"messages": [*_, {"content": str()}] as messages, **others}:
            pieces = answer(messages)
        case _:
            raise HTTPException(400, "messages: a list of objects with a role and a content")
{%- endif %}
{%- set streamed = 'request.stream' if validation else 'others.get("stream")' %}
    kind = "chat.completion.chunk" if {{ streamed }} else "chat.completion"
    head = {"id": f"chatcmpl-{os.urandom(16).hex()}", "object": kind, "created": int(time.time())}
    if {{ streamed }}:
        await anext(pieces)  # fails, where the model does not begin
        return StreamingResponse(events(head, pieces), headers=SSE)
    *words, (_, reason) = [piece async for piece in pieces]
    message = {"role": "assistant", "content": "".join(word for word, _ in words)}
    return Response(json.dumps(body(head, reason, message=message)), media_type="application/json")


@app.get("/")
async def root() -> dict[str, str]:
    return {"message": "Hello from FastAPI!"}


@app.post("/echo")
async def echo(data: Annotated[JsonBody, Body({{ 'openapi_examples=EXAMPLES' if docs }})]) -> dict[str, Any]:
    return {"you_sent": data}


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


async def answer(messages: list[Any]) -> AsyncGenerator[Any]:
    """Nothing, once the model begins; its words; and why it stopped. Without a key, an echo."""
    if client is None:
        for word in re.split("^|(?= )", f"You said: {messages[-1]['content']}", maxsplit=100):
            yield word, None
            await asyncio.sleep(0.02)
        yield "", "stop"
        return
    reason, done = None, False
    try:
        model = client.chat.completions.with_streaming_response
        async with model.create(model=MODEL, messages=messages, stream=True) as response:
            yield "", None
            async for event in httpx2.EventSource(response.http_response):
                if done := event.data == "[DONE]":
                    break
                chunk = json.loads(event.data)
                if chunk.get("error"):
                    raise RuntimeError("The model failed midway")
                for choice in chunk.get("choices") or ():
                    delta, reason = choice.get("delta") or {}, choice.get("finish_reason") or reason
                    if isinstance(text := delta.get("content") or delta.get("refusal"), str):
                        yield text, None
            if not (done or reason):
                raise EOFError("The answer was cut off")
    except Exception as error:  # its text may hold the prompt: only its kind is logged
        sent = getattr(error, "response", httpx2.Response(0))
        logger.error("The model failed: %s, status %s", type(error).__name__, sent.status_code)
        wait = {k: v for k, v in sent.headers.items() if k == "retry-after" and v.isascii()}
        raise HTTPException(*TOLD.get(sent.status_code, (502, "The model failed")), wait) from error
    yield "", reason or "stop"


async def events(head: dict[str, Any], pieces: AsyncGenerator[Any]) -> AsyncGenerator[str]:
    try:
        async for word, reason in pieces:
            yield f"data: {json.dumps(body(head, reason, delta={'content': word}))}\n\n"
        yield "data: [DONE]\n\n"
    except HTTPException as error:
        yield f"data: {bytes(refusal(error.status_code, error.detail).body).decode()}\n\n"


def body(head: dict[str, Any], reason: str | None, **said: Any) -> dict[str, Any]:
    return {**head, "model": MODEL, "choices": [{"index": 0, **said, "finish_reason": reason}]}


app.add_exception_handler(Exception, lambda *_: refusal(500, "Internal Server Error"))


@app.exception_handler(HTTPException)
async def on_error(_: Request, error: HTTPException) -> Response:
    return refusal(error.status_code, error.detail, headers=error.headers)


@app.exception_handler(RequestValidationError)
async def on_invalid_request(_: Request, error: RequestValidationError) -> Response:
    first = error.errors()[0]
    if isinstance(error.body, bytes):  # which FastAPI passes on as they are
        return refusal(415, "Send it as content-type: application/json")
    field = ".".join(map(str, first["loc"][1:]))
    return refusal(422, f"{field}: {first['msg']}".removeprefix(": "), field or None)


def refusal(status: int, message: str, param: str | None = None, headers: Any = None) -> Response:
    error = {"message": message, "type": KINDS.get(status, "invalid_request_error")}
    return JSONResponse({"error": {**error, "param": param, "code": None}}, status, headers)


async def guard(inner: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers HEAD as GET, bounds head and body, and lets no browser guess a media type."""
    read = bytearray()

    async def receive_some() -> Message:
        read.extend((message := await receive()).get("body", b""))
        if len(read) > 1_000_000:
            raise HTTPException(413)
        if message["type"] == "http.request" and read and not message.get("more_body"):
            from_json(to_json(from_json(read)), allow_inf_nan=False)  # refuses NaN, "\ud800"
        return message

    async def send_marked(message: Message) -> None:
        message.get("headers", []).append((b"x-content-type-options", b"nosniff"))
        await send(message)

    scope = {**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope
    head = [(scope.get("raw_path", b""), scope.get("query_string", b"")), *scope.get("headers", ())]
    too_large = len(b"".join(map(b"".join, head))) > 64_000
    answer = refusal(431, "The head is too large") if too_large else inner
    await answer(scope, receive_some, send_marked)


app.add_middleware(lambda inner: partial(guard, inner))
