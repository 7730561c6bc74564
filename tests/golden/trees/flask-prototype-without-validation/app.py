"""A chat API in one file."""

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from typing import Any
from urllib.request import getproxies

import httpx2
import openai
from flask import Flask, Response, abort, jsonify, request
from flask_smorest import Api, Blueprint  # type: ignore[import-untyped]
from werkzeug.exceptions import BadRequest, HTTPException

KEY = os.getenv("LLM_API_KEY", "").strip()
MODEL = (os.getenv("LLM_MODEL") or "gpt-5.4-mini") if KEY else "offline-echo"
BASE_URL = os.getenv("LLM_BASE_URL") or "https://api.openai.com/v1"
SSE = {"content-type": "text/event-stream", "cache-control": "no-cache", "x-accel-buffering": "no"}
REFUSED = (502, "The model's provider refused this service's own API key")
SPENT, BUSY = "This service has spent its quota", "The model is busy, or its quota is spent"
TOLD = {401: REFUSED, 402: (502, SPENT), 403: REFUSED, 429: (429, BUSY)}
KINDS = {429: "rate_limit_error", 500: "api_error", 502: "upstream_error"}
HOST = r"([\w.-]+|\[[\w.:]+\])(:(?!0)([1-5]?\d{1,4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5]))?"
ABOUT = "A GenAI backend"
EXAMPLE = {"messages": [{"role": "user", "content": "Hello!"}]}
DOCS = """<!doctype html><link rel="stylesheet" href="/docs-assets/swagger_style.css">
<title>API docs</title><div id="docs"></div><script src="/docs-assets/swagger_bundle.js"></script>
<script>SwaggerUIBundle({url: "/openapi.json", dom_id: "#docs"})</script>"""
REDOC = """<!doctype html><title>API docs</title><redoc spec-url="/openapi.json"></redoc>
<script type="module" src="/docs-assets/redoc.js"></script>"""

client: openai.OpenAI | None = None
if KEY:
    wrong = "" if re.fullmatch("[!-~]+", KEY) else "LLM_API_KEY: takes visible ASCII characters"
    if not (MODEL and re.fullmatch(rf"https?://{HOST}(/[^\s?#]*)?", BASE_URL)):
        wrong = "LLM_BASE_URL, LLM_MODEL: take http(s)://host/path, and a name"
    for kind in getproxies().keys() & {"http", "https", "all"}:
        if not re.fullmatch(rf"(https?://)?([^\s/@]+@)?{HOST}/?", getproxies()[kind]):
            wrong = f"{kind.upper()}_PROXY: takes http(s)://host:port"
    try:
        http = openai.DefaultHttpxClient(timeout=60, follow_redirects=False)
        client = openai.OpenAI(api_key=KEY, base_url=BASE_URL, max_retries=0, http_client=http)
    except Exception as error:
        wrong = wrong or f"LLM_BASE_URL, HTTP(S)_PROXY, ALL_PROXY: {error}"
    if wrong:
        sys.stderr.write(f"settings: {wrong}\n")
        sys.exit(3)  # after which gunicorn does not try again
app = Flask(__name__, static_url_path="/docs-assets", static_folder=str(files("offapi")))
app.config.update(API_VERSION="0.1.0", OPENAPI_VERSION="3.1.0", OPENAPI_URL_PREFIX="/")
app.config["API_TITLE"] = "my-app"
app.config["MAX_CONTENT_LENGTH"], app.url_map.merge_slashes = 1_000_001, False
Api.ERROR_SCHEMA = {"type": "object", "properties": {"error": {"type": "object"}}}
api, routes = Api(app, spec_kwargs={"info": {"description": ABOUT}}), Blueprint("api", __name__)
del api.spec.components.schemas["PaginationMetadata"]  # nothing here comes in pages


@routes.post("/v1/chat/completions")
@routes.doc(requestBody={"content": {"application/json": {"example": EXAMPLE}}, "required": True})
def chat() -> Response:
    """Answers a conversation, whole or as server-sent events."""
    body = wish(request.get_json())
    pieces = answer(body["messages"])
    if body.get("stream"):
        next(pieces)  # fails, where the model does not begin
        return Response(events(envelope("chat.completion.chunk"), pieces), headers=SSE)
    *words, (_, reason) = pieces
    message = {"role": "assistant", "content": "".join(word for word, _ in words)}
    return jsonify(body_of(envelope("chat.completion"), reason, message=message))


@routes.get("/")
def root() -> Response:
    """Says hello."""
    return jsonify(message="Hello from Flask!")


@routes.post("/echo")
@routes.doc(requestBody={"content": {"application/json": {"example": EXAMPLE}}, "required": True})
def echo() -> Response:
    """Sends back the JSON that it gets."""
    return jsonify(you_sent=request.get_json())


@routes.get("/healthz")
def healthz() -> Response:
    """Says that the process is alive."""
    return jsonify(status="ok")


def answer(messages: list[Any]) -> Iterator[tuple[str, str | None]]:
    """Nothing, once the model begins; its words; and why it stopped. Without a key, an echo."""
    if client is None:
        for word in re.split("^|(?= )", f"You said: {messages[-1]['content']}", maxsplit=100):
            yield word, None
            time.sleep(0.02)
        yield "", "stop"
        return
    reason, done = None, False
    try:
        model = client.chat.completions.with_streaming_response
        with model.create(model=MODEL, messages=messages, stream=True) as response:
            yield "", None
            for event in httpx2.EventSource(response.http_response):
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
        app.logger.error("The model failed: %s, status %s", type(error).__name__, sent.status_code)
        wait = {k: v for k, v in sent.headers.items() if k == "retry-after" and v.isascii()}
        abort(refusal(*TOLD.get(sent.status_code, (502, "The model failed")), headers=wait))
    yield "", reason or "stop"


def events(head: dict[str, Any], pieces: Iterator[tuple[str, str | None]]) -> Iterator[str]:
    try:
        for word, reason in pieces:
            yield f"data: {json.dumps(body_of(head, reason, delta={'content': word}))}\n\n"
        yield "data: [DONE]\n\n"
    except HTTPException as error:
        yield f"data: {error.get_response().get_data(as_text=True)}\n\n"


def envelope(kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{os.urandom(16).hex()}", "object": kind, "created": int(time.time())}


def body_of(head: dict[str, Any], reason: str | None, **said: Any) -> dict[str, Any]:
    return {**head, "model": MODEL, "choices": [{"index": 0, **said, "finish_reason": reason}]}


def wish(data: Any) -> Any:
    match data:
        case {"messages": [*_, {"content": str()}]}:
            return data
    abort(400, "messages: a list of objects with a role and a content")


@app.before_request
def strict_json() -> None:  # refuses what no answer can repeat: NaN, half a surrogate, deep nesting
    try:
        if request.method == "POST" and request.url_rule:
            if len(request.get_data()) > 1_000_000:
                abort(413)  # where Werkzeug cuts a chunked body off in silence
            text = json.dumps(request.get_json(), ensure_ascii=False, allow_nan=False)
            json.loads("[" * 50 + text.encode().decode() + "]" * 50)  # an answer nests it deeper
    except Exception as error:  # of the body, or of the server that reads it
        known = getattr(error, "code", None) in (413, 415)
        raise error if known else BadRequest("The body is not valid JSON") from None


@app.after_request
def let_no_browser_guess(response: Response) -> Response:
    response.headers["x-content-type-options"] = "nosniff"
    return response


@app.errorhandler(HTTPException)
def on_http_error(error: HTTPException) -> Response:
    return refusal(error.code or 500, error.description, headers=error.get_headers())


def refusal(status: int, message: Any, param: str | None = None, headers: Any = None) -> Response:
    error = {"message": message, "type": KINDS.get(status, "invalid_request_error")}
    whole = json.dumps({"error": {**error, "param": param, "code": None}})
    return Response(whole, status, headers, content_type="application/json")


app.add_url_rule("/docs", "docs", lambda: DOCS)
app.add_url_rule("/redoc", "redoc", lambda: REDOC)
api.register_blueprint(routes)
