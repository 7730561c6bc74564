"""The API document and its pages."""

import httpx2
import pytest


def test_documents_every_route(client: httpx2.Client) -> None:
    document = client.get("/openapi.json").json()
    assert {"/", "/echo", "/v1/chat/completions"} <= document["paths"].keys()
    assert document["paths"]["/v1/chat/completions"]["post"]["security"] == [{"HTTPBearer": []}]


def test_documents_the_shape_of_errors(client: httpx2.Client) -> None:
    document = client.get("/openapi.json").json()
    content = document["paths"]["/"]["get"]["responses"]["default"]["content"]
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorBody"}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings", "/api/chat", "/echo"])
def test_shows_a_request_that_works_as_it_stands(client: httpx2.Client, path: str) -> None:
    document = client.get("/openapi.json").json()
    body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema = document["components"]["schemas"][body["$ref"].rpartition("/")[2]]
    assert client.post(path, json=schema["examples"][0]).status_code == 200


@pytest.mark.parametrize(
    ("page", "assets"),
    [
        ("/docs", ["/docs-assets/swagger_bundle.js", "/docs-assets/swagger_style.css"]),
        ("/redoc", ["/docs-assets/redoc.js"]),
    ],
)
def test_serves_pages_from_this_machine(
    client: httpx2.Client, page: str, assets: list[str]
) -> None:
    html = client.get(page).text
    assert "https://" not in html
    for asset in assets:
        assert asset in html
        assert client.get(asset).status_code == 200


def test_serves_no_other_file(client: httpx2.Client) -> None:
    assert client.get("/docs-assets/__init__.py").status_code == 404
