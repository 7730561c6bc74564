"""OpenAI's Responses API: kinds of requests, and of a model's answers in chunks of a chat."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from e2e.projects import Project
from e2e.test_parity import Twins, serving_both
from e2e.upstream import Upstream, listening

pytestmark = pytest.mark.slow

DATA = Path(__file__).parent / "data"
EVENT: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
LIMITS = {"REQUESTS_PER_MINUTE": "100000", "TOKENS_PER_DAY": "100000000"}
Case = dict[str, Any]


def cases(name: str) -> list[Any]:
    """One test for each line of a file."""
    lines = (DATA / name).read_text("utf-8").splitlines()
    return [pytest.param(case, id=case["name"]) for case in map(json.loads, lines)]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with listening() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def twins(project: Callable[[str], Project], upstream: Upstream) -> Iterator[Twins]:
    model = {"LLM_API_KEY": "any", "LLM_BASE_URL": upstream.url, "LLM_MODEL": "m"}
    with serving_both(project, **LIMITS, **model) as twins:
        yield twins


@pytest.mark.parametrize("case", cases("response_requests.jsonl"))
def test_a_request_reaches_the_model_or_its_fault_is_named(
    twins: Twins, upstream: Upstream, case: Case
) -> None:
    for twin in twins:
        response = twin.post("/v1/responses", json=case["request"])
        if "refused" in case:
            error = response.json()["error"]
            assert (response.status_code, error["param"]) == (400, case["refused"])
            assert upstream.calls.empty()
            continue
        assert response.status_code == 200, response.text
        sent = upstream.next_call().request
        assert within(case.get("sent", {}), sent), sent
        answer = response.json()
        assert within(case.get("echoed", {}), answer), answer
        assert case.get("dropped") in (None, response.headers.get("x-dropped-fields"))
        assert Response.model_validate(answer).output_text == "Once upon a time"


def within(wanted: object, found: object) -> bool:
    """Whether all that is wanted is there, whatever else there is."""
    match wanted, found:
        case dict(), dict():
            return all(name in found and within(wanted[name], found[name]) for name in wanted)
        case list(), list():
            return len(wanted) == len(found) and all(map(within, wanted, found))
    return wanted == found


@pytest.mark.parametrize("case", cases("response_streams.jsonl"))
def test_a_stream_is_told_event_by_event(twins: Twins, upstream: Upstream, case: Case) -> None:
    chunks = [{"choices": [{"index": 0, **choice}]} for choice in case["choices"]]
    upstream.tales[case["name"]] = lambda _: iter([*map(json.dumps, chunks), "[DONE]"])
    for twin in twins:
        response = twin.post("/v1/responses", json={"input": case["name"], "stream": True})
        created, in_progress, *told = events(response)
        assert (created["type"], in_progress["type"]) == (
            "response.created",
            "response.in_progress",
        )
        types = [event["type"].removeprefix("response.") for event in told]
        assert " ".join(types) == case["events"]
        assert list(map(summary, told[-1]["response"]["output"])) == case["output"]
        upstream.next_call()


def events(response: httpx2.Response) -> list[dict[str, Any]]:
    *frames, done, end = response.text.split("\n\n")
    assert (done, end) == ("data: [DONE]", "")
    received = [json.loads(frame.partition("\ndata: ")[2]) for frame in frames]
    for number, event in enumerate(received):
        assert event["sequence_number"] == number
        EVENT.validate_python(event)
    return received


def summary(item: dict[str, Any]) -> list[Any]:
    """Of what kind an item is, whether it is whole, and what it says."""
    parts = item.get("content", item.get("summary", []))
    said = [part.get("text", part.get("refusal")) for part in parts]
    return [item["type"], item["status"], item.get("arguments", said)]
