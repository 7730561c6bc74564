"""With no key and no service, a project answers every route through the offline model."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

from e2e.projects import PROTOTYPES, SERVICES, Project
from e2e.servers import Server, serving

pytestmark = pytest.mark.slow

CHAT = "/v1/chat/completions"
EXAMPLES, OPERATIONS = {"/", "/echo"}, {"/healthz", "/readyz"}
MODEL = {"/v1/models", "/v1/models/{name}", CHAT, "/v1/embeddings", "/v1/responses", "/api/chat"}
DOCUMENTED = EXAMPLES | OPERATIONS | MODEL | {"/summaries", "/v1/usage"}
DOCS = ["/docs", "/redoc", "/openapi.json"]
ASSETS = ["swagger_bundle.js", "swagger_style.css", "redoc.js"]
WITH_DOCS = ["fastapi", "flask"]
WITHOUT_DOCS = [
    "fastapi-no-docs",
    "flask-threads-no-docs",
    "fastapi-prototype-plain",
    "flask-prototype-plain",
]

CANARY = "xylophone-quartz"
ASK: list[ChatCompletionMessageParam] = [{"role": "user", "content": f"Say {CANARY}"}]
SAID = f"You said: Say {CANARY}"
TOOL: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
INVOICE: dict[str, object] = {
    "type": "object",
    "properties": {"total": {"type": "number"}},
    "required": ["total"],
}


def openai_client(server: Server) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none is needed", max_retries=0)


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, project: Callable[[str], Project]) -> Iterator[Server]:
    with serving(project(request.param)) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url) as client:
        yield client


everywhere = pytest.mark.parametrize("server", [*SERVICES, *PROTOTYPES], indirect=True)
services = pytest.mark.parametrize("server", SERVICES, indirect=True)
with_docs = pytest.mark.parametrize("server", WITH_DOCS, indirect=True)


@everywhere
def test_greets_and_echoes(client: httpx2.Client) -> None:
    assert client.get("/").json()["message"] in {"Hello from FastAPI!", "Hello from Flask!"}
    value = {"a": [1, 2.5, None, "žluť 🚀"]}
    assert client.post("/echo", json=value).json() == {"you_sent": value}
    assert client.get("/healthz").json() == {"status": "ok"}


@services
def test_is_ready_and_lists_its_model(server: Server, client: httpx2.Client) -> None:
    assert client.get("/readyz").json() == {"status": "ok", "lost": []}
    models = openai_client(server).models
    assert [model.id for model in models.list()] == ["offline-echo"]
    assert models.retrieve("offline-echo").id == "offline-echo"
    with pytest.raises(openai.NotFoundError):
        models.retrieve("maker/unknown")


@everywhere
def test_chats(server: Server) -> None:
    answer = openai_client(server).chat.completions.create(model="any", messages=ASK)
    assert answer.choices[0].message.content is not None
    assert answer.choices[0].message.content.strip() == SAID
    assert answer.choices[0].finish_reason == "stop"


@everywhere
def test_streams(server: Server) -> None:
    with openai_client(server).chat.completions.create(
        model="any", messages=ASK, stream=True
    ) as chunks:
        choices = [choice for chunk in chunks for choice in chunk.choices]
    assert "".join(choice.delta.content or "" for choice in choices).strip() == SAID
    assert [choice.finish_reason for choice in choices[-2:]] == [None, "stop"]


@services
def test_streams_usage(server: Server) -> None:
    with openai_client(server).chat.completions.create(
        model="any", messages=ASK, stream=True, stream_options={"include_usage": True}
    ) as chunks:
        *_, last = chunks
    assert last.usage is not None
    assert last.usage.total_tokens > 0


@services
def test_calls_tools(server: Server) -> None:
    answer = openai_client(server).chat.completions.create(model="any", messages=ASK, tools=[TOOL])
    assert answer.choices[0].finish_reason == "tool_calls"
    [call] = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "weather"
    assert set(json.loads(call.function.arguments)) == {"city"}


@services
def test_fills_in_a_schema(server: Server) -> None:
    answer = openai_client(server).chat.completions.create(
        model="any",
        messages=ASK,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "invoice", "strict": True, "schema": INVOICE},
        },
    )
    assert set(json.loads(answer.choices[0].message.content or "")) == {"total"}


@services
def test_turns_texts_into_vectors(server: Server) -> None:
    texts = ["one", "two", "one"]
    vectors = [
        embedding.embedding
        for embedding in openai_client(server).embeddings.create(model="any", input=texts).data
    ]
    assert len(vectors[0]) > 1
    assert vectors[0] == vectors[2] != vectors[1]


@services
def test_streams_to_a_user_interface(client: httpx2.Client) -> None:
    message = {"id": "1", "role": "user", "parts": [{"type": "text", "text": f"Say {CANARY}"}]}
    response = client.post("/api/chat", json={"id": "1", "messages": [message]})
    assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
    *parts, last = [line.removeprefix("data: ") for line in response.text.splitlines() if line]
    said = "".join(part.get("delta", "") for part in map(json.loads, parts))
    assert (said, last) == (SAID, "[DONE]")


@everywhere
@pytest.mark.parametrize("path", ["/", "/healthz"])
def test_answers_a_probe_with_no_body(client: httpx2.Client, path: str) -> None:
    response = client.head(path)
    assert (response.status_code, response.content) == (200, b"")


@services
def test_refuses_in_words_that_the_client_knows(server: Server) -> None:
    wrong: Any = [{"role": "king", "content": CANARY}]
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        openai_client(server).chat.completions.create(model="any", messages=wrong)
    assert refused.value.param == "messages.0.role"
    assert CANARY not in refused.value.response.text


@with_docs
def test_documents_every_route(client: httpx2.Client) -> None:
    assert set(client.get("/openapi.json").json()["paths"]) == DOCUMENTED


@with_docs
@pytest.mark.parametrize("asset", ASSETS)
def test_serves_the_files_of_its_docs(client: httpx2.Client, asset: str) -> None:
    pages = client.get("/docs").text + client.get("/redoc").text
    response = client.get(f"/docs-assets/{asset}")
    assert f'"/docs-assets/{asset}"' in pages
    assert "http://" not in pages
    assert "https://" not in pages
    assert response.status_code == 200
    assert len(response.content) > 10_000
    kind = "text/css" if asset.endswith(".css") else "javascript"
    assert kind in response.headers["content-type"]


@pytest.mark.parametrize("server", PROTOTYPES, indirect=True)
@pytest.mark.parametrize("path", DOCS)
def test_a_prototype_has_its_frameworks_docs(client: httpx2.Client, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("server", PROTOTYPES, indirect=True)
def test_a_prototype_documents_nothing_that_it_has_not(client: httpx2.Client) -> None:
    """Nor the shape of an error that its framework would answer, and it does not."""
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert not schemas.keys() & {"PaginationMetadata", "HTTPValidationError", "Error"}


@pytest.mark.parametrize("server", WITHOUT_DOCS, indirect=True)
@pytest.mark.parametrize("path", [*DOCS, "/docs-assets/redoc.js"])
def test_has_no_docs_where_none_are_wanted(client: httpx2.Client, path: str) -> None:
    assert client.get(path).status_code == 404


@services
def test_never_logs_what_was_said(server: Server, client: httpx2.Client) -> None:
    cut = client.post("/echo", content=f'{{"{CANARY}', headers={"content-type": "application/json"})
    assert cut.status_code == 400
    client.post(CHAT, json={"messages": ASK})
    client.post(CHAT, json={"messages": ASK, "stream": True})
    log = server.log.read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert CHAT in {line.get("path") for line in lines}
    assert CANARY not in log
