"""Embeddings, by the offline model."""

import base64
import math
import struct

import httpx2
import pytest

from tests.conftest import Serve


def embed(client: httpx2.Client, **request: object) -> list[list[float]]:
    response = client.post("/v1/embeddings", json=request)
    return [item["embedding"] for item in response.json()["data"]]


def test_has_unit_length_and_is_deterministic(client: httpx2.Client) -> None:
    one, two, same = embed(client, input=["one", "two", "one"])
    assert math.isclose(math.hypot(*one), 1)
    assert one == same != two


@pytest.mark.parametrize("given", ["a text", [1, 2, 3]], ids=["text", "tokens"])
def test_takes_a_single_input(client: httpx2.Client, given: object) -> None:
    assert len(embed(client, input=given, dimensions=8)[0]) == 8


def test_packs_numbers_where_it_is_asked_to(client: httpx2.Client) -> None:
    packed = client.post("/v1/embeddings", json={"input": "one", "encoding_format": "base64"})
    numbers = struct.unpack("<64f", base64.b64decode(packed.json()["data"][0]["embedding"]))
    assert numbers == pytest.approx(embed(client, input="one")[0], abs=1e-6)


@pytest.mark.parametrize("given", ["", [], None, 3])
def test_refuses_what_is_no_text(client: httpx2.Client, given: object) -> None:
    assert client.post("/v1/embeddings", json={"input": given}).status_code == 422


def test_refuses_more_numbers_than_any_model_makes(client: httpx2.Client) -> None:
    asked = {"input": "text", "dimensions": 4097}
    assert client.post("/v1/embeddings", json=asked).status_code == 422


def test_refuses_a_model_that_is_not_allowed(serve: Serve) -> None:
    client = serve(allowed_models="one", llm_model="one")
    refused = client.post("/v1/embeddings", json={"input": "text", "model": "another"})
    error = refused.json()["error"]
    assert (refused.status_code, error["param"], error["code"]) == (400, "model", "model_not_found")
