"""The log: what it says of each request, and what it never says."""

import json
import sys
import time
from collections.abc import Iterator
from io import BytesIO, TextIOWrapper
from typing import Any, NoReturn

import httpx2
import pytest
import structlog
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from backend.ai.provider import OfflineProvider, create_provider
from backend.api_keys import digest
from backend.settings import Settings
from tests.conftest import Broken, Serve
from tests.serving import BrokenStream

CANARY = "canary-7f3a"
ASK = {"messages": [{"role": "user", "content": CANARY}]}
KEY = f"alice:{digest('a key')}"
HEADERS = {"authorization": "Bearer a key", "x-request-id": "trace-7"}
LogLines = list[Any]


class Unread(BytesIO):
    """A pipe whose reader is gone: a real one's number would soon be that of another file."""

    def write(self, _: object, /) -> NoReturn:
        raise BrokenPipeError


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """What is logged after a test does not go where that test sent it."""
    configuration = structlog.get_config()
    yield
    structlog.configure(**configuration)


def ask(client: httpx2.Client, **change: Any) -> tuple[httpx2.Response, LogLines]:
    """Returns the answer, and every line of the log until the request has ended."""
    with capture_logs(processors=[merge_contextvars]) as lines:
        response = client.post("/v1/chat/completions", json={**ASK, **change}, headers=HEADERS)
        for _ in range(200):
            if any(line["event"] == "request" for line in lines):
                return response, lines
            time.sleep(0.02)
    raise AssertionError(f"the request was not logged: {lines}")


def log_of_a_request(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, level: str, patience: float
) -> bytes:
    """Returns what one request writes; `capfd` may lose what another thread writes as it reads."""
    output = BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", TextIOWrapper(output))
        client = serve(log_level=level)
        client.get("/healthz?a=secret", headers=HEADERS)
        end = time.monotonic() + patience
        while not output.getvalue().endswith(b"}\n") and time.monotonic() < end:
            time.sleep(0.01)
        return output.getvalue()


@pytest.mark.parametrize("stream", [True, False])
def test_says_what_a_call_cost(serve: Serve, stream: bool) -> None:
    paced = OfflineProvider(pause=0.05)
    client = serve(provider=paced, api_keys=KEY, log_level="INFO", llm_model="some-model")
    _, lines = ask(client, stream=stream)
    line = next(line for line in lines if line["event"] == "model_call")
    assert (line["client"], line["request_id"]) == ("alice", "trace-7")
    assert (line["operation"], line["model"]) == ("chat", "some-model")
    assert line["outcome"] == "ok"
    assert line["prompt_tokens"] > 0
    assert line["completion_tokens"] > 0
    assert line["seconds"] >= line["seconds_to_first_token"] >= 0
    if stream:
        assert line["seconds"] - line["seconds_to_first_token"] > 0.2


def test_cuts_a_model_s_name_short(serve: Serve) -> None:
    client = serve(provider=OfflineProvider(pause=0), api_keys=KEY, log_level="INFO")
    _, lines = ask(client, model="x" * 1000)
    [line] = [line for line in lines if line["event"] == "model_call"]
    assert line["model"] == "x" * 200


def test_notes_a_client_that_leaves(serve: Serve) -> None:
    client = serve(provider=OfflineProvider(pause=0.05), log_level="INFO")
    body = {"messages": [{"role": "user", "content": "word " * 100}], "stream": True}
    with capture_logs() as lines:
        with client.stream("POST", "/v1/chat/completions", json=body) as response:
            next(response.iter_lines())
        calls: list[Any] = []
        for _ in range(200):
            if calls := [line for line in lines if line["event"] == "model_call"]:
                break
            time.sleep(0.02)
    assert [line["outcome"] for line in calls] == ["cancelled"]


def test_writes_one_object_a_line(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    *_, last, rest = log_of_a_request(serve, monkeypatch, "INFO", patience=10).split(b"\n")
    assert rest == b""
    line = json.loads(last)
    assert (line["method"], line["path"], line["status"]) == ("GET", "/healthz", 200)
    assert (line["level"], line["request_id"]) == ("info", "trace-7")
    assert line["seconds"] > 0
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="an answer"),
        pytest.param({"stream": True}, id="a stream"),
        pytest.param({"messages": [{"role": "king", "content": CANARY}]}, id="an invalid request"),
        pytest.param({"model": CANARY}, id="an unknown model"),
    ],
)
def test_never_says_what_was_said(
    serve: Serve, capfd: pytest.CaptureFixture[str], change: dict[str, Any]
) -> None:
    client = serve(log_level="DEBUG", allowed_models="offline-echo", llm_model="offline-echo")
    _, lines = ask(client, **change)
    written = capfd.readouterr()
    assert CANARY not in f"{lines}{written.out}{written.err}"


def test_hides_the_prompt_when_the_upstream_repeats_it(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    error = {"error": {"message": f"cannot answer {CANARY}", "type": "x"}}
    broken = httpx2.Response(500, json=error, headers={"x-should-retry": "false"})
    response, lines = ask(serve(answer=lambda _: broken, log_level="DEBUG"))
    written = capfd.readouterr()
    assert CANARY not in f"{lines}{written.out}{written.err}{response.text}"


@pytest.mark.parametrize(
    ("failure", "cause", "status"),
    [
        pytest.param(503, "InternalServerError", 503, id="an error"),
        pytest.param(httpx2.ConnectError("refused"), "ConnectError", None, id="no connection"),
    ],
)
def test_says_why_the_model_failed(
    serve: Serve, failure: int | Exception, cause: str, status: int | None
) -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        if isinstance(failure, Exception):
            raise failure
        return httpx2.Response(failure, headers={"x-should-retry": "false"})

    _, lines = ask(serve(answer=answer, log_level="INFO"))
    line = next(line for line in lines if line["event"] == "model_failed")
    assert (line["causes"][-1], line["status"], line["request_id"]) == (cause, status, "trace-7")


def test_says_where_a_bug_is_but_not_what_it_says(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    response, lines = ask(serve(provider=Broken(CANARY), log_level="INFO"))
    assert (response.status_code, response.json()["error"]["type"]) == (500, "api_error")
    assert response.headers["x-request-id"] == "trace-7"
    bug = next(line for line in lines if line["event"] == "bug")
    assert (bug["error"], bug["request_id"]) == ("RuntimeError", "trace-7")
    assert "in complete" in bug["trace"][-1]
    written = capfd.readouterr()
    assert CANARY not in f"{lines}{written.out}{written.err}{response.text}"


def test_a_bug_within_a_stream_ends_it_with_an_error(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = BrokenStream(b'data: {"choices": []}\n\n', RuntimeError(CANARY))
    client = serve(answer=lambda _: httpx2.Response(200, stream=broken), log_level="INFO")
    response, lines = ask(client, stream=True)
    last = response.text.split("\n\n")[-2].removeprefix("data: ")
    assert json.loads(last)["error"]["message"] == "Internal Server Error"
    outcomes = [line.get("outcome") for line in lines if line["event"] == "model_call"]
    assert outcomes == ["bug"]
    written = capfd.readouterr()
    assert CANARY not in f"{lines}{written.out}{written.err}{response.text}"


def test_warns_once_that_the_model_is_offline() -> None:
    with capture_logs() as lines:
        create_provider(Settings())
    assert [(line["event"], line["log_level"]) for line in lines] == [("offline_model", "warning")]


def test_a_log_that_nobody_reads_fails_no_request(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(Unread()))
    client = serve(log_level="INFO")
    assert client.post("/v1/chat/completions", json=ASK).status_code == 200


@pytest.mark.parametrize(("level", "logged"), [("INFO", True), ("WARNING", False)])
def test_says_as_much_as_it_is_told_to(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, level: str, logged: bool
) -> None:
    lines = log_of_a_request(serve, monkeypatch, level, patience=10 if logged else 0.1)
    assert (b'"event":"request"' in lines) == logged
