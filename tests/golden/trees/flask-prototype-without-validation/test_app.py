import json
from typing import Any

import httpx2
import openai
import pytest

import app as main

ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "one two"}]}
CHAT = "/v1/chat/completions"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> httpx2.Client:
    """A client of the application, with the offline model whatever the environment says."""
    monkeypatch.setattr(main, "client", None)
    transport = httpx2.WSGITransport(app=main.app)
    return httpx2.Client(transport=transport, base_url="http://test")


def use_upstream(monkeypatch: pytest.MonkeyPatch, answer: httpx2.Response) -> None:
    network = httpx2.Client(transport=httpx2.MockTransport(lambda _: answer))
    upstream = openai.OpenAI(api_key="test", http_client=network, max_retries=0)
    monkeypatch.setattr(main, "client", upstream)


def test_greets(client: httpx2.Client) -> None:
    assert client.get("/").json()["message"].startswith("Hello from ")


def test_is_healthy(client: httpx2.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize("path", ["/", "/healthz"])
def test_answers_a_probe(client: httpx2.Client, path: str) -> None:
    assert client.head(path).status_code == 200


@pytest.mark.parametrize("value", [{"a": [1, None]}, [], "text"])
def test_echoes(client: httpx2.Client, value: object) -> None:
    assert client.post("/echo", json=value).json() == {"you_sent": value}


def test_answers(client: httpx2.Client) -> None:
    answer = client.post(CHAT, json=ASK).json()
    assert answer["choices"][0]["message"]["content"].strip() == "You said: one two"


def test_streams_the_same_answer(client: httpx2.Client) -> None:
    *chunks, last = events(client.post(CHAT, json={**ASK, "stream": True}))
    deltas = [json.loads(chunk)["choices"][0]["delta"] for chunk in chunks]
    assert "".join(delta.get("content", "") for delta in deltas).strip() == "You said: one two"
    assert last == "[DONE]"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({}, 400, id="no messages"),
        pytest.param({"messages": []}, 400, id="an empty list"),
        pytest.param({"messages": ["hi"]}, 400, id="a message that is none"),
    ],
)
def test_refuses_what_is_no_chat(client: httpx2.Client, body: object, status: int) -> None:
    response = client.post(CHAT, json=body)
    assert response.status_code == status
    assert "messages" in response.json()["error"]["message"]


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/echo", 405)])
def test_errors_have_one_shape(client: httpx2.Client, path: str, status: int) -> None:
    response = client.get(path)
    assert response.status_code == status
    assert response.json()["error"].keys() == {"message", "type", "param", "code"}


def test_passes_on_what_the_model_says(
    client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}]}
    said = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n"
    sse = {"content-type": "text/event-stream"}
    use_upstream(monkeypatch, httpx2.Response(200, text=said, headers=sse))
    assert client.post(CHAT, json=ASK).json()["choices"][0]["message"]["content"] == "Hi"


@pytest.mark.parametrize("stream", [True, False])
def test_tells_when_the_model_fails(
    client: httpx2.Client, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    use_upstream(monkeypatch, httpx2.Response(500))
    response = client.post(CHAT, json={**ASK, "stream": stream})
    assert "The model failed" in response.text
    assert "[DONE]" not in response.text


def events(response: httpx2.Response) -> list[str]:
    return [line.removeprefix("data: ") for line in response.text.splitlines() if line]
