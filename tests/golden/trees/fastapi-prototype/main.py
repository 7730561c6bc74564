"""A chat API in one file."""

import asyncio
import json
import os
import time
import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import openai
from fastapi import Body, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

KEY = os.environ.get("LLM_API_KEY")
MODEL = os.environ.get("LLM_MODEL", "gpt-5.4-mini") if KEY else "offline-echo"
BASE_URL = os.environ.get("LLM_BASE_URL", "https://api.openai.com/v1")

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


@app.post("/echo")
async def echo(data: Annotated[Any, Body()]) -> dict[str, Any]:
    return {"you_sent": data}


@app.head("/healthz", include_in_schema=False)
@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/v1/chat/completions", response_model=None)
async def chat(request: ChatRequest) -> dict[str, Any] | StreamingResponse:
    pieces = answer([message.model_dump() for message in request.messages])
    if request.stream:
        return StreamingResponse(events(pieces), media_type="text/event-stream")
    message = {"role": "assistant", "content": "".join([piece async for piece in pieces])}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {**envelope("chat.completion"), "choices": [choice]}


async def answer(messages: list[Any]) -> AsyncIterator[str]:
    """The model's words; with no key, an echo of the question."""
    if client is None:
        for word in f"You said: {messages[-1]['content']}".split(" "):
            yield f"{word} "
            await asyncio.sleep(0.02)
        return
    async with await client.chat.completions.create(
        model=MODEL, messages=messages, stream=True
    ) as stream:
        async for chunk in stream:
            if chunk.choices and (text := chunk.choices[0].delta.content):
                yield text


async def events(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
    """The same words as server-sent events, in the form of OpenAI's API."""
    head = envelope("chat.completion.chunk")
    try:
        async for piece in pieces:
            yield event(head, {"content": piece}, None)
    except openai.OpenAIError:
        yield f"data: {json.dumps(error_body('The model failed'))}\n\n"
    else:
        yield event(head, {}, "stop") + "data: [DONE]\n\n"


def event(head: dict[str, Any], delta: dict[str, str], finish_reason: str | None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
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
    field = ".".join(map(str, first["loc"][1:]))
    return JSONResponse(error_body(f"{field}: {first['msg']}"), 422)


@app.exception_handler(openai.OpenAIError)
async def on_model_failure(_: Request, _error: openai.OpenAIError) -> JSONResponse:
    return JSONResponse(error_body("The model failed"), 502)
