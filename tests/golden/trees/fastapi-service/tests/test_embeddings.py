"""Embeddings, by the offline model."""

import base64
import json
import math
import struct
from typing import Any

import httpx2
import pytest

from tests.conftest import Serve


def embed(client: httpx2.Client, **request: object) -> list[list[float]]:
    response = client.post("/v1/embeddings", json=request)
    return [item["embedding"] for item in response.json()["data"]]


def dot(one: list[float], other: list[float]) -> float:
    return math.fsum(a * b for a, b in zip(one, other, strict=True))


def test_has_unit_length_and_is_deterministic(client: httpx2.Client) -> None:
    one, two, same = embed(client, input=["one", "two", "one"])
    assert math.isclose(math.hypot(*one), 1)
    assert one == same != two


@pytest.mark.parametrize(
    ("asked", "near", "far"),
    [
        pytest.param("How do I cancel?", "Cancelling an order", "Our opening hours", id="a word"),
        pytest.param("Wo ist mein Paket?", "Pakete verfolgen", "Rechnung bezahlen", id="German"),
        pytest.param("вернуть товар", "возврат товаров", "часы работы", id="Cyrillic"),
    ],
)
def test_puts_texts_that_share_words_near(
    client: httpx2.Client, asked: str, near: str, far: str
) -> None:
    question, one, another = embed(client, input=[asked, near, far])
    assert dot(question, one) > dot(question, another) + 0.1


@pytest.mark.parametrize("text", [" ", "!?", "🚀", "a", "ab ba"])
@pytest.mark.parametrize("dimensions", [1, 2, 256, None])
def test_every_text_has_a_direction(
    client: httpx2.Client, text: str, dimensions: int | None
) -> None:
    [vector] = embed(client, input=text, dimensions=dimensions)
    assert len(vector) == (dimensions or 256)
    assert math.isclose(math.hypot(*vector), 1)


@pytest.mark.parametrize("given", ["a text", [1, 2, 3]], ids=["text", "tokens"])
def test_takes_a_single_input(client: httpx2.Client, given: object) -> None:
    assert len(embed(client, input=given, dimensions=8)[0]) == 8


def test_packs_numbers_where_it_is_asked_to(client: httpx2.Client) -> None:
    packed = client.post("/v1/embeddings", json={"input": "one", "encoding_format": "base64"})
    numbers = struct.unpack("<256f", base64.b64decode(packed.json()["data"][0]["embedding"]))
    assert numbers == pytest.approx(embed(client, input="one")[0], abs=1e-6)


@pytest.mark.parametrize("given", ["", [], None, 3])
def test_refuses_what_is_no_text(client: httpx2.Client, given: object) -> None:
    refused = client.post("/v1/embeddings", json={"input": given})
    assert (refused.status_code, refused.json()["error"]["param"]) == (422, "input")


def test_refuses_more_numbers_than_any_model_makes(client: httpx2.Client) -> None:
    asked = {"input": "text", "dimensions": 4097}
    assert client.post("/v1/embeddings", json=asked).status_code == 422


def test_refuses_to_make_more_numbers_than_anybody_reads(client: httpx2.Client) -> None:
    for asked in ({"input": ["a"] * 1000, "dimensions": 4096}, {"input": "a" * 1_000_001}):
        assert client.post("/v1/embeddings", json=asked).status_code == 400


@pytest.mark.parametrize("asked", [{}, {"model": None}], ids=["no model", "null"])
def test_asks_for_the_configured_model(serve: Serve, asked: dict[str, None]) -> None:
    sent: list[Any] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(json.loads(request.content)["model"])
        return httpx2.Response(200, json={"object": "list", "data": []})

    client = serve(answer=answer, llm_model="a-chat-model", embedding_model="an-embedding-model")
    assert client.post("/v1/embeddings", json={"input": "text", **asked}).status_code == 200
    assert sent == ["an-embedding-model"]


def test_says_that_there_is_no_model_for_it(serve: Serve) -> None:
    settings = {"llm_base_url": "https://upstream.example/v1", "llm_model": "a-chat-model"}
    client = serve(llm_api_key="a-key", embedding_model="", **settings)
    refused = client.post("/v1/embeddings", json={"input": "text"})
    error = refused.json()["error"]
    assert (refused.status_code, error["param"]) == (400, "model")
    assert "embedding model" in error["message"]


def test_refuses_a_model_that_is_not_allowed(serve: Serve) -> None:
    client = serve(allowed_models="one", llm_model="one")
    refused = client.post("/v1/embeddings", json={"input": "text", "model": "another"})
    error = refused.json()["error"]
    assert (refused.status_code, error["param"], error["code"]) == (400, "model", "model_not_found")
