"""The real provider, with the network replaced: what is sent, and what a failure becomes."""

import gzip
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from backend.ai.provider import Provider, create_provider
from backend.ai.upstream import MOST_ANSWER_BYTES
from backend.settings import Settings
from tests.conftest import Serve
from tests.models import Scripted, fails
from tests.serving import BrokenStream, WholeStream

ASK = {"messages": [{"role": "user", "content": "hello"}]}
UI_HELLO = {"role": "user", "parts": [{"type": "text", "text": "hello"}]}
SSE = {"content-type": "text/event-stream"}
TOKEN = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}]}
STOP = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
USAGE = {"choices": [], "usage": {"total_tokens": 3}}
OK = b"HTTP/1.1 200 OK\r\n"


def choice(reason: str | None, *, index: int = 0) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": {}, "finish_reason": reason}]}


def stream_of(*events: object) -> httpx2.Response:
    body = b"".join(b"data: %s\n\n" % line_of(event) for event in events)
    return httpx2.Response(200, content=body, headers=SSE)


def line_of(event: object) -> bytes:
    if isinstance(event, bytes):
        return event
    return (event if isinstance(event, str) else json.dumps(event)).encode()


def refusal(
    status: int,
    fields: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx2.Response:
    error = {"message": "upstream says no", "type": "x", "param": "p", "code": "c"}
    # A client that is told not to retry answers at once.
    return httpx2.Response(
        status,
        content=json.dumps({"error": {**error, **(fields or {})}}),
        headers={"x-should-retry": "false", **(headers or {})},
    )


def provider_at(port: int) -> Provider:
    settings = Settings(
        llm_api_key=SecretStr("test"),
        llm_base_url=f"http://127.0.0.1:{port}/v1",
        llm_model="some-model",
    )
    return create_provider(settings)


@contextmanager
def sending(answer: bytes, *, until: Event | None = None) -> Iterator[Provider]:
    """Yields a model that answers everything with these bytes, and hangs up: at once, or later."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.wfile.write(answer)
            if until:
                until.wait()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005}).start()
        try:
            yield provider_at(server.server_port)
        finally:
            if until:
                until.set()
            server.shutdown()


@pytest.mark.parametrize(
    ("given", "sent_on"),
    [
        pytest.param({"max_tokens": 5000}, {"max_tokens": 100}, id="too many"),
        pytest.param({"max_completion_tokens": 5000}, {"max_completion_tokens": 100}, id="newer"),
        pytest.param(
            {"max_tokens": 5000, "max_completion_tokens": 6000},
            {"max_tokens": 100, "max_completion_tokens": 100},
            id="both",
        ),
        pytest.param({"max_tokens": 9}, {"max_tokens": 9}, id="few"),
        pytest.param({}, {Settings().llm_token_field: 100}, id="no limit"),
    ],
)
def test_sends_the_request_within_the_limits(
    serve: Serve, given: dict[str, int], sent_on: dict[str, int]
) -> None:
    sent: list[dict[str, Any]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(json.loads(request.content))
        return httpx2.Response(200, json={"id": "1", "choices": []})

    client = serve(answer=answer, llm_model="some-model", max_tokens=100)
    body = {**ASK, "temperature": 0.1, "logit_bias": {"1": 2}}
    response = client.post("/v1/chat/completions", json={**body, **given})
    assert response.json() == {"id": "1", "choices": []}
    assert sent == [{**body, **sent_on, "model": "some-model"}]


def test_sends_a_past_with_tools_as_it_came(serve: Serve) -> None:
    """Most providers take it without `tools`; a gateway that does not says so itself."""
    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Is it cold?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "cold"},
    ]
    model = Scripted("Yes.", fails(400, "no tools= param"))
    client = serve(answer=model)
    assert client.post("/v1/chat/completions", json={"messages": messages}).status_code == 200
    assert (model.asked[0]["messages"], "tools" in model.asked[0]) == (messages, False)
    refused = client.post("/v1/chat/completions", json={"messages": messages})
    assert (refused.status_code, refused.json()["error"]["message"]) == (400, "no tools= param")


def test_always_asks_for_usage(serve: Serve) -> None:
    sent: list[dict[str, Any]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(json.loads(request.content))
        return stream_of(STOP, "[DONE]")

    client = serve(answer=answer)
    for options in ({}, {"stream_options": {"vendor_option": 1}}):
        client.post("/v1/chat/completions", json={**ASK, "stream": True, **options})
    asked = {"include_usage": True}
    assert [body["stream_options"] for body in sent] == [asked, {"vendor_option": 1, **asked}]


def test_sends_what_the_provider_takes(serve: Serve) -> None:
    sent: list[dict[str, Any]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(json.loads(request.content))
        return stream_of(STOP, "[DONE]")

    names = ("max_completion_tokens", "max_tokens")
    for name in names:
        client = serve(answer=answer, llm_token_field=name, llm_ask_usage=False)
        client.post("/v1/chat/completions", json={**ASK, "stream": True})
    added = {*names, "stream_options"}
    assert [added & body.keys() for body in sent] == [{name} for name in names]


@pytest.mark.parametrize("count", [-1, 10**30, "7", True, None, [7]])
def test_a_count_that_is_none_costs_what_was_reserved(serve: Serve, count: object) -> None:
    answer = httpx2.Response(200, json={**STOP, "usage": {"total_tokens": count}})
    client = serve(answer=lambda _: answer, tokens_per_day=300, max_tokens=200)
    statuses = [client.post("/v1/chat/completions", json=ASK).status_code for _ in range(2)]
    assert statuses == [200, 429]


def test_passes_a_stream_on_as_it_came(serve: Serve) -> None:
    client = serve(answer=lambda _: stream_of(TOKEN, STOP, USAGE, "[DONE]"))
    response = client.post("/v1/chat/completions", json={**ASK, "stream": True})
    expected = f"data: {json.dumps(TOKEN)}\n\ndata: {json.dumps(STOP)}\n\ndata: [DONE]\n\n"
    assert response.text == expected


def test_takes_usage_out_of_an_event_and_leaves_the_rest(serve: Serve) -> None:
    client = serve(answer=lambda _: stream_of(STOP | {"usage": USAGE["usage"]}, "[DONE]"))
    response = client.post("/v1/chat/completions", json={**ASK, "stream": True})
    event, done = response.text.removesuffix("\n\n").split("\n\n")
    assert (json.loads(event.removeprefix("data: ")), done) == (STOP, "data: [DONE]")


@pytest.mark.parametrize("stream", [True, False])
def test_a_call_says_which_request_it_serves(serve: Serve, stream: bool) -> None:
    sent: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.headers["x-request-id"])
        return refusal(400)

    client = serve(answer=answer)
    client.headers["x-request-id"] = "seen-by-the-model"
    client.post("/v1/chat/completions", json={**ASK, "stream": stream})
    client.post("/v1/embeddings", json={"input": "hello"})
    client.get("/v1/models")
    assert sent == ["seen-by-the-model"] * 3


@pytest.mark.parametrize(
    "events",
    [
        pytest.param((TOKEN,), id="cut off"),
        pytest.param((TOKEN, choice("stop", index=1)), id="one of two cut off"),
        pytest.param((TOKEN, '{"choices": [', STOP, "[DONE]"), id="malformed"),
        pytest.param((TOKEN, {"choices": ["Hi"]}, STOP, "[DONE]"), id="of another form"),
        pytest.param((TOKEN, {"error": {"message": "overloaded"}}), id="an error event"),
        pytest.param((TOKEN, b'{"choices": [], "a": "\xff"}', STOP, "[DONE]"), id="not UTF-8"),
        pytest.param((TOKEN, "[" * 300 + "]" * 300, STOP, "[DONE]"), id="nested deeply"),
    ],
)
def test_a_broken_stream_ends_with_an_error(serve: Serve, events: tuple[object, ...]) -> None:
    client = serve(answer=lambda _: stream_of(*events))
    response = client.post("/v1/chat/completions", json={**ASK, "stream": True})
    first, *_, last = [line for line in response.text.splitlines() if line]
    assert json.loads(first.removeprefix("data: ")) == TOKEN
    assert json.loads(last.removeprefix("data: "))["error"]["type"] == "upstream_error"
    assert "[DONE]" not in response.text
    assert "overloaded" not in response.text


@pytest.mark.parametrize(
    ("error", "told"),
    [
        pytest.param(httpx2.ReadError("gone"), "was cut off", id="reset"),
        pytest.param(httpx2.RemoteProtocolError("short"), "was cut off", id="cut"),
        pytest.param(httpx2.ReadTimeout("silence"), "did not answer in time", id="stalled"),
    ],
)
def test_a_broken_connection_ends_the_stream_with_an_error(
    serve: Serve, error: Exception, told: str
) -> None:
    broken = BrokenStream(b'data: {"choices": []}\n\n', error)
    client = serve(answer=lambda _: httpx2.Response(200, headers=SSE, stream=broken))
    response = client.post("/v1/chat/completions", json={**ASK, "stream": True})
    assert told in response.text
    assert "[DONE]" not in response.text


def test_reads_a_connection_to_its_end_for_the_next_request(serve: Serve) -> None:
    whole = stream_of(STOP, "[DONE]")
    broken = BrokenStream(whole.content)
    client = serve(answer=lambda _: httpx2.Response(200, headers=SSE, stream=broken))
    response = client.post("/v1/chat/completions", json={**ASK, "stream": True})
    assert response.text == whole.text
    assert broken.broken.wait(5)


def test_what_came_in_one_burst_with_the_end_of_a_connection_counts(serve: Serve) -> None:
    whole = stream_of(TOKEN, STOP, "[DONE]")
    head = OK + b"content-type: text/event-stream\r\ncontent-length: 9999\r\n\r\n"
    with sending(head + whole.content) as provider:
        response = serve(provider=provider).post(
            "/v1/chat/completions", json={**ASK, "stream": True}
        )
    assert response.text == whole.text


def test_the_closing_mark_ends_an_answer_on_a_connection_that_stays_open(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than the client would wait.
    monkeypatch.setattr("backend.ai.provider.REMAINDER_SECONDS", 60)
    told = Event()
    head = OK + b"content-type: text/event-stream\r\n\r\n"
    with sending(head + stream_of(STOP, USAGE, "[DONE]").content, until=told) as provider:
        client = serve(provider=provider, tokens_per_day=300, max_tokens=200)
        for _ in range(2):  # of which the second finds the tokens of the first settled
            response = client.post("/v1/chat/completions", json={**ASK, "stream": True})
            assert (response.status_code, told.is_set()) == (200, False)
            assert response.text == stream_of(STOP, "[DONE]").text


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/chat"])
@pytest.mark.parametrize(
    "events",
    [
        pytest.param(("[DONE]",), id="done without a reason"),
        pytest.param((choice(""), "[DONE]"), id="an empty reason"),
        pytest.param((STOP,), id="a reason, and no mark"),
        pytest.param((STOP, choice("")), id="an empty reason after the real one"),
        pytest.param((choice("stop", index=1), STOP), id="two choices"),
    ],
)
@pytest.mark.parametrize("breaks", [False, True], ids=["ends", "breaks"])
def test_knows_when_an_answer_is_complete(
    serve: Serve, path: str, events: tuple[object, ...], breaks: bool
) -> None:
    answer = stream_of(TOKEN, *events)
    if breaks:
        answer = httpx2.Response(200, headers=SSE, stream=BrokenStream(answer.content))
    body = {"messages": [UI_HELLO]} if path == "/api/chat" else {**ASK, "stream": True}
    response = serve(answer=lambda _: answer).post(path, json=body)
    assert response.text.endswith("data: [DONE]\n\n")
    assert "error" not in response.text


def test_an_empty_reason_does_not_hide_the_real_one(serve: Serve) -> None:
    client = serve(answer=lambda _: stream_of(TOKEN, choice("length"), choice(""), "[DONE]"))
    response = client.post("/api/chat", json={"messages": [UI_HELLO]})
    assert '"finishReason":"length"' in response.text


def test_passes_on_an_emoji_that_was_cut_in_two(serve: Serve) -> None:
    halves = [
        r'{"choices":[{"delta":{"content":"\ud83d"}}]}',
        r'{"choices":[{"delta":{"content":"\ude00"}}]}',
    ]
    client = serve(answer=lambda _: stream_of(*halves, "[DONE]"))
    response = client.post("/v1/chat/completions", json={**ASK, "stream": True})
    assert response.text == stream_of(*halves, "[DONE]").text
    response = client.post("/api/chat", json={"messages": [UI_HELLO]})
    assert [half in response.text for half in (r"\ud83d", r"\ude00")] == [True, True]


@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(lambda text: text.encode(), id="UTF-8"),
        pytest.param(lambda text: text.encode("utf-8-sig"), id="a byte order mark"),
        pytest.param(lambda text: text.encode("utf-16"), id="UTF-16"),
        pytest.param(lambda text: text.encode("utf-32"), id="UTF-32"),
    ],
)
def test_reads_a_plain_answer_as_the_sdk_does(serve: Serve, encode: Callable[[str], bytes]) -> None:
    said = {"choices": [{"message": {"content": "é \ud83d"}}]}
    answer = httpx2.Response(200, content=encode(json.dumps(said)))
    response = serve(answer=lambda _: answer).post("/v1/chat/completions", json=ASK)
    assert (response.status_code, response.json()) == (200, said)


def test_an_event_over_several_lines_is_one(serve: Serve) -> None:
    lines = json.dumps(TOKEN, indent=1).replace("\n", "\ndata: ")
    client = serve(answer=lambda _: stream_of(lines, "[DONE]"))
    response = client.post("/v1/chat/completions", json={**ASK, "stream": True})
    event, done = response.text.removesuffix("\n\n").split("\n\n")
    assert (json.loads(event.removeprefix("data: ")), done) == (TOKEN, "data: [DONE]")


@pytest.mark.parametrize(
    ("answer", "status", "kind"),
    [
        pytest.param(refusal(400), 400, "invalid_request_error", id="bad request"),
        pytest.param(refusal(401), 502, "upstream_error", id="our key is wrong"),
        pytest.param(refusal(403), 502, "upstream_error", id="our key may not"),
        pytest.param(refusal(404), 404, "invalid_request_error", id="no such model"),
        pytest.param(refusal(413), 413, "invalid_request_error", id="too large"),
        pytest.param(refusal(422), 422, "invalid_request_error", id="unprocessable"),
        pytest.param(refusal(409), 502, "upstream_error", id="any other refusal"),
        pytest.param(refusal(429), 429, "rate_limit_error", id="busy"),
        pytest.param(refusal(500), 502, "upstream_error", id="broken"),
        pytest.param(httpx2.Response(200, text="<html>"), 502, "upstream_error", id="not JSON"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_an_upstream_error_becomes_ours(
    serve: Serve, answer: httpx2.Response, status: int, kind: str, stream: bool
) -> None:
    client = serve(answer=lambda _: answer)
    response = client.post("/v1/chat/completions", json={**ASK, "stream": stream})
    if stream and answer.status_code == 200:
        assert "[DONE]" not in response.text
    else:
        assert (response.status_code, response.json()["error"]["type"]) == (status, kind)


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        pytest.param({}, {"param": "p", "code": "c"}, id="texts"),
        pytest.param({"param": None, "code": None}, {"param": None, "code": None}, id="nothing"),
        pytest.param({"param": {"a": 1}}, {"param": None}, id="an object"),
        pytest.param({"param": ["a"], "code": {}}, {"param": None}, id="others"),
        pytest.param({"code": 400}, {"code": "400"}, id="a number"),
        pytest.param({"message": {}}, {"message": "The model rejected the request"}, id="no text"),
        pytest.param({"message": "a\ud800"}, {"message": "a?"}, id="half a surrogate pair"),
        pytest.param({"type": ["x"]}, {"type": "invalid_request_error"}, id="a list"),
    ],
)
def test_passes_on_what_is_text_of_an_error(
    serve: Serve, sent: dict[str, object], told: dict[str, object]
) -> None:
    response = serve(answer=lambda _: refusal(400, sent)).post("/v1/chat/completions", json=ASK)
    assert response.status_code == 400
    assert told.items() <= response.json()["error"].items()


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"error": {"message": "overloaded"}}, id="an error"),
        pytest.param({"error": "overloaded", "choices": [], "data": []}, id="an error besides"),
        pytest.param({"choices": None, "data": {}}, id="no list"),
        pytest.param([], id="no object"),
    ],
)
@pytest.mark.parametrize("path", ["chat/completions", "embeddings"])
def test_what_is_no_answer_is_the_fault_of_the_upstream(
    serve: Serve, path: str, sent: object
) -> None:
    client = serve(answer=lambda _: httpx2.Response(200, json=sent))
    response = client.post(f"/v1/{path}", json={**ASK, "input": "hello"})
    assert (response.status_code, response.json()["error"]["type"]) == (502, "upstream_error")
    assert "overloaded" not in response.text


@pytest.mark.parametrize("stream", [True, False])
def test_an_error_of_null_is_none(serve: Serve, stream: bool) -> None:
    said = {**STOP, "error": None}
    answer = stream_of(said, "[DONE]") if stream else httpx2.Response(200, json=said)
    response = serve(answer=lambda _: answer).post(
        "/v1/chat/completions", json={**ASK, "stream": stream}
    )
    assert response.text == answer.text


@pytest.mark.parametrize("status", [400, 404])
def test_passes_on_why_the_request_is_wrong(serve: Serve, status: int) -> None:
    response = serve(answer=lambda _: refusal(status)).post("/v1/chat/completions", json=ASK)
    error = response.json()["error"]
    assert (error["message"], error["param"], error["code"]) == ("upstream says no", "p", "c")


@pytest.mark.parametrize("sent", ["<html>", "[7]", '{"error": {"message": 7}}'])
def test_a_refusal_without_a_reason_is_still_one(serve: Serve, sent: str) -> None:
    client = serve(answer=lambda _: httpx2.Response(400, text=sent))
    response = client.post("/v1/chat/completions", json=ASK)
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "The model rejected the request"


@pytest.mark.parametrize("status", [401, 403])
def test_says_whose_key_is_wrong(serve: Serve, status: int) -> None:
    response = serve(answer=lambda _: refusal(status)).post("/v1/chat/completions", json=ASK)
    assert "this service's own API key" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        pytest.param(refusal(429, {"code": "rate_limit"}), 429, "is busy", id="busy"),
        pytest.param(
            refusal(429, {"code": "insufficient_quota"}), 429, "has spent its quota", id="OpenAI's"
        ),
        pytest.param(
            refusal(429, {"type": "exceeded_current_quota_error"}),
            *(429, "has spent its quota"),
            id="by type",
        ),
        pytest.param(refusal(402, {"code": 402}), 502, "has spent its quota", id="prepaid"),
        pytest.param(httpx2.Response(402), 502, "has spent its quota", id="prepaid, without words"),
        pytest.param(
            refusal(400, {"type": "billing_error"}), 502, "has spent its quota", id="billing"
        ),
    ],
)
def test_says_why_the_model_refuses_for_now(
    serve: Serve, answer: httpx2.Response, status: int, message: str
) -> None:
    response = serve(answer=lambda _: answer).post("/v1/chat/completions", json=ASK)
    assert response.status_code == status
    assert message in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        pytest.param("7", "7", id="seconds"),
        pytest.param("6.2", "7", id="a part of a second"),
        pytest.param("Fri, 31 Dec 1999 23:59:59 GMT", "0", id="a date"),
        pytest.param("soon", None, id="no number"),
        pytest.param("\u4e94", None, id="not Latin-1"),
        pytest.param("nan", None, id="not a number"),
        pytest.param("inf", None, id="endless"),
        pytest.param("-1", None, id="in the past"),
        pytest.param("9" * 400, None, id="for ever"),
    ],
)
def test_says_when_to_try_again(serve: Serve, sent: str, told: str | None) -> None:
    headers = {b"x-should-retry": b"false", b"retry-after": sent.encode()}
    client = serve(answer=lambda _: httpx2.Response(429, headers=headers))
    response = client.post("/v1/chat/completions", json=ASK)
    assert (response.status_code, response.headers.get("retry-after")) == (429, told)


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_wait_is_left_to_the_client(serve: Serve, status: int) -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(status, headers={"retry-after": "20"})

    response = serve(answer=answer).post("/v1/chat/completions", json=ASK, timeout=5)
    assert (response.headers["retry-after"], len(asked)) == ("20", 1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_prompt_is_not_sent_to_where_the_upstream_points(
    serve: Serve, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    asked: list[httpx2.URL] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url)
        return httpx2.Response(status, headers={"location": "http://elsewhere:1/v1?secret"})

    response = serve(answer=answer).post("/v1/chat/completions", json=ASK)
    assert response.status_code == 502
    assert {url.host for url in asked} == {"upstream"}
    assert 'LLM_BASE_URL: the model has moved to http://elsewhere:1"' in capsys.readouterr().out


PYDANTIC = {"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Not permitted"}
REASONS = [
    pytest.param({"error": {"message": "too hot"}}, "too hot", id="OpenAI's"),
    pytest.param({"error": "too hot"}, "too hot", id="a text"),
    pytest.param({"message": "too hot"}, "too hot", id="bare"),
    pytest.param({"detail": "too hot"}, "too hot", id="FastAPI's"),
    pytest.param(
        {"detail": [{**PYDANTIC, "input": ASK}]}, "stream_options: Not permitted", id="a list"
    ),
    pytest.param(
        {"object": "error", "message": {"detail": [PYDANTIC]}},
        "stream_options: Not permitted",
        id="Mistral's",
    ),
    pytest.param({"errors": [{"message": "too hot"}]}, "too hot", id="several"),
    pytest.param([{"error": {"message": "too hot"}}], "too hot", id="Gemini's"),
    pytest.param("<html><h1>too hot</h1></html>", "too hot", id="HTML"),
    pytest.param("too hot", "too hot", id="no JSON"),
    pytest.param({"error": {"message": "y" * 10_000}}, "y" * 300, id="endless"),
]


@pytest.mark.parametrize(("sent", "reason"), REASONS)
def test_the_log_and_the_client_get_the_reason(
    serve: Serve, capsys: pytest.CaptureFixture[str], sent: object, reason: str
) -> None:
    body = sent if isinstance(sent, str) else json.dumps(sent)
    client = serve(answer=lambda _: httpx2.Response(422, text=body))
    response = client.post("/v1/chat/completions", json=ASK)
    assert response.status_code == 422
    assert reason in response.json()["error"]["message"]
    logged = capsys.readouterr().out
    assert reason in logged
    assert "y" * 301 not in response.text + logged


@pytest.mark.parametrize(
    "quote", ["canary-7 sings", "'canary'", "Canary7", "because the canary sings in the mine"]
)
def test_a_reason_does_not_repeat_the_prompt(
    serve: Serve, capsys: pytest.CaptureFixture[str], quote: str
) -> None:
    said = "canary canary-7 Canary7 because the canary sings in the mine"
    body = {"messages": [{"role": "user", "content": said}]}
    client = serve(answer=lambda _: refusal(400, {"message": f"invalid: {quote}!"}))
    response = client.post("/v1/chat/completions", json=body)
    assert response.json()["error"]["message"].startswith("invalid: …")
    assert "canary" not in (response.text + capsys.readouterr().out).lower()


@pytest.mark.parametrize(
    ("field", "setting"),
    [
        ("stream_options", "LLM_ASK_USAGE"),
        ("max_tokens", "LLM_TOKEN_FIELD"),
        ("max_completion_tokens", "LLM_TOKEN_FIELD"),
    ],
)
def test_names_the_setting_that_would_help(
    serve: Serve, capsys: pytest.CaptureFixture[str], field: str, setting: str
) -> None:
    client = serve(answer=lambda _: refusal(400, {"message": f"Unsupported: {field}"}))
    client.post("/v1/chat/completions", json=ASK)
    assert f"{setting}: the model takes no {field}" in capsys.readouterr().out


@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_without_end_is_given_up(serve: Serve, status: int) -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        packed = gzip.compress(b" " * (MOST_ANSWER_BYTES + 1))
        headers = {"content-encoding": "gzip"}
        return httpx2.Response(status, headers=headers, stream=WholeStream(packed))

    response = serve(answer=answer).post("/v1/chat/completions", json=ASK)
    message = response.json()["error"]["message"]
    assert (response.status_code, message) == (502, "The model's answer is too large")
    assert len(asked) == 1


def test_keeps_no_cookie_of_the_upstream(serve: Serve) -> None:
    sent: list[str | None] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.headers.get("cookie"))
        return httpx2.Response(200, json=STOP, headers={"set-cookie": "who=alice"})

    client = serve(answer=answer)
    for _ in range(2):
        client.post("/v1/chat/completions", json=ASK)
    assert sent == [None, None]


@pytest.mark.parametrize("stream", [True, False])
def test_says_when_the_model_cannot_be_reached(serve: Serve, stream: bool) -> None:
    with socket.socket() as bound:  # keeps the port from others, and takes no connection
        bound.bind(("127.0.0.1", 0))
        client = serve(provider=provider_at(bound.getsockname()[1]))
        response = client.post("/v1/chat/completions", json={**ASK, "stream": stream})
    assert response.status_code == 502
    assert response.json()["error"]["message"] == "The model could not be reached"


def test_where_nobody_is_it_is_asked_once_more(serve: Serve) -> None:
    """A third time would keep the client for more than a second."""
    attempts: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        attempts.append(request.headers["x-stainless-retry-count"])
        raise httpx2.ConnectError("refused")

    response = serve(answer=answer).post("/v1/chat/completions", json=ASK)
    assert (response.status_code, attempts) == (502, ["0", "1"])


def test_a_silent_upstream_is_a_timeout(serve: Serve) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("silence", request=request)

    response = serve(answer=answer).post("/v1/chat/completions", json=ASK)
    assert (response.status_code, response.json()["error"]["type"]) == (504, "timeout_error")


def test_lists_what_the_upstream_has(serve: Serve) -> None:
    models = httpx2.Response(200, json={"object": "list", "data": [{"id": "m1"}]})
    assert serve(answer=lambda _: models).get("/v1/models").json()["data"][0]["id"] == "m1"


DEEP = "[" * 300 + "]" * 300


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
@pytest.mark.parametrize("stream", [True, False])
def test_what_is_no_number_is_null(serve: Serve, path: str, stream: bool) -> None:
    token = {"token": "Hi", "logprob": "-1e999"}
    said = {name: {"content": "Hi \ud83d"} for name in ("delta", "message")}
    chunk = {"choices": [{**said, "logprobs": {"content": [token]}}], "usage": {"total_tokens": 3}}
    text = json.dumps(chunk).replace('"-1e999"', "-1e999")
    answer = stream_of(text, "[DONE]") if stream else httpx2.Response(200, text=text)
    asked = {**ASK, "input": "hi", "stream": stream}
    response = serve(answer=lambda _: answer).post(path, json=asked)
    assert response.status_code == 200
    assert '"logprob":null' in response.text.replace(": ", ":")
    assert "Infinity" not in response.text


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("charset", ["rot13", "undefined", "idna", "none-such"])
def test_takes_no_charset_at_its_word(serve: Serve, charset: str, stream: bool) -> None:
    headers = {"content-type": f"application/json; charset={charset}"}
    for status in (200, 400):
        content = json.dumps({**STOP, "error": {"message": "no"}})
        answer = httpx2.Response(status, content=content, headers=headers)
        client = serve(answer=lambda _, answer=answer: answer)
        response = client.post("/v1/chat/completions", json={**ASK, "stream": stream})
        assert "Internal Server Error" not in response.text


@pytest.mark.parametrize("sent", ["<html>", "[]", '{"choices": [], "score": NaN}', DEEP])
def test_an_answer_that_cannot_be_read_is_the_fault_of_the_upstream(
    serve: Serve, sent: str
) -> None:
    client = serve(answer=lambda _: httpx2.Response(200, text=sent))
    response = client.post("/v1/chat/completions", json=ASK)
    assert (response.status_code, response.json()["error"]["type"]) == (502, "upstream_error")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(OK + b"x-long: %s\r\n" % (b"y" * 9000), 200, id="a long header"),
        pytest.param(OK + b"x-many: y\r\n" * 150, 200, id="many headers"),
        pytest.param(b"nonsense\r\n", 502, id="unreadable"),
    ],
)
def test_reads_what_can_be_read_of_a_head(serve: Serve, head: bytes, status: int) -> None:
    with sending(head + b"\r\n" + json.dumps(STOP).encode()) as provider:
        response = serve(provider=provider).post("/v1/chat/completions", json=ASK)
    assert response.status_code == status
    assert (response.json() == STOP) == (status == 200)


@pytest.mark.parametrize("sent", ["<html>", "[]", "{}", '{"data": null}', '{"data": [{}]}'])
def test_a_list_that_cannot_be_read_is_the_fault_of_the_upstream(serve: Serve, sent: str) -> None:
    response = serve(answer=lambda _: httpx2.Response(200, text=sent)).get("/v1/models")
    assert (response.status_code, response.json()["error"]["type"]) == (502, "upstream_error")


@pytest.mark.parametrize("status", [404, 405, 501])
def test_says_where_there_are_no_embeddings(serve: Serve, status: int) -> None:
    client = serve(answer=lambda _: refusal(status))
    response = client.post("/v1/embeddings", json={"input": "hello"})
    error = response.json()["error"]
    assert (response.status_code, error["param"]) == (404, "model")
    assert "no embeddings" in error["message"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_does_not_reach_the_upstream(serve: Serve, path: str) -> None:
    calls: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        calls.append(request)
        return httpx2.Response(500)

    assert (serve(answer=answer).get(path).status_code, calls) == (200, [])
