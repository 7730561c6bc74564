"""The AI SDK's UI message stream."""

import json
from typing import Any

import httpx2
import pytest

from tests.conftest import Serve

TEXT = {"type": "text", "text": "hi"}
PICTURE = {"type": "file", "mediaType": "image/png", "filename": "a.png", "url": "data:,"}
LETTER = {"type": "file", "mediaType": "application/pdf", "url": "data:,"}
SHOWN = [
    {"type": "step-start"},
    {"type": "reasoning", "text": "hm"},
    {"type": "source-document", "sourceId": "1", "mediaType": "text/plain", "title": "t"},
    {"type": "data-weather", "data": {}},
]
IMAGE = {"type": "image_url", "image_url": {"url": "data:,"}}


def conversation(*parts: object, role: str = "user") -> dict[str, Any]:
    return {"id": "1", "messages": [{"id": "m", "role": role, "parts": parts}]}


ASK = conversation(TEXT)


def parts(response: httpx2.Response) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def test_streams_an_answer_in_parts(client: httpx2.Client) -> None:
    response = client.post("/api/chat", json=ASK)
    received = parts(response)
    assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-accel-buffering"] == "no"
    deltas = [part for part in received if part["type"] == "text-delta"]
    assert "".join(part["delta"] for part in deltas) == "You said: hi"
    assert [part["type"] for part in received] == [
        *("start", "start-step", "text-start"),
        *("text-delta" for _ in deltas),
        *("text-end", "finish-step", "finish"),
    ]
    assert received[-1]["finishReason"] == "stop"
    assert len({part["id"] for part in received if part["type"].startswith("text-")}) == 1
    assert response.text.endswith("data: [DONE]\n\n")


def test_sends_who_said_what_and_only_text(serve: Serve) -> None:
    sent: list[Any] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(json.loads(request.content)["messages"])
        return httpx2.Response(200)

    thought = {"type": "reasoning", "text": "what is meant by hi?"}
    said = [("system", "Be brief"), ("user", "hi"), ("assistant", "Hello"), ("user", "bye")]
    messages = [
        {"role": role, "parts": [thought, {"type": "text", "text": text}]} for role, text in said
    ]
    serve(answer=answer).post("/api/chat", json={"messages": messages})
    assert sent == [[{"role": role, "content": text} for role, text in said]]


def test_ends_with_an_error_where_the_model_fails(serve: Serve) -> None:
    cut = httpx2.Response(200, text='data: {"choices": []}\n\n')
    response = serve(answer=lambda _: cut).post("/api/chat", json=ASK)
    assert parts(response)[-1] == {"type": "error", "errorText": "The model's answer was cut off"}
    assert "[DONE]" not in response.text


@pytest.mark.parametrize(
    ("parts", "content"),
    [
        pytest.param([TEXT, TEXT], "hihi", id="texts"),
        pytest.param([TEXT, *SHOWN], "hi", id="what is only shown"),
        pytest.param([PICTURE], [IMAGE], id="an image"),
        pytest.param(
            [*SHOWN, {"type": "text", "text": ""}, PICTURE, TEXT],
            [IMAGE, {"type": "text", "text": "hi"}],
            id="an image and a text",
        ),
    ],
)
def test_sends_on_what_is_for_the_model(
    serve: Serve, parts: list[dict[str, Any]], content: object
) -> None:
    sent: list[Any] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.extend(json.loads(request.content)["messages"])
        return httpx2.Response(200, text="data: [DONE]\n\n")

    serve(answer=answer).post("/api/chat", json=conversation(*parts))
    assert sent == [{"role": "user", "content": content}]


@pytest.mark.parametrize(
    ("parts", "param"),
    [
        pytest.param([TEXT, LETTER], "messages.0.user.parts.1.file.mediaType", id="a PDF"),
        pytest.param(
            [TEXT, {"type": "file"}], "messages.0.user.parts.1.file.mediaType", id="no kind of file"
        ),
        pytest.param(
            [{"type": "file", "mediaType": "image/png"}],
            "messages.0.user.parts.0.file.url",
            id="no address",
        ),
        pytest.param(
            [TEXT, {"type": "tool-weather"}], "messages.0.user.parts.1.other.type", id="a tool"
        ),
        pytest.param([], "messages.0.user.parts", id="nothing"),
        pytest.param(SHOWN, "messages.0.user.parts", id="nothing for the model"),
        pytest.param([{"type": "text", "text": ""}], "messages.0.user.parts", id="an empty text"),
    ],
)
def test_refuses_what_it_would_have_to_leave_out(
    client: httpx2.Client, parts: list[dict[str, Any]], param: str
) -> None:
    response = client.post("/api/chat", json=conversation(*parts))
    assert (response.status_code, response.json()["error"]["param"]) == (422, param)


def test_takes_an_answer_that_was_stopped_before_its_first_word(client: httpx2.Client) -> None:
    stopped = conversation({"type": "step-start"}, role="assistant")["messages"]
    response = client.post("/api/chat", json={"messages": [*stopped, *ASK["messages"]]})
    assert parts(response)[-1]["type"] == "finish"


@pytest.mark.parametrize(
    ("reason", "told"),
    [("length", "length"), ("content_filter", "content-filter"), ("another", "other")],
)
def test_says_why_it_ended(serve: Serve, reason: str, told: str) -> None:
    last = {"choices": [{"delta": {"content": "Hi"}, "finish_reason": reason}]}
    sent = httpx2.Response(200, text=f"data: {json.dumps(last)}\n\n")
    response = serve(answer=lambda _: sent).post("/api/chat", json=ASK)
    assert parts(response)[-1] == {"type": "finish", "finishReason": told}
    assert [part["delta"] for part in parts(response) if part["type"] == "text-delta"] == ["Hi"]
