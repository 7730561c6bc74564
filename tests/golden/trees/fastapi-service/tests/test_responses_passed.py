"""`LLM_RESPONSES=pass`: the model makes responses itself, and the service watches."""

import json
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from tests.conftest import Serve
from tests.serving import Answer, WholeStream

ASK = {"input": "hi", "store": False}
USAGE = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "error": None,
    "store": False,
    "previous_response_id": None,
}
ANSWER = {**RESPONSE, "output": [{"type": "message"}], "usage": USAGE}
CREATED = {"type": "response.created", "sequence_number": 0, "response": RESPONSE}
DELTA = {"type": "response.output_text.delta", "sequence_number": 1, "delta": "Hello"}
COMPLETED = {"type": "response.completed", "sequence_number": 2, "response": ANSWER}
FAILED = {"type": "response.failed", "sequence_number": 2, "response": {"error": "overloaded"}}


class Upstream:
    """Answers with these events, or whole, and keeps what it was sent."""

    def __init__(self, *events: object) -> None:
        self.asked: list[dict[str, Any]] = []
        self._events = events

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        assert request.url.path == "/v1/responses"
        self.asked.append(json.loads(request.content))
        if not self.asked[-1].get("stream"):
            return httpx2.Response(200, json=ANSWER)
        sent = "".join(f"event: x\ndata: {json.dumps(event)}\n\n" for event in self._events)
        headers = {"content-type": "text/event-stream"}
        return httpx2.Response(200, headers=headers, stream=WholeStream(sent.encode()))


def passing(serve: Serve, upstream: Answer, **settings: Any) -> httpx2.Client:
    model = {"llm_api_key": "test", "llm_base_url": "http://upstream/v1", "llm_model": "some-model"}
    return serve(answer=upstream, llm_responses="pass", **{**model, **settings})


def events(client: httpx2.Client) -> list[dict[str, Any]]:
    """The events of a stream, each by its own name."""
    frames = client.post("/v1/responses", json={**ASK, "stream": True}).text.split("\n\n")
    assert frames[-2:] == ["data: [DONE]", ""]
    found = []
    for frame in frames[:-2]:
        name, data = frame.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


def test_passes_an_answer_on(serve: Serve) -> None:
    client = passing(serve, Upstream())
    assert client.post("/v1/responses", json=ASK).json() == ANSWER


def test_passes_a_stream_on(serve: Serve) -> None:
    assert events(passing(serve, Upstream(CREATED, DELTA, COMPLETED))) == [
        CREATED,
        DELTA,
        COMPLETED,
    ]


@pytest.mark.parametrize("ending", [(), (FAILED,), ("no event",), ({"error": "overloaded"},)])
def test_a_stream_that_breaks_ends_with_an_error(serve: Serve, ending: tuple[object, ...]) -> None:
    created, delta, error, failed = events(passing(serve, Upstream(CREATED, DELTA, *ending)))
    assert (created, delta) == (CREATED, DELTA)
    assert [error["sequence_number"], failed["sequence_number"]] == [2, 3]
    assert error["error"]["type"] == "upstream_error"
    assert (failed["type"], failed["response"]["id"]) == ("response.failed", "resp_1")
    assert "overloaded" not in json.dumps([error, failed])


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        pytest.param({}, {"model": "some-model", "max_output_tokens": 50}, id="a model, a limit"),
        pytest.param({"max_output_tokens": 9}, {"max_output_tokens": 9}, id="a lower limit"),
        pytest.param({"max_output_tokens": 99}, {"max_output_tokens": 50}, id="no higher one"),
        pytest.param({"store": True}, {"store": False}, id="stores nothing"),
        pytest.param(
            {"tools": [{"type": "web_search", "size": 1}]},
            {"tools": [{"type": "web_search", "size": 1}]},
            id="tools that only the model can run",
        ),
        pytest.param(
            {"input": [{"type": "reasoning", "encrypted_content": "x", "summary": []}]},
            {"input": [{"type": "reasoning", "encrypted_content": "x", "summary": []}]},
            id="its thoughts",
        ),
        pytest.param(
            {"input": [{"type": "item_reference", "id": "rs_1"}, {"role": "user", "content": "a"}]},
            {"input": [{"role": "user", "content": "a"}]},
            id="no reference to them",
        ),
        pytest.param({"include": ["x"], "text": None}, {"include": ["x"]}, id="and nothing null"),
    ],
)
def test_sends_what_was_asked(serve: Serve, asked: dict[str, Any], sent: dict[str, Any]) -> None:
    upstream = Upstream()
    client = passing(serve, upstream, llm_model="some-model", max_tokens=50)
    assert client.post("/v1/responses", json={**ASK, **asked}).status_code == 200
    expected = {**ASK, "model": "some-model", "max_output_tokens": 50, "store": False, **sent}
    assert upstream.asked == [expected]


def test_unknown_fields_are_dropped_and_named(serve: Serve) -> None:
    upstream = Upstream()
    answer = passing(serve, upstream).post("/v1/responses", json={**ASK, "guess": 1})
    assert (answer.headers["x-dropped-fields"], "guess" in upstream.asked[0]) == ("guess", False)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"model": "another"}, "model"),
        ({"input": [{"role": "user", "content": "a"}] * 3}, "input"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"background": True}, "background"),
        ({"input": 5}, "input"),
    ],
)
def test_refuses_what_a_chat_could_not_do(serve: Serve, asked: dict[str, Any], param: str) -> None:
    upstream = Upstream()
    client = passing(
        serve, upstream, llm_model="some-model", allowed_models="some-model", max_messages=2
    )
    answer = client.post("/v1/responses", json={**ASK, **asked})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert not upstream.asked


@pytest.mark.parametrize("stream", [False, True])
def test_is_counted_and_logged(serve: Serve, *, stream: bool) -> None:
    client = passing(serve, Upstream(CREATED, DELTA, COMPLETED), log_level="INFO")
    with capture_logs() as logs:
        client.post("/v1/responses", json={**ASK, "stream": stream})
    assert client.get("/v1/usage").json()["tokens"]["used"] == 7
    [call] = [line for line in logs if line["event"] == "model_call"]
    assert (call["outcome"], call["prompt_tokens"], call["completion_tokens"]) == ("ok", 3, 4)


def test_an_image_costs_no_token_for_each_of_its_bytes(serve: Serve) -> None:
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{'A' * 40_000}"}
    asked = {"input": [{"role": "user", "content": [image]}]}
    client = passing(serve, Upstream(), tokens_per_day=6000)
    assert client.post("/v1/responses", json=asked).status_code == 200


def test_a_provider_without_responses_is_told_in_the_log(serve: Serve) -> None:
    def no_route(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(404, json={"error": {"message": "no route"}})

    client = passing(serve, no_route)
    with capture_logs() as logs:
        assert client.post("/v1/responses", json=ASK).status_code == 404
    [failed] = [line for line in logs if line["event"] == "model_failed"]
    assert failed["fix"] == "LLM_RESPONSES: the model may have no API for responses"


def test_the_offline_model_is_asked_for_a_chat(serve: Serve) -> None:
    answer = serve(llm_responses="pass").post("/v1/responses", json=ASK).json()
    assert answer["output"][0]["content"][0]["text"] == "You said: hi"
