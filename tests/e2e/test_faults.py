"""An upstream that fails: what its client's client sees, and what the upstream thinks of us."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, NamedTuple

import httpx2
import pytest

from e2e.llmock import Behavior, Llmock, running_llmock
from e2e.machine import Machine
from e2e.projects import Project
from e2e.servers import Server, serving

pytestmark = pytest.mark.slow

CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "Say hello to the world"}]}
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
TIMEOUT_SECONDS = "1"
PATIENCE = 15  # seconds to wait for what has to happen
STREAM_BEGINS = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    b'data: {"choices": [{"index": 0, "delta": {"content": "Well"}, "finish_reason": null}]}\n\n'
)
ATTEMPTS = 3  # the first, and two more
BUSY = {"type": "fail", "status": 429, "retry_after": 0.4}
SILENT = {"type": "delay", "seconds": 2}


def failing(status: int, times: int = 1) -> Behavior:
    return {"type": "fail", "status": status, "times": times}


def broken(kind: str) -> Behavior:
    return {"type": "stream_fault", "kind": kind, "after_chunks": 2, "stall_seconds": 3}


class Outcome(NamedTuple):
    """What a client should see, and how often the upstream should have been asked."""

    status: int
    attempts: int
    kind: str | None = None


@pytest.fixture(scope="module")
def llmock(machine: Machine) -> Iterator[Llmock]:
    with running_llmock(machine) as llmock:
        yield llmock


@pytest.fixture
def upstream(llmock: Llmock) -> Llmock:
    llmock.reset()
    return llmock


@pytest.fixture(scope="module")
def server(
    request: pytest.FixtureRequest, project: Callable[[str], Project], llmock: Llmock
) -> Iterator[Server]:
    environment = {
        "LLM_API_KEY": "a-key",
        "LLM_BASE_URL": f"{llmock.url}/v1",
        "LLM_MODEL": "gpt-4o-mini",
        "LLM_TIMEOUT_SECONDS": TIMEOUT_SECONDS,
        "REQUESTS_PER_MINUTE": "100000",
    }
    with serving(project(request.param), **environment) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, timeout=30) as client:
        yield client


twins = pytest.mark.parametrize("server", ["fastapi", "flask"], indirect=True, scope="module")


def data(response: httpx2.Response) -> list[str]:
    assert response.headers["content-type"].startswith("text/event-stream")
    lines = response.text.splitlines()
    return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]


@twins
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(
    ("faults", "outcome"),
    [
        pytest.param([], Outcome(200, 1), id="none"),
        pytest.param([BUSY | {"times": 2}], Outcome(200, 3), id="busy twice"),
        pytest.param(
            [BUSY | {"times": ATTEMPTS}], Outcome(429, 3, "rate_limit_error"), id="busy for ever"
        ),
        pytest.param([failing(500)], Outcome(200, 2), id="broken once"),
        pytest.param(
            [failing(500, ATTEMPTS)], Outcome(502, 3, "upstream_error"), id="broken for ever"
        ),
        pytest.param([failing(503)], Outcome(200, 2), id="overloaded once"),
        pytest.param([failing(400)], Outcome(400, 1, "invalid_request_error"), id="bad request"),
        pytest.param([failing(404)], Outcome(404, 1, "invalid_request_error"), id="unknown model"),
        pytest.param([failing(401)], Outcome(502, 1, "upstream_error"), id="our key is wrong"),
        pytest.param([SILENT], Outcome(200, 2), id="silent once"),
        pytest.param(
            [SILENT | {"times": ATTEMPTS}], Outcome(504, 3, "timeout_error"), id="silent for ever"
        ),
    ],
)
def test_a_fault_before_the_answer_is_retried_or_told(
    client: httpx2.Client,
    upstream: Llmock,
    faults: list[Behavior],
    outcome: Outcome,
    stream: bool,
) -> None:
    upstream.plan(*faults)
    response = client.post(CHAT, json={**ASK, "stream": stream})
    assert response.status_code == outcome.status
    if outcome.kind:
        assert response.json()["error"]["type"] == outcome.kind
    elif stream:
        assert data(response)[-1] == "[DONE]"
    else:
        assert response.json()["choices"][0]["finish_reason"] == "stop"
    assert response.headers.get("retry-after") == ("1" if outcome.status == 429 else None)
    assert len(upstream.requests()) == outcome.attempts
    assert upstream.findings() == []


@twins
@pytest.mark.parametrize(
    ("kind", "found"),
    [
        # What was passed on cannot be taken back, so that a retry would repeat it; the client is
        # told instead, which the upstream cannot see.
        pytest.param("truncate", ["truncated_stream_accepted"], id="ends early"),
        pytest.param("disconnect", ["gave_up"], id="cut"),
        pytest.param("malformed", ["malformed_chunk_ignored"], id="malformed"),
        pytest.param("stall", [], id="stalls"),
    ],
)
@pytest.mark.parametrize("path", [CHAT, "/api/chat"], ids=["openai", "ui"])
def test_a_fault_within_a_stream_ends_it_with_an_error(
    client: httpx2.Client, upstream: Llmock, path: str, kind: str, found: list[str]
) -> None:
    upstream.plan(broken(kind))
    message = {"role": "user", "parts": [{"type": "text", "text": "Say hello to the world"}]}
    body = {**ASK, "stream": True} if path == CHAT else {"messages": [message]}
    response = client.post(path, json=body)
    *_, last = [json.loads(event) for event in data(response)]  # [DONE] would be no JSON
    assert "error" in last if path == CHAT else last["type"] == "error"
    assert len(upstream.requests()) == 1
    assert upstream.findings() == found


@twins
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_passes_on_tool_calls(client: httpx2.Client, upstream: Llmock, stream: bool) -> None:
    response = client.post(CHAT, json={**ASK, "tools": [TOOL], "stream": stream})
    if stream:
        *events, _ = data(response)
        choices = [choice for event in events for choice in json.loads(event)["choices"]]
        calls = [call for choice in choices for call in choice["delta"].get("tool_calls") or ()]
    else:
        choices = response.json()["choices"]
        calls = choices[0]["message"]["tool_calls"]
    assert choices[-1]["finish_reason"] == "tool_calls"
    assert calls[0]["function"]["name"] == "weather"
    arguments = "".join(call["function"].get("arguments") or "" for call in calls)
    assert isinstance(json.loads(arguments), dict)
    assert upstream.requests()[0]["body"]["tools"] == [TOOL]


@twins
@pytest.mark.parametrize("kind", ["malformed_arguments", "unknown_tool"])
def test_leaves_a_broken_tool_call_to_who_asked(
    client: httpx2.Client, upstream: Llmock, kind: str
) -> None:
    upstream.plan({"type": "tool_fault", "kind": kind})
    [choice] = client.post(CHAT, json={**ASK, "tools": [TOOL]}).json()["choices"]
    function = choice["message"]["tool_calls"][0]["function"]
    if kind == "unknown_tool":
        assert function["name"] != "weather"
    else:
        with pytest.raises(json.JSONDecodeError):
            json.loads(function["arguments"])


@twins
@pytest.mark.parametrize("wanted", [True, False])
def test_asks_for_usage_and_keeps_it_from_who_did_not(
    client: httpx2.Client, upstream: Llmock, wanted: bool
) -> None:
    options = {"stream_options": {"include_usage": True}} if wanted else {}
    response = client.post(CHAT, json={**ASK, **options, "stream": True})
    chunks = [json.loads(event) for event in data(response)[:-1]]
    assert any("usage" in chunk for chunk in chunks) == wanted
    [asked] = upstream.requests()
    assert asked["body"]["stream_options"] == {"include_usage": True}


@twins
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_is_reported_to_be_a_good_client(
    client: httpx2.Client, upstream: Llmock, stream: bool
) -> None:
    for number, fault in enumerate((BUSY, failing(500), SILENT, failing(400), broken("stall"))):
        upstream.plan(fault)
        # Each asks for something else: the same again would look like a retry.
        client.post(CHAT, json={**ASK, "stream": stream, "seed": number})
    upstream.report()


class Silence(NamedTuple):
    """An upstream that hears a request and says no more."""

    url: str
    heard: Event
    left: Event  # set when the caller has closed


@contextmanager
def silence(first_words: bytes) -> Iterator[Silence]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        heard, left = Event(), Event()

        def listen() -> None:
            with listener.accept()[0] as connection:
                connection.settimeout(PATIENCE)
                received = b""
                while b"}]" not in received:  # where the messages end
                    received += connection.recv(65536)
                connection.sendall(first_words)
                heard.set()
                if connection.recv(1) == b"":
                    left.set()

        thread = Thread(target=listen)
        thread.start()
        yield Silence(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", heard, left)
        thread.join()


@pytest.mark.parametrize(
    ("path", "asked", "first_words"),
    [
        pytest.param(CHAT, ASK, b"", id="plain"),
        pytest.param(CHAT, {**ASK, "stream": True}, b"", id="a stream that has not begun"),
        pytest.param(CHAT, {**ASK, "stream": True}, STREAM_BEGINS, id="a stream that pauses"),
        pytest.param("/summaries", {"text": "x"}, b"", id="a route that returns a model"),
    ],
)
def test_who_leaves_a_silent_model_ends_the_call(
    project: Callable[[str], Project], path: str, asked: dict[str, Any], first_words: bytes
) -> None:
    """On FastAPI; Flask finds out when it writes, or when its own timeout ends the call."""
    body = json.dumps(asked).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with (
        silence(first_words) as upstream,
        serving(project("fastapi"), LLM_API_KEY="a-key", LLM_BASE_URL=upstream.url) as server,
    ):
        address = ("127.0.0.1", httpx2.URL(server.url).port)
        with socket.create_connection(address, timeout=PATIENCE) as client:
            client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            assert upstream.heard.wait(PATIENCE)
            if first_words:
                assert client.recv(65536)
        assert upstream.left.wait(3)
