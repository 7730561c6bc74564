"""A chat API in one file."""

import asyncio
import json
import logging
import os
import time
import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import openai
from fastapi import Body, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field
from pydantic_core import from_json
from starlette.exceptions import HTTPException

KEY = os.environ.get("LLM_API_KEY")
MODEL = os.environ.get("LLM_MODEL", "gpt-5.4-mini") if KEY else "offline-echo"
BASE_URL = os.environ.get("LLM_BASE_URL", "https://api.openai.com/v1")

Piece = tuple[str, str | None]  # a word; in the last, the finish_reason

log = logging.getLogger(__name__)
client = openai.AsyncOpenAI(api_key=KEY, base_url=BASE_URL, timeout=60) if KEY else None
app = FastAPI(title="my-app")


class Message(BaseModel):
    role: Literal["system", "user", "assistant"]
    content: str


class ChatRequest(BaseModel):
    messages: Annotated[list[Message], Field(min_length=1)]
    stream: bool = False


@app.head("/", include_in_schema=False)
@app.get("/")
async def root() -> dict[str, str]:
    return {"message": "Hello from FastAPI!"}


async def strict_json(request: Request) -> None:
    """Refuses what is no JSON, and what no answer can repeat: NaN, half a surrogate pair."""
    if "json" not in request.headers.get("content-type", "").lower():
        raise HTTPException(415, "The Content-Type is not application/json")
    try:
        json.dumps(from_json(await request.body()), allow_nan=False)
    except ValueError as error:
        raise HTTPException(400, "The body is not valid JSON") from error


@app.post("/echo", dependencies=[Depends(strict_json)])
async def echo(data: Annotated[Any, Body()]) -> dict[str, Any]:
    return {"you_sent": data}


@app.head("/healthz", include_in_schema=False)
@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/v1/chat/completions", response_model=None, dependencies=[Depends(strict_json)])
async def chat(request: ChatRequest) -> dict[str, Any] | StreamingResponse:
    pieces = answer([message.model_dump() for message in request.messages])
    if request.stream:
        return StreamingResponse(events(pieces), media_type="text/event-stream")
    *words, (_, finish_reason) = [piece async for piece in pieces]
    message = {"role": "assistant", "content": "".join(word for word, _ in words)}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return {**envelope("chat.completion"), "choices": [choice]}


async def answer(messages: list[Any]) -> AsyncIterator[Piece]:
    """The model's words, then why it stopped; with no key, an echo of the question."""
    if client is None:
        for word in f"You said: {messages[-1]['content']}".split(" "):
            yield f"{word} ", None
            await asyncio.sleep(0.02)
        yield "", "stop"
        return
    finish_reason = None
    try:
        async with await client.chat.completions.create(
            model=MODEL, messages=messages, stream=True
        ) as stream:
            async for chunk in stream:
                for choice in chunk.choices or ():
                    finish_reason = choice.finish_reason or finish_reason
                    if text := choice.delta.content:
                        yield text, None
        if finish_reason is None:
            raise EOFError("The answer was cut off")
    except Exception as error:  # its text may hold the prompt: only its kind is logged
        status = getattr(error, "status_code", None)
        log.error("The model failed: %s, status %s", type(error).__name__, status)
        raise HTTPException(502, "The model failed") from error
    yield "", finish_reason


async def events(pieces: AsyncIterator[Piece]) -> AsyncIterator[str]:
    """The same words as server-sent events, in the form of OpenAI's API."""
    head = envelope("chat.completion.chunk")
    try:
        async for word, finish_reason in pieces:
            yield event(head, word, finish_reason)
    except HTTPException:
        yield f"data: {json.dumps(error_body('The model failed'))}\n\n"
    else:
        yield "data: [DONE]\n\n"


def event(head: dict[str, Any], word: str, finish_reason: str | None) -> str:
    choice = {"index": 0, "delta": {"content": word}, "finish_reason": finish_reason}
    return f"data: {json.dumps({**head, 'choices': [choice]})}\n\n"


def envelope(kind: str) -> dict[str, Any]:
    identity = f"chatcmpl-{uuid.uuid4().hex}"
    return {"id": identity, "object": kind, "created": int(time.time()), "model": MODEL}


def error_body(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "api_error", "param": None, "code": None}}


@app.exception_handler(HTTPException)
async def on_http_error(_: Request, error: HTTPException) -> JSONResponse:
    return JSONResponse(error_body(error.detail), error.status_code, error.headers)


@app.exception_handler(RequestValidationError)
async def on_invalid_request(_: Request, error: RequestValidationError) -> JSONResponse:
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return JSONResponse(error_body("The body is not valid JSON"), 400)
    field = ".".join(map(str, first["loc"][1:]))
    message = f"{field}: {first['msg']}" if field else first["msg"]
    return JSONResponse(error_body(message), 422)


@app.exception_handler(Exception)
async def on_bug(_: Request, _error: Exception) -> JSONResponse:
    return JSONResponse(error_body("Internal Server Error"), 500)
