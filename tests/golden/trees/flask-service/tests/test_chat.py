"""Chat completions, answered by the offline model."""

import json
import time
from typing import Any

import httpx2
import pytest

from backend.ai.provider import OfflineProvider
from backend.api import sse
from tests.conftest import Serve

ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "one two three"}]}
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
LONG = [{"role": "user", "content": "long " * 5_000}]
ABOUT = {"created": 0, "owned_by": "unknown"}
SCHEMA = {"type": "object", "properties": {"total": {"type": "number"}}}


def chat(client: httpx2.Client, **options: Any) -> httpx2.Response:
    return client.post("/v1/chat/completions", json={**ASK, **options})


def events(response: httpx2.Response) -> list[str]:
    return [line.removeprefix("data: ") for line in response.text.splitlines() if line]


@pytest.mark.parametrize("options", [{}, {"stream": False}, {"stream": None}])
def test_answers(client: httpx2.Client, options: dict[str, Any]) -> None:
    answer = chat(client, **options).json()
    assert answer["model"] == "offline-echo"
    assert answer["choices"][0]["message"]["content"] == "You said: one two three"
    assert answer["usage"]["total_tokens"] > 0


def test_streams_the_same_answer(client: httpx2.Client) -> None:
    response = chat(client, stream=True)
    *chunks, last = events(response)
    deltas = [json.loads(chunk)["choices"][0]["delta"] for chunk in chunks]
    assert "".join(delta.get("content", "") for delta in deltas) == "You said: one two three"
    assert last == "[DONE]"
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-accel-buffering"] == "no"


def test_the_first_event_arrives_before_the_last_is_made(serve: Serve) -> None:
    client = serve(provider=OfflineProvider(pause=0.1))
    with client.stream("POST", "/v1/chat/completions", json={**ASK, "stream": True}) as response:
        arrivals = [time.monotonic() for line in response.iter_lines() if line]
    assert arrivals[-1] - arrivals[0] > 0.3


def test_pings_while_the_model_is_silent(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "PING_SECONDS", 0.1)
    response = chat(serve(provider=OfflineProvider(pause=0.5)), stream=True, max_tokens=1)
    assert ": ping" in response.text.split("\n\n")
    assert response.text.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("wanted", [True, False])
def test_streams_usage_where_it_is_asked_for(client: httpx2.Client, wanted: bool) -> None:
    options = {"stream_options": {"include_usage": True}} if wanted else {}
    chunks = [json.loads(event) for event in events(chat(client, stream=True, **options))[:-1]]
    assert any("usage" in chunk for chunk in chunks) == wanted


def test_calls_the_first_tool_and_then_answers(client: httpx2.Client) -> None:
    first = chat(client, tools=[TOOL]).json()["choices"][0]
    assert first["finish_reason"] == "tool_calls"
    called = first["message"]["tool_calls"][0]
    assert called["function"] == {"name": "weather", "arguments": '{"city": "city"}'}
    result = {"role": "tool", "tool_call_id": called["id"], "content": "sunny"}
    messages = [*ASK["messages"], first["message"], result]
    second = chat(client, tools=[TOOL], messages=messages).json()["choices"][0]
    assert second["message"]["content"] == "You said: sunny"


def test_fills_in_a_schema(client: httpx2.Client) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "invoice", "schema": SCHEMA}}
    content = chat(client, response_format=wanted).json()["choices"][0]["message"]["content"]
    assert json.loads(content) == {"total": 0}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"stop": " two"}, "You said: one", id="one"),
        pytest.param({"stop": ["three", "one"]}, "You said: ", id="the first of several"),
        pytest.param({"stop": [*"vxyz", "one"]}, "You said: one two three", id="a fifth"),
        pytest.param({"stop": ["four", ""]}, "You said: one two three", id="none that occurs"),
        pytest.param({"stop": "two", "max_tokens": 3}, "You said: one", id="one beyond the limit"),
    ],
)
def test_stops_where_it_is_told_to(
    client: httpx2.Client, options: dict[str, Any], said: str, stream: bool
) -> None:
    response = chat(client, stream=stream, **options)
    assert contents(response, stream) == {0: said}


@pytest.mark.parametrize("stream", [False, True])
def test_gives_as_many_answers_as_are_asked_for(client: httpx2.Client, stream: bool) -> None:
    response = chat(client, stream=stream, n=3)
    assert contents(response, stream) == dict.fromkeys(range(3), "You said: one two three")


@pytest.mark.parametrize("stream", [False, True])
def test_answers_in_json_where_it_is_asked_to(client: httpx2.Client, stream: bool) -> None:
    response = chat(client, stream=stream, response_format={"type": "json_object"})
    assert json.loads(contents(response, stream)[0]) == {"answer": "You said: one two three"}


def contents(response: httpx2.Response, stream: bool) -> dict[int, str]:
    """Returns what each choice of an answer says."""
    if not stream:
        choices = response.json()["choices"]
        return {choice["index"]: choice["message"]["content"] for choice in choices}
    said: dict[int, str] = {}
    for chunk in events(response)[:-1]:
        for choice in json.loads(chunk)["choices"]:
            said.setdefault(choice["index"], "")
            said[choice["index"]] += choice["delta"].get("content", "")
    return said


def test_says_when_it_answered(client: httpx2.Client) -> None:
    before = int(time.time())
    created = chat(client).json()["created"]
    assert before <= created <= time.time()


@pytest.mark.parametrize("limit", [3, 3.0])
def test_stops_at_the_limit(client: httpx2.Client, limit: float) -> None:
    choice = chat(client, max_tokens=limit).json()["choices"][0]
    assert choice["message"]["content"] == "You said: one"
    assert choice["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("options", "param", "status"),
    [
        pytest.param({"messages": []}, "messages", 422, id="no message"),
        pytest.param({"messages": ASK["messages"] * 3}, "messages", 400, id="too many messages"),
        pytest.param({"messages": [{"role": "king"}]}, "messages.0.role", 422, id="unknown role"),
        pytest.param({"max_tokens": 0}, "max_tokens", 422, id="no tokens"),
        pytest.param({"max_tokens": "9"}, "max_tokens", 422, id="a text for a number"),
        pytest.param({"max_tokens": True}, "max_tokens", 422, id="a truth for a number"),
        pytest.param({"stream": 1}, "stream", 422, id="a number for a truth"),
        pytest.param({"n": 129}, "n", 422, id="too many answers"),
        pytest.param({"model": "another"}, "model", 400, id="a model that is not allowed"),
    ],
)
def test_refuses_and_names_the_field(
    serve: Serve, options: dict[str, Any], param: str, status: int
) -> None:
    client = serve(max_messages=2, allowed_models="offline-echo", llm_model="offline-echo")
    response = chat(client, **options)
    assert (response.status_code, response.json()["error"]["param"]) == (status, param)


def test_refuses_an_infinite_number(client: httpx2.Client) -> None:
    body = json.dumps({**ASK, "temperature": 0.5}).replace("0.5", "1e400")
    headers = {"content-type": "application/json"}
    response = client.post("/v1/chat/completions", content=body, headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "finite_number")


def test_accepts_as_many_messages_as_it_says(serve: Serve) -> None:
    assert chat(serve(max_messages=2), messages=ASK["messages"] * 2).status_code == 200


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"tools": [{"function": {"parameters": {}}}]}, id="a tool with no name"),
        pytest.param({"tools": [1]}, id="a tool that is a number"),
        pytest.param({"response_format": "json"}, id="a format that is a text"),
        pytest.param({"response_format": {"type": "json_schema"}}, id="a format with no schema"),
        pytest.param({"response_format": {"type": "prose"}}, id="a format that is none"),
        pytest.param({"stop": 1}, id="a mark that is a number"),
        pytest.param({"n": 128, "messages": LONG}, id="more than anybody reads"),
    ],
)
def test_refuses_what_no_model_accepts(
    client: httpx2.Client, options: dict[str, Any], stream: bool
) -> None:
    assert chat(client, stream=stream, **options).status_code == 400


def test_never_repeats_the_prompt_in_an_error(client: httpx2.Client) -> None:
    response = chat(client, messages=[{"role": "a secret role", "content": "a secret plan"}])
    assert response.status_code == 422
    assert "secret" not in response.text


def test_lists_the_models(serve: Serve) -> None:
    allowed = serve(allowed_models="b,a", llm_model="a").get("/v1/models").json()
    models = [{"id": name, "object": "model", **ABOUT} for name in ("a", "b")]
    assert allowed == {"object": "list", "data": models}
    assert [model["id"] for model in serve().get("/v1/models").json()["data"]] == ["offline-echo"]


def test_shows_a_model(serve: Serve) -> None:
    client = serve(allowed_models="a,maker/b", llm_model="a")
    shown = {"id": "maker/b", "object": "model", **ABOUT}
    assert client.get("/v1/models/maker/b").json() == shown
    assert client.get("/v1/models/maker%2Fb").json() == shown
    unknown = client.get("/v1/models/maker/c")
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == "model_not_found"
