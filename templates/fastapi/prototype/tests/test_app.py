import json
{%- if docs %}
import re
{%- endif %}
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
