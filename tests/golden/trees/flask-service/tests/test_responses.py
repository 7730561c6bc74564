"""OpenAI's Responses API: what it asks of the model, and how an answer is told."""

import json
from typing import Any

import httpx2
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from backend.ai.pieces import ToolCall
from backend.api import sse
from backend.errors import InvalidRequest
from backend.gateway.responses.events import ResponseStream
from backend.gateway.responses.request import ResponseRequest, to_chat
from backend.settings import Settings
from tests.conftest import Serve
from tests.test_upstream import STOP, stream_of

EVENT: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
HI = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "name": "look_up", "parameters": {"type": "object"}}
ORDER = {**TOOL, "name": "order"}
AS_SENT = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
CHOSEN = {"type": "function", "function": {"name": "look_up"}}
CALL = {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}
CALL_2, OUTPUT_2 = {**CALL, "call_id": "call_2"}, {**OUTPUT, "call_id": "call_2"}
CALLED = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
CALLED_2 = {**CALLED, "id": "call_2"}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}
RESULT_2 = {**RESULT, "tool_call_id": "call_2"}
PICTURE = {"type": "input_image", "image_url": "data:,", "detail": "low"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:,", "detail": "low"}}
NAMED_SCHEMA: dict[str, Any] = {"name": "P", "schema": {}}
SCHEMA = {"type": "json_schema", **NAMED_SCHEMA}
PLAIN = {"choices": [{"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}]}


def ask(client: httpx2.Client, **asked: object) -> httpx2.Response:
    return client.post("/v1/responses", json={"input": "hi", **asked})


def chunk(finish_reason: str | None = None, /, **delta: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def call(index: int | None, arguments: str, **function: object) -> dict[str, Any]:
    """A piece of a tool's call; it has a name, and so an id, in the first one."""
    named = {"id": f"call_{function['name']}"} if function else {}
    called = {"index": index, **named, "function": {"arguments": arguments, **function}}
    return chunk(tool_calls=[called])


def events(stream: str) -> list[dict[str, Any]]:
    """The events of a stream, each as OpenAI's own client takes it."""
    *frames, done, end = stream.split("\n\n")
    assert (done, end) == ("data: [DONE]", "")
    received = []
    for number, frame in enumerate(frames):
        kind, data = frame.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert (kind, event["sequence_number"]) == (f"event: {event['type']}", number)
        EVENT.validate_python(event)
        received.append(event)
    return received


def told(*chunks: object) -> list[dict[str, Any]]:
    """The events that tell of an answer in these chunks."""
    stream = ResponseStream(ResponseRequest(input="hi"))
    sent = [*stream.opening()]
    for each in chunks:
        sent += stream.events(json.dumps(each))
    return events("".join(sse.frame(*event) for event in [*sent, *stream.closing()]))


def sent(asked: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """What the model is asked."""
    request = ResponseRequest.model_validate({"input": "hi", **asked})
    return to_chat(request, Settings(**settings)).model_dump(exclude_unset=True)


def test_answers_whole(client: httpx2.Client) -> None:
    answer = Response.model_validate(ask(client, metadata={"a": "b"}).json())
    assert (answer.output_text, answer.status) == ("You said: hi", "completed")
    assert answer.metadata == {"a": "b"}
    assert answer.usage
    assert answer.usage.total_tokens > 0


def test_streams_the_same(client: httpx2.Client) -> None:
    received = events(ask(client, stream=True).text)
    deltas = [event["delta"] for event in received if event["type"].endswith("text.delta")]
    assert "".join(deltas) == "You said: hi"
    assert [event["type"].removeprefix("response.") for event in received] == [
        *("created", "in_progress", "output_item.added", "content_part.added"),
        *("output_text.delta" for _ in deltas),
        *("output_text.done", "content_part.done", "output_item.done", "completed"),
    ]


@pytest.mark.parametrize(
    ("asked", "messages"),
    [
        pytest.param({"input": ""}, [{"role": "user", "content": ""}], id="an empty text"),
        pytest.param(
            {"input": [{"role": "developer", "content": "b"}, HI], "instructions": "a"},
            [{"role": "system", "content": "a\n\nb"}, HI],
            id="instructions are one message",
        ),
        pytest.param({"input": [{**HI, "type": None, "id": None}]}, [HI], id="nulls"),
        pytest.param(
            {"input": [{**HI, "content": [{"type": "input_text", "text": "a"}, PICTURE]}]},
            [{**HI, "content": [{"type": "text", "text": "a"}, IMAGE]}],
            id="an image",
        ),
        pytest.param(
            {"input": [{"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}]},
            [{"role": "assistant", "content": "no"}],
            id="a refusal",
        ),
        pytest.param(
            {"input": [HI, {"role": "assistant", "content": "wait"}, CALL, OUTPUT]},
            [HI, {"role": "assistant", "content": "wait", "tool_calls": [CALLED]}, RESULT],
            id="a text, then a call",
        ),
        pytest.param(
            {"input": [CALL, {"type": "reasoning", "summary": []}, CALL_2, OUTPUT, HI, OUTPUT_2]},
            [
                {"role": "assistant", "content": None, "tool_calls": [CALLED, CALLED_2]},
                *(RESULT, RESULT_2, HI),
            ],
            id="calls with thoughts and a message between them",
        ),
        pytest.param(
            {"input": [CALL, {**OUTPUT, "output": [PICTURE]}]},
            [
                {"role": "assistant", "content": None, "tool_calls": [CALLED]},
                {**RESULT, "content": "[image]"},
                {"role": "user", "content": [IMAGE]},
            ],
            id="a tool that returns an image",
        ),
        pytest.param(
            {"input": [{"type": "item_reference", "id": "rs_1"}, {"type": "web_search_call"}, HI]},
            [HI],
            id="what no model takes back",
        ),
    ],
)
def test_sends_the_conversation(asked: dict[str, Any], messages: list[dict[str, Any]]) -> None:
    assert sent(asked)["messages"] == messages


@pytest.mark.parametrize(
    ("asked", "sent_on"),
    [
        pytest.param({"max_output_tokens": 20}, {"max_tokens": 20}, id="limit"),
        pytest.param({"temperature": 0, "top_p": None}, {"temperature": 0}, id="temperature"),
        pytest.param({"reasoning": {"effort": "low"}}, {"reasoning_effort": "low"}, id="effort"),
        pytest.param({"text": {"verbosity": "low"}}, {"verbosity": "low"}, id="verbosity"),
        pytest.param(
            {"text": {"format": SCHEMA}},
            {"response_format": {"type": "json_schema", "json_schema": NAMED_SCHEMA}},
            id="schema",
        ),
        pytest.param(
            {"tools": [TOOL], "tool_choice": {"type": "function", "name": "look_up"}},
            {"tools": [AS_SENT], "tool_choice": CHOSEN},
            id="a tool",
        ),
        pytest.param(
            {
                "tools": [TOOL, ORDER],
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "required",
                    "tools": [{"type": "function", "name": "look_up"}],
                },
            },
            {"tools": [AS_SENT], "tool_choice": "required"},
            id="the tools that are allowed",
        ),
        pytest.param(
            {"include": ["message.output_text.logprobs"], "top_logprobs": 2},
            {"logprobs": True, "top_logprobs": 2},
            id="logprobs",
        ),
        pytest.param({"tool_choice": "auto", "store": True, "metadata": {"a": "b"}}, {}, id="none"),
    ],
)
def test_sends_on_what_is_asked(asked: dict[str, Any], sent_on: dict[str, Any]) -> None:
    body = sent(asked, **{"llm_token_field": "max_tokens"})
    assert body == {**sent_on, "messages": [HI]}


def test_names_what_does_not_reach_the_model(client: httpx2.Client) -> None:
    tools = [TOOL, {"type": "web_search"}, {"type": "namespace", "tools": []}]
    response = ask(client, tools=tools, include=["reasoning.encrypted_content"], stop="x")
    assert response.headers["x-dropped-fields"].split(", ") == [
        *("include.reasoning.encrypted_content", "stop", "tools.namespace", "tools.web_search")
    ]
    [echoed] = response.json()["tools"]
    assert echoed == {**TOOL, "description": None, "strict": None}


def test_passes_on_what_the_settings_name() -> None:
    assert sent({"top_k": 5}, **{"pass_on": "top_k"})["top_k"] == 5


@pytest.mark.parametrize("value", [0, "many", float("inf"), [float("-inf")]])
def test_looks_at_what_it_passes_on(value: object) -> None:
    assert "n" not in sent({"n": value})
    with pytest.raises(InvalidRequest) as refused:
        sent({"n": value}, **{"pass_on": "n"})
    assert refused.value.param == "n"


REFERENCE = {"type": "item_reference", "id": "msg_1"}
UNKNOWN_CHOICE = {"type": "function", "name": "another"}


@pytest.mark.parametrize(
    ("asked", "param", "says"),
    [
        pytest.param({"input": None}, "input", "input", id="nothing"),
        pytest.param({"input": []}, "input", "at least 1 item", id="an empty list"),
        pytest.param({"input": ["hi"]}, "input", "input[0]", id="an item that is a text"),
        pytest.param({"input": [{"content": "x"}]}, "input", "input[0].role", id="nobody says it"),
        pytest.param(
            {"input": [HI, {**HI, "content": [PICTURE, {"type": "input_image"}]}]},
            "input",
            "input[1].content[1].image_url: Field required",
            id="an image without an address",
        ),
        pytest.param({"input": [{"type": "compaction"}]}, "input", "input[0]", id="another item"),
        pytest.param({"input": [{"type": "reasoning"}]}, "input", "nothing", id="only thoughts"),
        pytest.param(
            {"input": [{**HI, "message": [], "content": [{"type": "input_text"}]}]},
            "input",
            "Field required",
            id="a field that is called as a form is",
        ),
        pytest.param({"input": [CALL]}, "input", "input[0]: the call", id="a call, no output"),
        pytest.param({"input": [OUTPUT]}, "input", "input[0]: there is no call", id="no call"),
        pytest.param({"input": [OUTPUT, CALL]}, "input", "input[1]: the call", id="too early"),
        pytest.param({"input": [REFERENCE]}, "input", "store: false", id="a reference"),
        pytest.param({"background": True}, "background", "store: false", id="background"),
        pytest.param({"conversation": {}}, "conversation", "store: false", id="a conversation"),
        pytest.param({"prompt": {"id": "x"}}, "prompt", "store: false", id="a stored prompt"),
        pytest.param(
            {"input": None, "previous_response_id": "resp_1"},
            "previous_response_id",
            "'resp_1'",
            id="a response before it",
        ),
        pytest.param({"tools": [{"type": "mcp"}]}, "tools", "tools[0]", id="another tool"),
        pytest.param({"tools": [{"type": "web_search"}]}, "tools", "tool", id="no tool is left"),
        pytest.param(
            {"tools": [TOOL, {"type": "web_search"}], "tool_choice": {"type": "web_search"}},
            "tools",
            "tool",
            id="a tool that must run and cannot",
        ),
        pytest.param({"tool_choice": "required"}, "tool_choice", "no tool", id="no tool"),
        pytest.param(
            {"tools": [TOOL], "tool_choice": UNKNOWN_CHOICE},
            "tool_choice",
            "'another'",
            id="a tool that there is not",
        ),
        pytest.param({"reasoning": "low"}, "reasoning", "reasoning", id="a text"),
        pytest.param({"text": {"format": {"type": "xml"}}}, "text", "text.format", id="a format"),
        pytest.param({"max_output_tokens": 0}, "max_output_tokens", "greater", id="zero"),
    ],
)
def test_names_what_is_at_fault(asked: dict[str, Any], param: str, says: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        sent(asked)
    assert refused.value.param == param
    assert says in refused.value.message


def test_never_repeats_what_was_sent() -> None:
    secret = {"type": "a secret", "role": "a secret", "content": "a secret"}
    for asked in ({"input": [secret]}, {"tools": [secret]}, {"prompt": "a secret"}):
        with pytest.raises(InvalidRequest, match=r"^((?!a secret).)*$"):
            sent(asked)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("asked", "says"),
    [
        pytest.param({"input": None}, "input", id="no input"),
        pytest.param({"input": [HI, HI, HI]}, "MAX_MESSAGES", id="too many messages"),
        pytest.param({}, "too long", id="by the model"),
    ],
)
def test_refuses_in_the_shape_of_every_error(
    serve: Serve, asked: dict[str, Any], says: str, stream: bool
) -> None:
    error = {"message": "too long", "param": "messages[0].content"}
    refused = httpx2.Response(400, json={"error": error})
    client = serve(answer=lambda _: refused, max_messages=2)
    response = ask(client, stream=stream, **asked)
    told = response.json()["error"]
    assert (response.status_code, told["type"]) == (400, "invalid_request_error")
    assert told["param"] == "input"
    assert says in told["message"]


@pytest.mark.parametrize(
    "indices",
    [pytest.param((0, 1), id="counted"), pytest.param((None, None), id="not counted")],
)
def test_tells_thoughts_a_text_and_calls(indices: tuple[int, int]) -> None:
    first, second = indices
    received = told(
        chunk(reasoning_content="Hm"),
        chunk(content="Let me"),
        call(first, '{"a": 1}', name="look_up"),
        call(second, '{"b": 2}', name="order"),
        chunk("tool_calls"),
    )
    output = received[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["reasoning", "message", *["function_call"] * 2]
    assert output[0]["summary"] == [{"type": "summary_text", "text": "Hm"}]
    assert [(item["name"], item["arguments"]) for item in output[2:]] == [
        ("look_up", '{"a": 1}'),
        ("order", '{"b": 2}'),
    ]
    done = [event["item"] for event in received if event["type"] == "response.output_item.done"]
    assert done == output
    assert {item["status"] for item in output} == {"completed"}


def test_keeps_calls_whole_that_are_made_in_turns() -> None:
    received = told(
        *(call(0, '{"a"', name="look_up"), call(1, '{"b"', name="order")),
        *(call(0, ":1}"), call(1, ":2}"), chunk("tool_calls")),
    )
    output = received[-1]["response"]["output"]
    assert [item["arguments"] for item in output] == ['{"a":1}', '{"b":2}']


def test_looks_once_at_each_call_that_is_not_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []

    def look(call: ToolCall) -> None:
        looked.append(call.name)
        raise ValueError

    monkeypatch.setattr(ToolCall, "parsed", look)
    told(*(call(index, "{", name=f"f{index}") for index in range(50)))
    assert len(looked) <= 2 * 50


@pytest.mark.parametrize(
    ("chunks", "output", "status"),
    [
        pytest.param(
            [chunk(refusal="No"), chunk("stop")],
            {"content": [{"type": "refusal", "refusal": "No"}], "status": "completed"},
            "completed",
            id="a refusal",
        ),
        pytest.param(
            [call(0, "", name="look_up"), chunk("tool_calls")],
            {"arguments": "{}", "call_id": "call_look_up", "status": "completed"},
            "completed",
            id="a call without arguments",
        ),
        pytest.param(
            [call(0, '{"a', name="look_up"), chunk("length")],
            {"arguments": '{"a', "status": "incomplete"},
            "incomplete",
            id="cut off in a call",
        ),
        pytest.param(
            [chunk("content_filter", content="Hel")],
            {"type": "message", "status": "incomplete"},
            "incomplete",
            id="held back",
        ),
        pytest.param([STOP], {"type": "message", "status": "completed"}, "completed", id="nothing"),
    ],
)
def test_tells_how_an_answer_ends(
    chunks: list[object], output: dict[str, Any], status: str
) -> None:
    last = told(*chunks)[-1]
    assert (last["type"], last["response"]["status"]) == (f"response.{status}", status)
    [item] = last["response"]["output"]
    assert {**item, **output} == item


def test_tells_of_a_failure_in_both_forms(serve: Serve) -> None:
    client = serve(answer=lambda _: stream_of(chunk(content="Hel"), "no JSON"))
    *_, item, error, failed = events(ask(client, stream=True).text)
    assert item["item"]["status"] == "incomplete"
    assert error["message"] == error["error"]["message"] == "The model sent a malformed event"
    assert (failed["type"], failed["response"]["status"]) == ("response.failed", "failed")
    assert failed["response"]["error"]["code"] == "server_error"


@pytest.mark.parametrize("usage", [{"prompt_tokens": "many"}, {"prompt_tokens_details": 5}])
def test_takes_no_other_usage_than_counts(serve: Serve, usage: dict[str, object]) -> None:
    answer = httpx2.Response(200, json={**PLAIN, "usage": usage})
    response = Response.model_validate(ask(serve(answer=lambda _: answer)).json())
    assert response.usage
    assert response.usage.total_tokens == 0


@pytest.mark.parametrize("stream", [True, False])
def test_counts_against_the_same_budget(serve: Serve, stream: bool) -> None:
    client = serve(tokens_per_day=300, max_tokens=200)
    statuses = [ask(client, stream=stream, max_output_tokens=200).status_code for _ in range(20)]
    assert statuses[0] == 200
    assert statuses[-1] == 429
