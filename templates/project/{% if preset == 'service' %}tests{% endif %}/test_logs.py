"""The log: what it says of each request, and what it never says."""

import json
import time
from typing import Any

import httpx2
import pytest

from backend.api_keys import digest
from tests.conftest import Serve

CANARY = "canary-7f3a"
ASK = {"messages": [{"role": "user", "content": CANARY}]}
KEY = f"alice:{digest('a key')}"
HEADERS = {"authorization": "Bearer a key", "x-request-id": "trace-7"}


def all_written(capfd: pytest.CaptureFixture[str]) -> str:
    """Waits for the line that ends a request: it may be written after the answer was read."""
    text = ""
    for _ in range(100):
        written = capfd.readouterr()
        text += written.out + written.err
        if '"event": "request"' in text:
            return text
        time.sleep(0.02)
    raise AssertionError(f"the request was not logged: {text}")


def logged(capsys: pytest.CaptureFixture[str], event: str) -> dict[str, Any]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found: dict[str, Any] = next(line for line in lines if line["event"] == event)
    return found


@pytest.mark.parametrize("stream", [True, False])
def test_says_what_a_call_cost(
    serve: Serve, capsys: pytest.CaptureFixture[str], stream: bool
) -> None:
    client = serve(api_keys=KEY, log_level="INFO")
    client.post("/v1/chat/completions", json={**ASK, "stream": stream}, headers=HEADERS)
    line = logged(capsys, "model_call")
    assert (line["client"], line["request_id"]) == ("alice", "trace-7")
    assert line["completion_tokens"] > 0
    assert line["seconds"] >= line["seconds_to_first_token"] >= 0


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
    client.post("/v1/chat/completions", json={**ASK, **change})
    assert CANARY not in all_written(capfd)


def test_hides_the_prompt_when_the_upstream_repeats_it(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    error = {"error": {"message": f"cannot answer {CANARY}", "type": "x"}}
    client = serve(answer=lambda _: httpx2.Response(500, json=error), log_level="DEBUG")
    response = client.post("/v1/chat/completions", json=ASK)
    assert CANARY not in all_written(capfd) + response.text
