"""A chat API in one file."""

import json
import os
import time
import uuid
from collections.abc import Iterator
from typing import Any

import openai
from flask import Flask, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

KEY = os.environ.get("LLM_API_KEY")
MODEL = os.environ.get("LLM_MODEL", "gpt-5.4-mini") if KEY else "offline-echo"
BASE_URL = os.environ.get("LLM_BASE_URL", "https://api.openai.com/v1")

client = openai.OpenAI(api_key=KEY, base_url=BASE_URL, timeout=60) if KEY else None
app = Flask(__name__)


@app.get("/")
def root() -> Response:
    return jsonify(message="Hello from Flask!")


@app.post("/echo")
def echo() -> Response:
    return jsonify(you_sent=request.get_json())


@app.get("/healthz")
def healthz() -> Response:
    return jsonify(status="ok")


@app.post("/v1/chat/completions")
def chat() -> Response:
    data = request.get_json()
    pieces = answer(messages_of(data))
    if data.get("stream"):
        return Response(events(pieces), mimetype="text/event-stream")
    message = {"role": "assistant", "content": "".join(pieces)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return jsonify({**envelope("chat.completion"), "choices": [choice]})


def answer(messages: list[Any]) -> Iterator[str]:
    """The model's words; with no key, an echo of the question."""
    if client is None:
        for word in f"You said: {messages[-1]['content']}".split(" "):
            yield f"{word} "
            time.sleep(0.02)
        return
    with client.chat.completions.create(model=MODEL, messages=messages, stream=True) as stream:
        for chunk in stream:
            if chunk.choices and (text := chunk.choices[0].delta.content):
                yield text


def events(pieces: Iterator[str]) -> Iterator[str]:
    """The same words as server-sent events, in the form of OpenAI's API."""
    head = envelope("chat.completion.chunk")
    try:
        for piece in pieces:
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


def messages_of(data: Any) -> list[Any]:
    match data:
        case {"messages": [*earlier, {"content": str()} as last]}:
            return [*earlier, last]
    abort(400, "messages: a list of objects with a role and a content")


def error_body(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "api_error", "param": None, "code": None}}


@app.errorhandler(HTTPException)
def on_http_error(error: HTTPException) -> tuple[Response, int]:
    return jsonify(error_body(error.description or error.name)), error.code or 500


@app.errorhandler(openai.OpenAIError)
def on_model_failure(_: openai.OpenAIError) -> tuple[Response, int]:
    return jsonify(error_body("The model failed")), 502
