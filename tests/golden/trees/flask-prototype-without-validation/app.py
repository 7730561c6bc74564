"""A chat API in one file."""

import json
import logging
import os
import time
import uuid
from collections.abc import Iterator
from typing import Any

import openai
from flask import Flask, Response, abort, jsonify, request
from werkzeug.exceptions import BadGateway, BadRequest, HTTPException

KEY = os.environ.get("LLM_API_KEY")
MODEL = os.environ.get("LLM_MODEL", "gpt-5.4-mini") if KEY else "offline-echo"
BASE_URL = os.environ.get("LLM_BASE_URL", "https://api.openai.com/v1")

Piece = tuple[str, str | None]  # a word; in the last, the finish_reason

log = logging.getLogger(__name__)
client = openai.OpenAI(api_key=KEY, base_url=BASE_URL, timeout=60) if KEY else None
app = Flask(__name__)


@app.get("/")
def root() -> Response:
    return jsonify(message="Hello from Flask!")


def strict_json() -> Any:
    """Refuses what no answer can repeat: NaN, half a surrogate pair, endless nesting."""
    try:
        json.dumps(json.loads(request.get_data()), ensure_ascii=False, allow_nan=False).encode()
    except Exception as error:  # of the body, or of the server that reads it
        raise BadRequest("The body is not valid JSON") from error
    return request.get_json()


@app.post("/echo")
def echo() -> Response:
    return jsonify(you_sent=strict_json())


@app.get("/healthz")
def healthz() -> Response:
    return jsonify(status="ok")


@app.post("/v1/chat/completions")
def chat() -> Response:
    data = strict_json()
    pieces = answer(messages_of(data))
    if data.get("stream"):
        return Response(events(pieces), mimetype="text/event-stream")
    *words, (_, finish_reason) = pieces
    message = {"role": "assistant", "content": "".join(word for word, _ in words)}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return jsonify({**envelope("chat.completion"), "choices": [choice]})


def answer(messages: list[Any]) -> Iterator[Piece]:
    """The model's words, then why it stopped; with no key, an echo of the question."""
    if client is None:
        for word in f"You said: {messages[-1]['content']}".split(" "):
            yield f"{word} ", None
            time.sleep(0.02)
        yield "", "stop"
        return
    finish_reason = None
    try:
        with client.chat.completions.create(model=MODEL, messages=messages, stream=True) as stream:
            for chunk in stream:
                for choice in chunk.choices or ():
                    finish_reason = choice.finish_reason or finish_reason
                    if text := choice.delta.content:
                        yield text, None
        if finish_reason is None:
            raise EOFError("The answer was cut off")
    except Exception as error:  # its text may hold the prompt: only its kind is logged
        status = getattr(error, "status_code", None)
        log.error("The model failed: %s, status %s", type(error).__name__, status)
        raise BadGateway("The model failed") from error
    yield "", finish_reason


def events(pieces: Iterator[Piece]) -> Iterator[str]:
    """The same words as server-sent events, in the form of OpenAI's API."""
    head = envelope("chat.completion.chunk")
    try:
        for word, finish_reason in pieces:
            yield event(head, word, finish_reason)
    except BadGateway:
        yield f"data: {json.dumps(error_body('The model failed'))}\n\n"
    else:
        yield "data: [DONE]\n\n"


def event(head: dict[str, Any], word: str, finish_reason: str | None) -> str:
    choice = {"index": 0, "delta": {"content": word}, "finish_reason": finish_reason}
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
