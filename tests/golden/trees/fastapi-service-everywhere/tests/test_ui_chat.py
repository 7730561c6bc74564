"""The AI SDK's UI message stream."""

import json
from typing import Any

import httpx2

from tests.conftest import Serve

MESSAGE = {"id": "m", "role": "user", "parts": [{"type": "text", "text": "hi"}]}
ASK = {"id": "1", "messages": [MESSAGE]}


def parts(response: httpx2.Response) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def test_streams_an_answer_in_parts(client: httpx2.Client) -> None:
    response = client.post("/api/chat", json=ASK)
    received = parts(response)
    assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert received[0]["type"] == "start"
    assert received[-1]["type"] == "finish"
    text = "".join(part["delta"] for part in received if part["type"] == "text-delta")
    assert text == "You said: hi"
    assert response.text.endswith("data: [DONE]\n\n")


def test_ends_with_an_error_where_the_model_fails(serve: Serve) -> None:
    cut = httpx2.Response(200, text='data: {"choices": []}\n\n')
    response = serve(answer=lambda _: cut).post("/api/chat", json=ASK)
    assert parts(response)[-1] == {"type": "error", "errorText": "The model's answer was cut off"}
    assert "[DONE]" not in response.text
