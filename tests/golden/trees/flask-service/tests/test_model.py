"""The model as features ask it: what is sent, and what becomes of each answer."""

import base64
import json
from typing import Any, Literal

import httpx2
import pytest
from pydantic import BaseModel
from structlog.testing import capture_logs

from backend.ai.metering import Meter
from backend.ai.model import Model
from backend.ai.pieces import ToolCall
from backend.ai.questions import Message, Tool
from backend.errors import (
    AnswerCutOff,
    AnswerMalformed,
    AnswerRefused,
    AppError,
    RateLimited,
    UpstreamFailed,
)
from backend.limits import Limits
from backend.logs import configure_logging
from backend.settings import Settings
from tests.models import Scripted, calls, cut, fails, refuses, together
from tests.serving import Answer, pieces, result, upstream
from tests.test_upstream import stream_of

SYSTEM = "You rate films"
PIXEL = f"data:image/png;base64,{base64.b64encode(b'a pixel').decode()}"
LOOK_UP: Tool = {
    "type": "function",
    "function": {"name": "look_up", "parameters": {"type": "object"}},
}


class Part(BaseModel):
    actor: str
    default: bool = False


class Film(BaseModel):
    title: str
    stars: Literal[1, 2, 3]
    parts: list[Part]


GOOD = Film(title="Alien", stars=3, parts=[Part(actor="Weaver", default=True)])


@pytest.fixture(autouse=True)
def logs() -> None:
    configure_logging("WARNING")  # another test's output may be closed


def model(answer: Answer, **settings: Any) -> Model:
    chosen = Settings(**{"llm_model": "some-model", "llm_json_schema": True, **settings})
    return Model(Meter(upstream(answer), Limits(chosen)), chosen, "alice")


def ask(answer: Answer, **settings: Any) -> Film:
    return result(model(answer, **settings).answer(SYSTEM, "Alien?", Film, operation="films"))


def test_answers_in_the_form_that_is_asked_for() -> None:
    scripted = Scripted(GOOD)
    assert ask(scripted) == GOOD
    [asked] = scripted.asked
    assert asked["model"] == "some-model"
    assert asked["messages"] == [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": "Alien?"},
    ]


def test_asks_for_a_schema_that_is_strict_in_every_part() -> None:
    scripted = Scripted(GOOD)
    ask(scripted)
    form = scripted.asked[0]["response_format"]["json_schema"]
    assert form["strict"] is True
    for part in (form["schema"], form["schema"]["$defs"]["Part"]):
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])
        assert all("default" not in described for described in part["properties"].values())


def test_tells_the_form_to_a_provider_that_takes_no_schema() -> None:
    scripted = Scripted(f"```json\n{GOOD.model_dump_json()}\n```")
    model = {"llm_api_key": "x", "llm_base_url": "http://upstream/v1"}
    assert ask(scripted, llm_json_schema=False, **model) == GOOD
    [asked] = scripted.asked
    assert "response_format" not in asked
    assert '"stars"' in asked["messages"][0]["content"]


@pytest.mark.parametrize(
    "wrong", ["Alien is a film", '{"title": "Alien", "stars": 9, "parts": []}', "[]", "{"]
)
def test_gives_the_model_a_second_try(wrong: str) -> None:
    scripted = Scripted(wrong, GOOD)
    assert ask(scripted) == GOOD
    said, told = scripted.asked[1]["messages"][-2:]
    assert said == {"role": "assistant", "content": wrong}
    assert told["role"] == "user"
    assert scripted.asked[1]["response_format"] == scripted.asked[0]["response_format"]


def test_tells_the_model_what_is_wrong() -> None:
    scripted = Scripted('{"title": "Alien", "stars": 3, "parts": [{"default": true}]}', GOOD)
    ask(scripted)
    assert "parts.0.actor: Field required" in scripted.asked[1]["messages"][-1]["content"]


def test_gives_the_model_no_third_try() -> None:
    scripted = Scripted("no", "no", GOOD)
    with pytest.raises(AnswerMalformed):
        ask(scripted)
    assert len(scripted.asked) == 2


@pytest.mark.parametrize(
    ("told", "error"),
    [
        pytest.param(refuses("I will not"), AnswerRefused, id="refused"),
        pytest.param(cut('{"title": "Al'), AnswerCutOff, id="cut off"),
        pytest.param(
            cut(GOOD.model_dump_json())._replace(finish_reason="content_filter"),
            AnswerRefused,
            id="filtered",
        ),
        pytest.param("", UpstreamFailed, id="nothing"),
    ],
)
def test_tells_why_there_is_no_answer(told: Any, error: type[AppError]) -> None:
    scripted = Scripted(told, GOOD)
    with pytest.raises(error) as raised:
        ask(scripted)
    assert type(raised.value) is error
    assert len(scripted.asked) == 1
    with pytest.raises(error):
        pieces(model(Scripted(told)).stream(SYSTEM, "Alien?", operation="films"))


def test_streams_the_text() -> None:
    scripted = Scripted("It is a film")
    found = pieces(model(scripted).stream(SYSTEM, "Alien?", operation="films"))
    assert (len(found), "".join(found)) == (4, "It is a film")
    assert scripted.asked[0]["stream"] is True


@pytest.mark.parametrize(
    ("said", "text"),
    [
        pytest.param(["a\ud83d", "\ude00b"], "a😀b", id="an emoji in two halves"),
        pytest.param(["\ud83d", "", "x\ude00", "\ud83d"], "\ufffdx\ufffd", id="halves alone"),
    ],
)
def test_features_get_text_that_can_be_sent(said: list[str], text: str) -> None:
    answer = stream_of(*({"choices": [{"delta": {"content": each}}]} for each in said), "[DONE]")
    found = pieces(model(lambda _: answer).stream(SYSTEM, "Alien?", operation="films"))
    assert "".join(found) == text


def test_passes_tools_on_and_says_which_are_called() -> None:
    asks: list[Message] = [{"role": "user", "content": "Alien and Aliens?"}]
    scripted = Scripted(together(calls("look_up", title="Alien"), calls("look_up", title="Aliens")))
    found = pieces(model(scripted).step(SYSTEM, asks, [LOOK_UP], operation="films"))
    assert scripted.asked[0]["tools"] == [LOOK_UP]
    named = [call for call in found if isinstance(call, ToolCall)]
    assert [json.loads(call.arguments) for call in named] == [
        {"title": "Alien"},
        {"title": "Aliens"},
    ]


def test_shows_images() -> None:
    asks: list[Message] = [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}]}
    ]
    scripted = Scripted(GOOD)
    result(model(scripted).answer(SYSTEM, asks, Film, operation="films"))
    assert scripted.asked[0]["messages"][1:] == asks


def test_asks_as_the_feature_wants_it() -> None:
    scripted = Scripted(GOOD)
    asking = model(scripted).answer(
        SYSTEM, "Alien?", Film, operation="films", model="judge", max_tokens=9, temperature=0
    )
    result(asking)
    [asked] = scripted.asked
    assert (asked["model"], asked["temperature"]) == ("judge", 0)
    assert asked[Settings().llm_token_field] == 9


def test_embeds_texts_in_their_order() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(json.loads(request.content))
        data = [{"index": place, "embedding": [place, 0.5]} for place in (1, 0)]
        return httpx2.Response(200, json={"data": data})

    sent: list[Any] = []
    asking = model(answer, embedding_model="an-embedding-model")
    assert result(asking.embed(["one", "two"], operation="films")) == [[0, 0.5], [1, 0.5]]
    result(asking.embed(["one", "two"], operation="films", model="another"))
    assert [asked["model"] for asked in sent] == ["an-embedding-model", "another"]
    assert sent[0]["input"] == ["one", "two"]


@pytest.mark.parametrize("data", [[], [{"index": 0}], [{"index": 0, "embedding": "AAAA"}], [None]])
def test_refuses_what_are_no_embeddings(data: Any) -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"data": data})

    with pytest.raises(UpstreamFailed, match="malformed"):
        result(model(answer).embed(["one"], operation="films"))


# On whose account a request is.


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_a_request_of_ours_that_is_refused_is_no_fault_of_the_client(status: int) -> None:
    with capture_logs() as logged, pytest.raises(UpstreamFailed) as raised:
        ask(Scripted(fails(status, "Invalid schema")))
    refused = raised.value
    assert refused.message == "The model refused a request of this service"
    assert (refused.param, refused.code, refused.retry_after) == (None, None, None)
    [why] = [line for line in logged if line["event"] == "own_request_refused"]
    assert (why["operation"], why["reason"]) == ("films", "Invalid schema")


def test_a_busy_model_is_the_client_s_to_wait_for() -> None:
    with pytest.raises(RateLimited) as raised:
        ask(Scripted(fails(429)))
    assert raised.value.retry_after == "7"


def test_what_clients_may_ask_for_does_not_bind_us() -> None:
    conversation = [{"role": "user", "content": "Alien?"}] * 5  # as it comes of a database
    asking = model(
        Scripted(GOOD), llm_model="open", allowed_models="open", max_messages=3, max_tokens=5
    )
    answer = asking.answer(
        SYSTEM, conversation, Film, operation="films", model="ours", max_tokens=50
    )
    assert result(answer) == GOOD


def test_reserves_the_client_s_tokens() -> None:
    with pytest.raises(RateLimited) as raised:
        ask(Scripted(GOOD), tokens_per_day=100)
    assert raised.value.code == "insufficient_quota"


def test_counts_what_each_feature_used() -> None:
    chosen = Settings(llm_model="some-model")
    limits = Limits(chosen)
    asking = Model(Meter(upstream(Scripted("no", GOOD, "Hi")), limits), chosen, "alice")
    result(asking.answer(SYSTEM, "Alien?", Film, operation="films"))
    pieces(asking.stream(SYSTEM, "Hello", operation="greetings"))
    _, tokens = result(limits.spent("alice"))
    assert tokens.by_operation.keys() == {"films", "greetings"}
    assert sum(tokens.by_operation.values()) == tokens.used > 0
