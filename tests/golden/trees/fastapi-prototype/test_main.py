import json
import re
import runpy
from typing import Any

import httpx2
import openai
import pytest
from fastapi.testclient import TestClient

import main

ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "one two"}]}
CHAT = "/v1/chat/completions"
SSE = {"content-type": "text/event-stream"}
CUT_OFF = 'data: {"choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n'
HALVES = "".join(CUT_OFF.replace("Hi", half) for half in (r"\ud83d", r"\ude80"))
SPOKEN_OF = '{"error": {"message": "Refused: one two"}}'


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """A client of the application, with the offline model whatever the environment says."""
    monkeypatch.setattr(main, "client", None)
    return TestClient(main.app)


def use_upstream(monkeypatch: pytest.MonkeyPatch, answer: httpx2.Response) -> None:
    network = httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: answer))
    upstream = openai.AsyncOpenAI(api_key="test", http_client=network, max_retries=0)
    monkeypatch.setattr(main, "client", upstream)


def test_a_bug_is_an_error_of_the_same_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "answer", None)
    client = TestClient(main.app, raise_server_exceptions=False)
    response = client.post(CHAT, json=ASK)
    assert response.status_code == 500
    assert response.json()["error"]["message"] == "Internal Server Error"


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
    assert answer["choices"][0]["message"]["content"] == "You said: one two"


def test_streams_the_same_answer(client: httpx2.Client) -> None:
    *chunks, last = events(client.post(CHAT, json={**ASK, "stream": True}))
    deltas = [json.loads(chunk)["choices"][0]["delta"] for chunk in chunks]
    assert "".join(delta.get("content", "") for delta in deltas) == "You said: one two"
    assert last == "[DONE]"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({}, 422, id="no messages"),
        pytest.param({"messages": []}, 422, id="an empty list"),
        pytest.param({"messages": ["hi"]}, 422, id="a message that is none"),
    ],
)
def test_refuses_what_is_no_chat(client: httpx2.Client, body: object, status: int) -> None:
    response = client.post(CHAT, json=body)
    assert response.status_code == status
    assert "messages" in response.json()["error"]["message"]


@pytest.mark.parametrize("stream", [1, 1.0, "true", [], {}])
def test_takes_only_true_for_true(client: httpx2.Client, stream: object) -> None:
    response = client.post(CHAT, json={**ASK, "stream": stream})
    assert (response.status_code, response.json()["error"]["param"]) == (422, "stream")


@pytest.mark.parametrize("stream", [False, None])
def test_does_not_stream_where_nobody_asks(client: httpx2.Client, stream: object) -> None:
    response = client.post(CHAT, json={**ASK, "stream": stream})
    assert response.json()["object"] == "chat.completion"


def test_refuses_what_is_no_object(client: httpx2.Client) -> None:
    response = client.post(CHAT, json=5)
    assert response.status_code == 422
    assert response.json()["error"]["message"][0].isalpha()


@pytest.mark.parametrize("path", ["/echo", CHAT])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(r'"\ud800"', id="half a surrogate pair"),
        pytest.param("NaN", id="no number"),
        pytest.param("1e999", id="an infinite number"),
        pytest.param("[" * 100_000 + "]" * 100_000, id="many levels"),
        pytest.param('"', id="no JSON"),
    ],
)
def test_refuses_what_no_answer_can_repeat(client: httpx2.Client, path: str, value: str) -> None:
    body = json.dumps(ASK).replace('"one two"', value)
    response = client.post(path, content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert response.json()["error"].keys() == {"message", "type", "param", "code"}


@pytest.mark.parametrize("path", ["/echo", CHAT])
def test_says_which_content_type_it_reads(client: httpx2.Client, path: str) -> None:
    response = client.post(path, content=json.dumps(ASK))
    assert response.status_code == 415
    assert "application/json" in response.json()["error"]["message"]


@pytest.mark.parametrize("kind", ["Application/JSON; charset=utf-8", "application/vnd.api+json"])
def test_reads_any_json(client: httpx2.Client, kind: str) -> None:
    assert client.post("/echo", content="7", headers={"content-type": kind}).json()["you_sent"] == 7


@pytest.mark.parametrize("levels", [100, 300, *range(900, 1_000, 4), 3_000])
def test_repeats_or_refuses_nesting(client: httpx2.Client, levels: int) -> None:
    body = "[" * levels + "]" * levels
    response = client.post("/echo", content=body, headers={"content-type": "application/json"})
    assert response.status_code in {200, 400}


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/echo", 405)])
def test_errors_have_one_shape(client: httpx2.Client, path: str, status: int) -> None:
    response = client.get(path)
    assert response.status_code == status
    assert response.json()["error"].keys() == {"message", "type", "param", "code"}


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
def test_passes_on_what_the_model_says(
    client: httpx2.Client, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    use_upstream(monkeypatch, upstream_stream(reason))
    [choice] = client.post(CHAT, json=ASK).json()["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Hi", reason)


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
def test_streams_why_the_model_stopped(
    client: httpx2.Client, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    use_upstream(monkeypatch, upstream_stream(reason))
    *chunks, _ = events(client.post(CHAT, json={**ASK, "stream": True}))
    reasons = [json.loads(chunk)["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None, reason]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("status", "told", "answered"),
    [
        pytest.param(401, "own API key", 502, id="a wrong key"),
        pytest.param(402, "spent its quota", 502, id="a spent quota"),
        pytest.param(429, "busy", 429, id="too many requests"),
        pytest.param(500, "The model failed", 502, id="a failure"),
        pytest.param(307, "The model failed", 502, id="a way to another host"),
    ],
)
def test_tells_and_logs_what_the_model_refuses(
    client: httpx2.Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    stream: bool,
    status: int,
    told: str,
    answered: int,
) -> None:
    headers = {"location": "http://elsewhere.test", "retry-after": "100"}
    use_upstream(monkeypatch, httpx2.Response(status, text=SPOKEN_OF, headers=headers))
    response = client.post(CHAT, json={**ASK, "stream": stream})
    assert response.status_code == answered
    assert told in response.json()["error"]["message"]
    assert f"status {status}" in caplog.text
    assert "one two" not in caplog.text


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("sent", "passed_on"),
    [
        pytest.param("20", "20", id="seconds"),
        pytest.param("Thu, 01 Jan 2037 00:00:00 GMT", "Thu, 01 Jan 2037 00:00:00 GMT", id="a date"),
        pytest.param("\u017elut\xfd", None, id="what no header takes"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_passes_on_when_a_busy_model_can_be_asked_again(
    client: httpx2.Client,
    monkeypatch: pytest.MonkeyPatch,
    stream: bool,
    sent: str | None,
    passed_on: str | None,
) -> None:
    headers = [(b"retry-after", sent.encode())] if sent else []
    use_upstream(monkeypatch, httpx2.Response(429, headers=headers))
    response = client.post(CHAT, json={**ASK, "stream": stream})
    assert (response.status_code, response.headers.get("retry-after")) == (429, passed_on)
    assert response.json()["error"]["type"] == "rate_limit_error"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("text", "logged"),
    [
        pytest.param(f"data: {SPOKEN_OF}\n\n", "RuntimeError", id="an error midway"),
        pytest.param("data: one two\n\n", "JSONDecodeError", id="a malformed chunk"),
        pytest.param(CUT_OFF, "EOFError", id="an answer that was cut off"),
        pytest.param("", "EOFError", id="nothing"),
    ],
)
def test_tells_and_logs_when_the_model_fails_midway(
    client: httpx2.Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    stream: bool,
    text: str,
    logged: str,
) -> None:
    use_upstream(monkeypatch, httpx2.Response(200, text=text, headers=SSE))
    response = client.post(CHAT, json={**ASK, "stream": stream})
    assert response.status_code == (200 if stream else 502)
    assert "The model failed" in response.text
    assert "[DONE]" not in response.text
    assert logged in caplog.text
    assert "one two" not in caplog.text


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(CUT_OFF + "data: [DONE]\n\n", "Hi", id="no reason, but its end"),
        pytest.param(HALVES + "data: [DONE]\n\n", "\U0001f680", id="halves of a pair"),
    ],
)
def test_answers_as_the_model_does(
    client: httpx2.Client, monkeypatch: pytest.MonkeyPatch, stream: bool, text: str, said: str
) -> None:
    use_upstream(monkeypatch, httpx2.Response(200, text=text, headers=SSE))
    response = client.post(CHAT, json={**ASK, "stream": stream})
    if stream:
        deltas = [json.loads(each)["choices"][0]["delta"] for each in events(response)[:-1]]
        pieces = "".join(delta["content"] for delta in deltas)
    else:
        pieces = response.json()["choices"][0]["message"]["content"]
    assert pieces.encode("utf-16", "surrogatepass").decode("utf-16") == said


@pytest.mark.parametrize("path", ["/", "/echo", "/nowhere"])
def test_lets_no_browser_guess(client: httpx2.Client, path: str) -> None:
    assert client.get(path).headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("proxy", ["not a url", "http://", "socks5://proxy:1080", "proxy:99999"])
def test_a_proxy_that_cannot_be_used_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], proxy: str
) -> None:
    monkeypatch.setenv("LLM_API_KEY", "test")
    monkeypatch.setenv("LLM_MODEL", "test")
    monkeypatch.setenv("LLM_BASE_URL", "http://model.test/v1")
    monkeypatch.setenv("all_proxy", proxy)
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("main")
    assert f"{stop.value}{capsys.readouterr().err}".count("settings: ALL_PROXY: ") == 1


@pytest.mark.parametrize("port", ["0", "65536", "99999", "many"])
def test_a_port_that_there_cannot_be_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], port: str
) -> None:
    monkeypatch.setenv("LLM_API_KEY", "test")
    monkeypatch.setenv("LLM_MODEL", "test")
    monkeypatch.setenv("LLM_BASE_URL", f"http://model.test:{port}/v1")
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("main")
    assert f"{stop.value}{capsys.readouterr().err}".count("settings: LLM_BASE_URL") == 1


def test_refuses_a_large_body(client: httpx2.Client) -> None:
    response = client.post("/echo", json="x" * 1_000_000)
    assert response.status_code == 413
    assert response.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("path", ["/healthz/", "/echo/"])
def test_a_slash_too_many_leads_nowhere(client: httpx2.Client, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_its_pages_need_no_other_host(client: httpx2.Client, page: str) -> None:
    text = client.get(page).text
    assert "://" not in text
    paths = re.findall('(?:src|href)="(/[^"]+)"', text)
    assert paths
    assert {client.get(path).status_code for path in paths} == {200}


@pytest.mark.parametrize("path", ["/echo", CHAT])
def test_the_example_of_the_document_is_answered(client: httpx2.Client, path: str) -> None:
    taken = client.get("/openapi.json").json()["paths"][path]["post"]["requestBody"]["content"]
    body = taken["application/json"]["examples"]["hello"]["value"]
    assert client.post(path, json=body).status_code == 200


def test_the_document_begins_with_the_chat(client: httpx2.Client) -> None:
    assert next(iter(client.get("/openapi.json").json()["paths"])) == CHAT


def upstream_stream(reason: str) -> httpx2.Response:
    """A model's answer of one word, and why it stopped."""
    chunk = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": reason}]}
    return httpx2.Response(200, text=f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n", headers=SSE)


def events(response: httpx2.Response) -> list[str]:
    return [line.removeprefix("data: ") for line in response.text.splitlines() if line]
