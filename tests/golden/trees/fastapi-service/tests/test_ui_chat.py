"""The AI SDK's UI message stream."""

import json
from typing import Any

import httpx2
import pytest

from tests.conftest import Serve
from tests.models import Scripted

PDF = "data:application/pdf;base64,JVBERg=="

TEXT = {"type": "text", "text": "hi"}
PICTURE = {"type": "file", "mediaType": "image/png", "filename": "a.png", "url": "data:,"}
LETTER = {"type": "file", "mediaType": "application/pdf", "url": "data:,"}
NOTES = {"type": "file", "mediaType": "text/plain", "filename": "a.txt"}
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
PLAIN = {"messages": [{"role": "user", "content": "hi"}]}


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
    assert received[0]["messageId"]
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


def test_the_model_is_told_first_what_the_assistant_is_to_do(serve: Serve) -> None:
    model = Scripted("Hello", "Bye")
    client = serve(answer=model, system="Speak of lamps.", max_messages=1)
    assert client.post("/api/chat", json=ASK).is_success
    told = {"role": "system", "content": "Speak of lamps."}
    assert model.asked[0]["messages"] == [told, {"role": "user", "content": "hi"}]
    assert client.post("/v1/chat/completions", json=PLAIN).is_success  # that is the client's own
    assert model.asked[1]["messages"] == PLAIN["messages"]


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
    ("part", "told"),
    [
        pytest.param(LETTER, "The file (application/pdf)", id="a PDF"),
        pytest.param({**LETTER, "filename": "a.pdf"}, "a.pdf (application/pdf)", id="by its name"),
        pytest.param({**PICTURE, "mediaType": "image/heic"}, "(image/heic)", id="an odd image"),
        pytest.param({**PICTURE, "url": "blob:https://a/b"}, "a.png", id="of the page alone"),
        pytest.param({**LETTER, "mediaType": "video/mp4"}, "(video/mp4)", id="a film"),
        pytest.param({**NOTES, "url": "data:text/plain;base64,/w=="}, "UTF-8", id="not UTF-8"),
        pytest.param({**NOTES, "url": "data:text/plain;base64,x"}, "not whole", id="cut off"),
        pytest.param({**NOTES, "url": "http://127.0.0.1/a"}, "data URL", id="somewhere else"),
        pytest.param({**NOTES, "url": "data:," + "%41" * 100_001}, "base64", id="escapes"),
        pytest.param({"type": "file"}, "no address", id="nothing"),
        pytest.param({"type": "file", "url": 1, "mediaType": []}, "no address", id="odd values"),
    ],
)
def test_refuses_a_file_once_and_in_words(serve: Serve, part: dict[str, Any], told: str) -> None:
    client = serve(llm_files="image/png")
    asked = conversation(TEXT, part)["messages"]
    refused = client.post("/api/chat", json={"messages": asked})
    error = refused.json()["error"]
    assert (refused.status_code, error["param"]) == (422, "messages.0.parts")
    assert told in error["message"]
    later = client.post("/api/chat", json={"messages": [*asked, *ASK["messages"]]})
    assert parts(later)[-1] == {"type": "finish", "finishReason": "stop"}


@pytest.mark.parametrize(
    "part",
    [
        pytest.param([], id="nothing"),
        pytest.param(SHOWN, id="nothing for the model"),
        pytest.param([{"type": "text", "text": ""}], id="an empty text"),
        pytest.param([{"type": "text"}], id="no text"),
        pytest.param(["a text", 1, None, {"type": []}, {}], id="no parts"),
    ],
)
def test_refuses_a_message_that_holds_nothing(client: httpx2.Client, part: list[Any]) -> None:
    response = client.post("/api/chat", json=conversation(*part))
    error = response.json()["error"]
    assert (response.status_code, error["param"]) == (422, "messages.0")
    assert "no text" in error["message"]


def test_tells_the_model_of_a_file_that_it_was_not_given(serve: Serve) -> None:
    messages = conversation(LETTER)["messages"] + ASK["messages"]
    [asked, _] = asked_of_the_model(serve, messages, llm_files="none")
    assert asked["content"] == "[The file (application/pdf) was not given to the model]"


@pytest.mark.parametrize(
    ("kind", "url", "given"),
    [
        pytest.param(
            "application/pdf",
            PDF,
            {"type": "file", "file": {"filename": "a", "file_data": PDF}},
            id="a PDF",
        ),
        pytest.param(
            "audio/x-wav",
            "data:audio/x-wav;base64,UklG",
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
            id="audio",
        ),
        pytest.param("text/csv", "data:text/csv;base64,YSxi", "[a]\na,b\n", id="text"),
        pytest.param("text/plain;charset=utf-8", "data:,a%20b", "[a]\na b\n", id="not packed"),
        pytest.param("", "data:application/json;base64,e30=", "[a]\n{}\n", id="said by the URL"),
    ],
)
def test_gives_the_model_what_it_reads(serve: Serve, kind: str, url: str, given: object) -> None:
    part = {"type": "file", "mediaType": kind, "filename": "a", "url": url}
    files = "application/pdf,audio/wav"
    [asked] = asked_of_the_model(serve, conversation(part)["messages"], llm_files=files)
    assert asked["content"] == (given if isinstance(given, str) else [given])


def test_tells_the_model_what_its_tools_answered(serve: Serve) -> None:
    call = {"toolCallId": "1", "input": {"city": "Rome"}}
    done = {**call, "type": "tool-weather", "state": "output-available", "output": {"sunny": True}}
    steps = [
        {"type": "step-start"},
        {"type": "text", "text": "I look"},
        done,
        {"type": "step-start"},
        {
            **call,
            "type": "dynamic-tool",
            "toolName": "a.b",
            "state": "output-error",
            "errorText": "e",
        },
        {**call, "type": "tool-c", "state": "approval-responded", "approval": {"approved": False}},
        {**call, "type": "tool-open", "state": "input-available"},
        {**call, "type": "tool-asked", "state": "approval-requested", "approval": {"id": "1"}},
        {"type": "steering-message", "id": "2", "parts": [TEXT]},
    ]
    messages = conversation(*steps, role="assistant")["messages"]
    sent = asked_of_the_model(serve, [*ASK["messages"], *messages, *ASK["messages"]])
    told = [(each["role"], each["content"]) for each in sent]
    assert told == [
        ("user", "hi"),
        ("assistant", "I look"),
        ("tool", '{"sunny": true}'),
        ("assistant", None),
        ("tool", "e"),
        ("tool", "The user did not allow this call."),
        ("user", "hi"),
        ("user", "hi"),
    ]
    [function] = [each["function"] for each in sent[1]["tool_calls"]]
    assert function == {"name": "weather", "arguments": '{"city": "Rome"}'}
    assert [each["function"]["name"] for each in sent[3]["tool_calls"]] == ["a_b", "c"]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param({"role": "data", "parts": [TEXT]}, id="a role of old"),
        pytest.param({"role": "assistant", "parts": []}, id="no parts"),
        pytest.param({"role": "assistant"}, id="not even a list"),
        pytest.param({"role": "assistant", "parts": [PICTURE, *SHOWN]}, id="only shown"),
        pytest.param({"role": "assistant", "parts": [1, {"type": "tool-x"}]}, id="odd parts"),
        pytest.param(
            {"role": "assistant", "id": 7, "parts": [{"type": "custom", "kind": "a.b"}]},
            id="custom",
        ),
    ],
)
def test_leaves_out_of_the_past_what_is_not_for_the_model(
    serve: Serve, message: dict[str, Any]
) -> None:
    sent = asked_of_the_model(serve, [*ASK["messages"], message, *ASK["messages"]])
    assert sent == [{"role": "user", "content": "hi"}] * 2


def asked_of_the_model(serve: Serve, messages: list[Any], **settings: str) -> list[Any]:
    """Returns what the model is sent of a conversation."""
    sent: list[Any] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.extend(json.loads(request.content)["messages"])
        return httpx2.Response(200, text="data: [DONE]\n\n")

    response = serve(answer=answer, **settings).post("/api/chat", json={"messages": messages})
    assert response.status_code == 200, response.text
    return sent


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


def answered_with(serve: Serve, *deltas: Any, reason: str | None = "stop") -> list[dict[str, Any]]:
    """Returns the parts of an answer that a model gave in these deltas."""
    chunks: list[Any] = [{"delta": delta, "finish_reason": None} for delta in deltas]
    chunks.append({"delta": {}, "finish_reason": reason})
    text = "".join(f"data: {json.dumps({'choices': [chunk]})}\n\n" for chunk in chunks)
    sent = httpx2.Response(200, text=f"{text}data: [DONE]\n\n")
    return parts(serve(answer=lambda _: sent).post("/api/chat", json=ASK))


def cited(**page: Any) -> dict[str, Any]:
    return {"annotations": [{"type": "url_citation", "url_citation": page}]}


def test_names_the_sources_of_an_answer_once(serve: Serve) -> None:
    received = answered_with(
        serve,
        {"content": "So it is"},
        cited(url="https://a.example/b", title="A page", start_index=0),
        cited(url="http://c.example", title=None),
        cited(url="https://a.example/b", title="A page", start_index=4),
        cited(url="javascript:alert(1)"),
        cited(url=None),
        {"annotations": [{"type": "file_citation"}, None]},
        {"annotations": "none"},
        {"content": "."},
    )
    sources = [each for each in received if each["type"] == "source-url"]
    assert [(each["sourceId"], each["url"], each.get("title")) for each in sources] == [
        ("source-1", "https://a.example/b", "A page"),
        ("source-2", "http://c.example", None),
    ]
    assert "title" not in sources[1]
    assert shown(received) == [("text", "So it is.")]


def shown(received: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Returns what is said in each part, with its kind."""
    said: dict[str, str] = {}
    for each in received:
        if "delta" in each:
            said[each["id"]] = said.get(each["id"], "") + each["delta"]
    return [(part_id.partition("-")[0], text) for part_id, text in said.items()]


@pytest.mark.parametrize(
    ("deltas", "said"),
    [
        pytest.param([{"refusal": "No"}, {"refusal": "."}], [("text", "No.")], id="a refusal"),
        pytest.param(
            [{"reasoning_content": "hm"}, {"content": "Hi"}],
            [("reasoning", "hm"), ("text", "Hi")],
            id="reasoning",
        ),
        pytest.param(
            [{"reasoning": "a", "content": ""}, {"content": "b"}, {"reasoning": "c"}],
            [("reasoning", "a"), ("text", "b"), ("reasoning", "c")],
            id="in turns",
        ),
        pytest.param(
            [{"content": [{"type": "text", "text": "Hi"}, {"type": "image"}, 1]}],
            [("text", "Hi")],
            id="a list",
        ),
        pytest.param(
            [
                {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
                {"content": [{"type": "refusal", "refusal": "No"}]},
            ],
            [("reasoning", "hm"), ("text", "No")],
            id="thinking in a list",
        ),
        pytest.param([None, "x", {"content": 1}, {"content": "Hi"}], [("text", "Hi")], id="odd"),
    ],
)
def test_shows_whatever_the_model_says(
    serve: Serve, deltas: list[Any], said: list[tuple[str, str]]
) -> None:
    received = answered_with(serve, *deltas)
    assert shown(received) == said
    started = [each["id"] for each in received if each["type"].endswith("-start") and "id" in each]
    assert started == [each["id"] for each in received if each["type"].endswith("-end")]
    assert received[-1]["type"] == "finish"
    assert None not in [value for each in received for value in each.values()]


def test_a_refusal_is_told_as_one(serve: Serve) -> None:
    assert answered_with(serve, {"refusal": "No"})[-1]["finishReason"] == "content-filter"


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        pytest.param("stop", "The model gave no answer", id="no reason"),
        pytest.param("length", "The model reached its limit before it answered", id="too long"),
        pytest.param("content_filter", "The model's provider held the answer back", id="held back"),
    ],
)
@pytest.mark.parametrize("deltas", [[], [{"content": ""}], [{"reasoning": "hm"}]])
def test_an_empty_answer_is_told_as_an_error(
    serve: Serve, deltas: list[Any], reason: str, told: str
) -> None:
    received = answered_with(serve, *deltas, reason=reason)
    assert received[-1] == {"type": "error", "errorText": told}


def piece(arguments: str, **call: Any) -> dict[str, Any]:
    name = {"name": call.pop("name")} if "name" in call else {}
    return {"tool_calls": [{**call, "function": {**name, "arguments": arguments}}]}


@pytest.mark.parametrize(
    ("deltas", "inputs"),
    [
        pytest.param(
            [piece('{"a"', index=0, id="c1", name="f"), piece(": 1}", index=0)],
            [{"a": 1}],
            id="in pieces",
        ),
        pytest.param([piece("", index=0, id="c1", name="f")], [{}], id="no arguments"),
        pytest.param(
            [piece('{"a": "\ud83d', index=0, id="c1", name="f"), piece('\ude00"}', index=0)],
            [{"a": "😀"}],
            id="an emoji in two pieces",
        ),
        pytest.param([piece('{"a": "\ud83d"}', name="f")], [{"a": "\ud83d"}], id="half an emoji"),
        pytest.param(
            [piece("{}", index=0, id="c1", name="f"), piece("{}", index=1, id="c2", name="g")],
            [{}, {}],
            id="two",
        ),
        pytest.param(
            [piece("{}", index=0, id="c1", name="f"), piece("{}", index=0, id="c2", name="g")],
            [{}, {}],
            id="two of one index",
        ),
        pytest.param([piece("{}", name="f")], [{}], id="without an id"),
        pytest.param([{"function_call": {"name": "f", "arguments": "{}"}}], [{}], id="of old"),
        pytest.param([piece("[1", index=0, id="c1", name="f")], ["[1"], id="not JSON"),
        pytest.param([piece("7", index=0, id="c1", name="f")], ["7"], id="no object"),
    ],
)
def test_shows_the_tools_that_the_model_calls(
    serve: Serve, deltas: list[Any], inputs: list[Any]
) -> None:
    received = answered_with(serve, *deltas, reason="tool_calls")
    started = [each["toolCallId"] for each in received if each["type"] == "tool-input-start"]
    ended = [each for each in received if "input" in each]
    assert [each["toolCallId"] for each in ended] == started
    assert [each["input"] for each in ended] == inputs
    assert [each["type"] == "tool-input-error" for each in ended] == [
        not isinstance(value, dict) for value in inputs
    ]
    assert received[-1] == {"type": "finish", "finishReason": "tool-calls"}


def test_an_answer_that_is_continued_keeps_its_id(client: httpx2.Client) -> None:
    begun = {"id": "a7", "role": "assistant", "parts": [{"type": "text", "text": "I"}]}
    response = client.post("/api/chat", json={"messages": [*ASK["messages"], begun]})
    assert parts(response)[0] == {"type": "start", "messageId": "a7"}


@pytest.mark.parametrize("chat_id", ["c4", "a%2F%C3%A4"])
def test_has_no_stream_to_resume(client: httpx2.Client, chat_id: str) -> None:
    assert client.get(f"/api/chat/{chat_id}/stream").status_code == 204


def test_asks_for_a_key_before_it_says_that_there_is_none(serve: Serve) -> None:
    client = serve(api_keys=f"alice:{'0' * 64}")
    assert client.get("/api/chat/c4/stream").status_code == 401
