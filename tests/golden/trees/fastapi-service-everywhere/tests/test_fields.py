"""Which fields of a request reach the model."""

import json
from typing import Any

import httpx2
import pytest
from openai.types.chat import completion_create_params
from openai.types.embedding_create_params import EmbeddingCreateParams

from backend.gateway import fields
from tests.conftest import Serve

ASK = {"messages": [{"role": "user", "content": "hello"}], "input": "hello"}
BEYOND = {"Model": "large", "Max_Tokens": 9000, "max_output_tokens": 9000, "api_base": "x"}


def test_openai_documents_these_fields_and_no_others() -> None:
    chat = (
        completion_create_params.CompletionCreateParamsStreaming,
        completion_create_params.CompletionCreateParamsNonStreaming,
    )
    assert set().union(*map(keys, chat)) == fields.CHAT
    assert keys(EmbeddingCreateParams) == fields.EMBEDDINGS


def keys(kind: Any) -> set[str]:
    return {*kind.__required_keys__, *kind.__optional_keys__}


@pytest.fixture
def sent() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def client(
    serve: Serve, sent: list[dict[str, Any]], request: pytest.FixtureRequest
) -> httpx2.Client:
    def answer(asked: httpx2.Request) -> httpx2.Response:
        sent.append(json.loads(asked.content))
        return httpx2.Response(200, json={"choices": [], "data": []})

    small = {"allowed_models": "small", "llm_model": "small", "embedding_model": "small"}
    return serve(answer=answer, **small, **getattr(request, "param", {}))


@pytest.mark.parametrize("path", ["chat/completions", "embeddings"])
def test_drops_what_openai_does_not_document_and_says_so(
    client: httpx2.Client, sent: list[dict[str, Any]], path: str
) -> None:
    response = client.post(f"/v1/{path}", json={**ASK, "user": "u", **BEYOND})
    assert response.status_code == 200
    named = set(response.headers["x-dropped-fields"].split(", "))
    assert named == {*BEYOND, "input" if path.startswith("chat") else "messages"}
    assert sent[0]["user"] == "u"
    assert not named & sent[0].keys()


def test_says_nothing_where_nothing_is_dropped(client: httpx2.Client) -> None:
    response = client.post("/v1/embeddings", json={"input": "hello"})
    assert "x-dropped-fields" not in response.headers


def test_names_no_text_and_not_too_many(client: httpx2.Client) -> None:
    names = ["two words", "é\r\nx: y", "x" * 65, *(f"a{n:02}" for n in range(30))]
    response = client.post("/v1/embeddings", json={"input": "x", **dict.fromkeys(names, 1)})
    named = response.headers["x-dropped-fields"]
    assert named == ", ".join([*(f"a{n:02}" for n in range(20)), "and 13 more"])


@pytest.mark.parametrize("client", [{"pass_on": "top_k,models,fallbacks,route"}], indirect=True)
@pytest.mark.parametrize(
    ("given", "status"),
    [
        pytest.param({"top_k": 5}, 200, id="no model"),
        pytest.param({"models": ["small"]}, 200, id="one that is allowed"),
        pytest.param({"models": ["small", "large"]}, 400, id="another"),
        pytest.param({"models": "large"}, 400, id="as a text"),
        pytest.param({"fallbacks": [{"Model": "large"}]}, 400, id="deeper"),
        pytest.param({"route": {"models": ["large"]}}, 400, id="elsewhere"),
    ],
)
def test_what_is_passed_on_names_no_other_model(
    client: httpx2.Client, sent: list[dict[str, Any]], given: dict[str, object], status: int
) -> None:
    response = client.post("/v1/chat/completions", json={"messages": ASK["messages"], **given})
    assert response.status_code == status
    assert [body.items() >= given.items() for body in sent] == [True] * (status == 200)
