"""The routes that need no model, and what every route has in common."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from backend.api.responses import from_error, from_status
from backend.api_keys import KeyRing, digest
from backend.errors import Unauthorized
from tests.conftest import Broken, Serve

PARTS = [{"type": "text", "text": "hello"}]
ASK = {"messages": [{"role": "user", "content": "hello", "parts": PARTS}]}
KEY, NEXT_KEY = "a-key-of-alice", "her-next-key"
JSON = {"content-type": "application/json"}
IN_PRODUCTION = {
    "app_env": "production",
    "llm_api_key": "x",
    "llm_base_url": "http://127.0.0.1:1",
    "llm_model": "m",
    "api_keys": f"alice:{digest(KEY)}",
}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_tells_its_health(client: httpx2.Client, path: str) -> None:
    assert client.get(path).json()["status"] == "ok"


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz"])
def test_answers_a_probe_with_no_body(client: httpx2.Client, path: str) -> None:
    response = client.head(path)
    assert (response.status_code, response.content) == (200, b"")


def test_greets(client: httpx2.Client) -> None:
    assert client.get("/").json()["message"].startswith("Hello from ")


@pytest.mark.parametrize("value", [{"a": [1, 2.5, None]}, [], "text", 0, None, "žluť 🚀"])
def test_echoes_any_json(client: httpx2.Client, value: object) -> None:
    response = client.post("/echo", content=json.dumps(value), headers=JSON)
    assert (response.status_code, response.json()) == (200, {"you_sent": value})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"{nope", 400, id="not JSON"),
        pytest.param(b"", 422, id="empty"),
        pytest.param(b"NaN", 400, id="NaN"),
        pytest.param(b"1e400", 422, id="infinite"),
        pytest.param(b'"\\ud800"', 400, id="half a surrogate pair"),
        pytest.param(b'"\xe9"', 400, id="not UTF-8"),
        pytest.param(b"[" * 50_000 + b"]" * 50_000, 400, id="50,000 levels deep"),
        pytest.param(b'"' + b"x" * 2_000_000 + b'"', 413, id="2 MB"),
        pytest.param(b"[" + b"[]," * 100_000 + b"1]", 413, id="100,000 values"),
    ],
)
def test_refuses_what_it_cannot_read(serve: Serve, body: bytes, status: int) -> None:
    client = serve(max_body_bytes=1_000_000)
    response = client.post("/echo", content=body, headers=JSON)
    assert response.status_code == status
    error = response.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert (error["message"] == "The body is not valid JSON") == (status == 400)


def test_says_why_it_refuses() -> None:
    answer = from_status(403, "This document belongs to somebody else")
    assert "This document belongs to somebody else" in answer.body


def test_knows_the_status_of_an_error_by_what_it_is_derived_from() -> None:
    class KeyExpired(Unauthorized):
        pass

    assert from_error(KeyExpired("The key has expired")).status == 401


def test_takes_a_long_text_however_many_commas_it_has(client: httpx2.Client) -> None:
    text = r"\"[{,'" * 200_000
    assert client.post("/echo", json=text).json() == {"you_sent": text}


def test_takes_a_photo_and_no_film(client: httpx2.Client) -> None:
    assert client.post("/echo", json="A" * 9_000_000).status_code == 200
    assert client.post("/echo", json="A" * 11_000_000).status_code == 413


def test_counts_a_body_of_unknown_length(serve: Serve) -> None:
    client = serve(max_body_bytes=1_000_000)
    body = (b"x" * 100_000 for _ in range(20))
    assert client.post("/echo", content=body, headers=JSON).status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/nowhere", 404, id="no such route"),
        pytest.param("GET", "/echo", 405, id="wrong method"),
        pytest.param("POST", "/echo/", 404, id="a slash too many"),
        pytest.param("POST", "/echo", 415, id="no content type"),
    ],
)
def test_errors_have_one_shape(client: httpx2.Client, method: str, path: str, status: int) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    assert response.json()["error"].keys() == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "json"]
)
def test_says_which_header_to_add(client: httpx2.Client, kind: str) -> None:
    refused = client.post("/v1/chat/completions", content="{}", headers={"content-type": kind})
    assert refused.status_code == 415
    assert "Content-Type: application/json" in refused.json()["error"]["message"]


@pytest.mark.parametrize("kind", ["application/vnd.x+json", "Application/JSON; charset=utf-8"])
def test_reads_json_by_any_of_its_names(client: httpx2.Client, kind: str) -> None:
    response = client.post("/echo", content="1", headers={"content-type": kind})
    assert response.json() == {"you_sent": 1}


@pytest.mark.parametrize("path", ["/v1/completions", "/v1", "/v1/"])
def test_says_what_there_is_where_a_path_is_unknown(client: httpx2.Client, path: str) -> None:
    refused = client.post(path)
    assert refused.status_code == 404
    assert "/v1/chat/completions" in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        pytest.param("/healthz", {"cookie": "x" * 9000}, 200, id="a cookie of 9 kB"),
        pytest.param("/healthz", {"cookie": "x" * 64_001}, 431, id="a cookie of 64 kB"),
        pytest.param("/healthz", {f"x-{n}": "x" * 800 for n in range(80)}, 431, id="many headers"),
        pytest.param(f"/healthz?{'x' * 8000}", {}, 414, id="a query of 8 kB"),
    ],
)
def test_bounds_the_head(
    client: httpx2.Client, path: str, headers: dict[str, str], status: int
) -> None:
    try:
        response = client.get(path, headers=headers)
    except httpx2.TransportError:  # closed while it was still sending
        assert status == 431
        return
    assert response.status_code == status
    if status != 200:
        assert response.json()["error"]["type"] == "invalid_request_error"


def test_nobody_guesses_what_an_answer_is(client: httpx2.Client) -> None:
    for path in ("/healthz", "/nowhere"):
        assert client.get(path).headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "body", [b"{nope", b"x" * 2_000_000, b"[" * 100_000], ids=["no JSON", "2 MB", "deep"]
)
@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/api/chat", "/echo"]
)
def test_asks_for_the_key_before_it_reads_the_body(serve: Serve, path: str, body: bytes) -> None:
    client = serve(**IN_PRODUCTION, max_body_bytes=1_000_000)
    assert client.post(path, content=body).status_code == 401


def test_the_examples_are_for_clients_in_production(serve: Serve) -> None:
    client = serve(**IN_PRODUCTION, requests_per_minute=2)
    assert client.get("/").status_code == 401
    client.headers["authorization"] = f"Bearer {KEY}"
    codes = [client.get("/").status_code, client.post("/echo", json=1).status_code]
    assert [*codes, client.post("/echo", json=1).status_code] == [200, 200, 429]


@pytest.mark.parametrize(
    ("given", "kept"), [("trace-7", True), ("two words", False), ("x" * 65, False)]
)
def test_answers_with_the_request_id(client: httpx2.Client, given: str, kept: bool) -> None:
    answered = client.get("/healthz", headers={"x-request-id": given}).headers["x-request-id"]
    assert (answered == given) == kept


def test_no_two_requests_have_the_same_id(client: httpx2.Client) -> None:
    assert len({client.get("/healthz").headers["x-request-id"] for _ in range(3)}) == 3


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        pytest.param(f"Bearer {KEY}", 200, id="a known key"),
        pytest.param(f"Bearer {NEXT_KEY}", 200, id="another key of the same client"),
        pytest.param(f"bearer {KEY}", 200, id="the scheme in lower case"),
        pytest.param(f"Bearer {digest(KEY)}", 401, id="the digest"),
        pytest.param("Bearer another", 401, id="an unknown key"),
        pytest.param(f"Basic {KEY}", 401, id="another scheme"),
        pytest.param(None, 401, id="no key"),
    ],
)
@pytest.mark.parametrize(
    "path",
    [
        "/v1/models",
        "/v1/models/offline-echo",
        "/v1/chat/completions",
        "/v1/embeddings",
        "/api/chat",
    ],
)
def test_lets_only_known_keys_in(
    serve: Serve, path: str, authorization: str | None, status: int
) -> None:
    keys = {"bob": "a-key-of-bob", "alice": KEY}
    entries = [f"{client}:{digest(key)}" for client, key in keys.items()]
    client = serve(api_keys=",".join([*entries, f"alice:{digest(NEXT_KEY)}"]))
    headers = {"authorization": authorization} if authorization else {}
    body = None if path.startswith("/v1/models") else {**ASK, "input": "hello"}
    response = client.request("POST" if body else "GET", path, json=body, headers=headers)
    assert response.status_code == status
    assert (response.headers.get("www-authenticate") == "Bearer") == (status == 401)
    if status == 401:
        error = response.json()["error"]
        assert (error["type"], error["code"]) == ("authentication_error", "invalid_api_key")


def test_a_digest_is_sha256() -> None:
    assert digest("abc") == hashlib.sha256(b"abc").hexdigest()


def test_compares_with_every_key_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    def compare(given: str, known: str) -> bool:
        compared.append(known)
        return given == known

    monkeypatch.setattr("hmac.compare_digest", compare)
    digests = [digest(key) for key in ("one", "two", "three")]
    ring = KeyRing(f"{number}:{known}" for number, known in enumerate(digests))
    assert (ring.owner("Bearer one"), compared) == ("0", digests)


def test_makes_a_key(serve: Serve) -> None:
    command = [sys.executable, "-m", "backend.api_keys", "alice"]
    root = Path(__file__).parents[1]
    said = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout  # noqa: S603
    key, entry = [line.split()[-1] for line in said.splitlines()]
    headers = {"authorization": f"Bearer {key}"}
    assert serve(api_keys=entry).get("/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("origins", "allowed"),
    [
        pytest.param("https://app.example", "https://app.example", id="its own"),
        pytest.param("https://other.example", None, id="another"),
        pytest.param("*", "*", id="any"),
        pytest.param("", None, id="none"),
    ],
)
def test_lets_only_known_pages_ask(serve: Serve, origins: str, allowed: str | None) -> None:
    client = serve(cors_origins=origins)
    wish = {"origin": "https://app.example", "access-control-request-method": "POST"}
    for response in (
        client.options("/v1/chat/completions", headers=wish),
        client.get("/healthz", headers=wish),
    ):
        assert response.headers.get("access-control-allow-origin") == allowed
        assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize("status", [200, 500])
def test_lets_a_known_page_read_what_became_of_its_request(serve: Serve, status: int) -> None:
    client = serve(provider=Broken() if status == 500 else None, cors_origins="https://app.example")
    headers = {"origin": "https://app.example"}
    response = client.post("/v1/chat/completions", json=ASK, headers=headers)
    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == "https://app.example"
    exposed = response.headers["access-control-expose-headers"].lower()
    assert {"x-request-id", "retry-after", "x-dropped-fields"} <= set(exposed.split(", "))


def test_lets_a_known_page_send_its_key(serve: Serve) -> None:
    wish = {
        "origin": "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    client = serve(cors_origins="https://app.example")
    allowed = client.options("/v1/chat/completions", headers=wish).headers
    assert "POST" in allowed["access-control-allow-methods"]
    for name in ("authorization", "content-type"):
        assert name in allowed["access-control-allow-headers"].lower()
