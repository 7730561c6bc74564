import io
import json
{%- if docs %}
import re
{%- endif %}
import runpy
from typing import Any

import httpx2
import openai
import pytest

import app as main

ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "one two"}]}
CHAT = "/v1/chat/completions"
SSE = {"content-type": "text/event-stream"}
CUT_OFF = 'data: {"choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n'
HALVES = "".join(CUT_OFF.replace("Hi", half) for half in (r"\ud83d", r"\ude80"))
SPOKEN_OF = '{"error": {"message": "Refused: one two"}}'


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


class BrokenChunks(io.BytesIO):
    def read(self, *_: object) -> bytes:
        raise OSError("This is no chunk")


def test_refuses_a_body_that_cannot_be_read() -> None:
    body = {"wsgi.input": BrokenChunks(), "wsgi.input_terminated": True}
    response = main.app.test_client().post("/echo", json=1, environ_overrides=body)
    assert response.status_code == 400


@pytest.mark.parametrize(
    "body", [b"1" * 2_000_000, b"1" + b" " * 2_000_000], ids=["cut in a number", "cut in blanks"]
)
def test_refuses_a_large_body_in_chunks(body: bytes) -> None:
    chunks = {"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    response = main.app.test_client().post("/echo", json=1, environ_overrides=chunks)
    assert response.status_code == 413
