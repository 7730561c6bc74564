"""The results of the benchmarks, and the page that shows them."""

import json
from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Literal

import pytest

from benchmarks.load import Stream
from benchmarks.measure import whole
from benchmarks.report import DOCS, replica_tables, tables
from benchmarks.results import Comparison, Crowd, Results, Trials

RESULTS = Results.read()
DOCUMENTS = Path(__file__).parents[2] / "benchmarks" / "documents"


def test_the_page_shows_what_was_measured() -> None:
    assert tables(RESULTS) in (DOCS / "performance.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("server", ["uvicorn", "gthread", "gevent"])
def test_every_server_was_measured(server: str) -> None:
    assert [row.server for row in (*RESULTS.relay, *RESULTS.plain)].count(server) == 2
    assert {row.streams for row in RESULTS.growth if row.server == server} == {1, 10, 100, 1000}


@pytest.mark.parametrize(
    "comparison",
    [
        pytest.param(comparison, id=f"{part}, {comparison.server}")
        for part in (
            "relay",
            "responses",
            "agents",
            "tools",
            "history",
            "chats",
            "plain",
            "claims",
            "flatness",
            "start",
            "create",
            "update",
            "large",
        )
        for comparison in getattr(RESULTS, part)
    ],
)
def test_a_comparison_has_rounds_enough_and_holds(comparison: Comparison) -> None:
    assert len(comparison.service) == len(comparison.baseline) >= 5
    assert comparison.holds


def test_what_the_issue_bounds_has_its_target() -> None:
    targets = {
        "relay": {"uvicorn": 1 / 3, "gthread": 0.6, "gevent": 0.6},
        "responses": dict.fromkeys(("uvicorn", "gthread", "gevent"), 2.0),
        "agents": dict.fromkeys(("uvicorn", "gthread", "gevent"), 1.0),
        "tools": dict.fromkeys(("uvicorn", "gthread"), 1 / 3),
        "history": {"uvicorn": None, "gthread": 1.5, "gevent": 1.5},
        "chats": dict.fromkeys(("uvicorn", "gthread", "gevent"), 1.5),
        "plain": {"uvicorn": 0.9, "gthread": 0.8, "gevent": 0.8},
        "echo": {"uvicorn": 0.9, "gthread": 0.85},
        "flatness": {"uvicorn": 1.5, "gthread": None, "gevent": 1.5},
        "start": {"--help": 1.3, "--version": 1.3, "recommend": 1.3},
        "create": {"repository": 0.7, "directory": None},
        "update": {"answer": 1.5, "nothing": None},
        "large": {"CPU": 2.0, "memory": None},
    }
    parts = {part: getattr(RESULTS, part) for part in targets}
    assert targets == {
        part: {comparison.server: comparison.target for comparison in comparisons}
        for part, comparisons in parts.items()
    }


@pytest.mark.parametrize("half", ["tuned", "held"])
def test_words_and_vectors_together_lose_little_of_the_better(half: str) -> None:
    [quality] = RESULTS.documents
    found = {row.by: row.recall for row in quality.searches if row.half == half}
    assert found["both"] >= max(found["words"], found["vectors"]) - 3


def test_the_offline_model_answers_only_what_the_documents_say() -> None:
    [quality] = RESULTS.documents
    held = {row.words: row for row in quality.extracts if row.half == "held"}
    assert (held[None].right, held[None].wrong, held[None].none) == (0, 0, 20)
    assert held["same"].right >= 20


def test_the_questions_are_as_the_page_says() -> None:
    lines = (DOCUMENTS / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    kinds = Counter((row.get("words"), row["half"]) for row in map(json.loads, lines))
    of_each = (("same", 25), ("other", 25), (None, 20))
    assert kinds == Counter(
        {(words, half): count for words, count in of_each for half in ("tuned", "held")}
    )


def test_a_search_among_10000_passages_is_fast_and_small() -> None:
    assert {(row.database, row.passages, row.size) for row in RESULTS.search} == {
        (database, passages, size)
        for database in ("SQLite", "PostgreSQL")
        for passages in (100, 1_000, 10_000, 20_000)
        for size in (384, 1536)
    }
    for row in RESULTS.search:
        if row.passages == 10_000:
            assert row.cached_milliseconds <= 20, row
            assert row.peak_megabytes <= 150, row


def test_an_update_of_a_large_project_holds_little_in_memory() -> None:
    memory = next(row for row in RESULTS.large if row.server == "memory")
    assert max(memory.service) < 200


def test_a_stream_among_many_is_compared_within_its_round() -> None:
    few = Crowd("gevent", 100, [2.0, 9.0, 2.0], [0.1] * 3, 100)
    many = Crowd("gevent", 1000, [3.2, 9.0, 3.4], [0.1] * 3, 100)
    [comparison] = Results(growth=[few, many]).flatness
    assert (comparison.ratio, comparison.holds) == (1.6, False)


def test_a_stream_that_is_cut_fails_the_run() -> None:
    streams = [Stream(complete, 0.1) for complete in (True, False, True)]
    with pytest.raises(RuntimeError, match="1 of 3 streams were cut"):
        whole(streams)


def test_the_tool_was_measured() -> None:
    assert [size.files for size in RESULTS.sizes] == [10, 100, 300, 1000]
    assert len(RESULTS.shares) > 5


def test_every_part_says_when_it_was_measured_and_with_what() -> None:
    parts = {field.name for field in fields(Results)} - {"conditions"}
    assert RESULTS.conditions.keys() == parts
    assert all({"date", "Python"} <= said.keys() for said in RESULTS.conditions.values())


@pytest.mark.parametrize(
    ("wanted", "service", "ratio", "holds"),
    [
        pytest.param("at most", [1.0, 1.0, 9.0], 0.5, True, id="one round was disturbed"),
        pytest.param("at most", [1.0, 1.4, 1.4], 0.7, False, id="too much"),
        pytest.param("at least", [1.2, 1.4, 1.4], 0.7, True, id="enough"),
        pytest.param("at least", [1.0, 1.0, 9.0], 0.5, False, id="too little"),
    ],
)
def test_the_ratio_is_the_median_of_the_rounds(
    wanted: Literal["at most", "at least"], service: list[float], ratio: float, holds: bool
) -> None:
    comparison = Comparison("uvicorn", "ms", wanted, 0.6, service, [2.0] * 3)
    assert (comparison.ratio, comparison.holds) == (ratio, holds)


def test_the_page_of_replicas_shows_what_was_tried() -> None:
    assert replica_tables(RESULTS) in (DOCS / "scaling.md").read_text(encoding="utf-8")
    assert set(RESULTS.replicas) == {"uvicorn", "gthread", "gevent"}


@pytest.mark.parametrize("trials", RESULTS.replicas.values(), ids=RESULTS.replicas)
def test_replicas_lose_nothing_but_what_was_killed(trials: Trials) -> None:
    assert trials.killed.elsewhere_lost == trials.restarted.lost == 0
    assert trials.redis_stopped.otherwise_failed == trials.redis_hung.otherwise_failed == 0
    assert trials.limits.requests_let_in == trials.limits.requests_allowed
    assert trials.limits.streams_let_in == trials.limits.streams_allowed
