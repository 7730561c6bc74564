"""The results of the benchmarks, and the page that shows them."""

from typing import Literal

import pytest

from benchmarks.report import PAGE, tables
from benchmarks.results import Comparison, Crowd, Results
from benchmarks.scaling import report as scaling
from benchmarks.scaling.results import Results as ScalingResults
from benchmarks.scaling.results import Trials

RESULTS = Results.read()
REPLICAS = ScalingResults.read()


def test_the_page_shows_what_was_measured() -> None:
    assert tables(RESULTS) in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("server", ["uvicorn", "gthread", "gevent"])
def test_every_server_was_measured(server: str) -> None:
    assert [row.server for row in (*RESULTS.relay, *RESULTS.plain)].count(server) == 2
    assert {row.streams for row in RESULTS.growth if row.server == server} == {1, 10, 100, 1000}


@pytest.mark.parametrize(
    "comparison",
    [
        pytest.param(comparison, id=f"{comparison.unit}, {comparison.server}")
        for comparison in (*RESULTS.relay, *RESULTS.plain, *RESULTS.start, *RESULTS.create)
    ],
)
def test_a_comparison_has_rounds_enough(comparison: Comparison) -> None:
    assert len(comparison.service) == len(comparison.baseline) >= 5


@pytest.mark.parametrize(
    "crowd",
    [pytest.param(crowd, id=f"{crowd.server}, {crowd.streams}") for crowd in RESULTS.growth],
)
def test_no_stream_was_cut(crowd: Crowd) -> None:
    assert crowd.complete == crowd.streams


def test_the_tool_was_measured() -> None:
    assert [row.server for row in RESULTS.start] == ["--help", "--version"]
    assert [row.server for row in RESULTS.create] == ["repository", "directory"]
    assert [size.files for size in RESULTS.sizes] == [10, 100, 300, 1000]
    assert len(RESULTS.shares) > 5


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
    assert scaling.tables(REPLICAS) in scaling.PAGE.read_text(encoding="utf-8")
    assert set(REPLICAS.servers) == {"uvicorn", "gthread", "gevent"}


@pytest.mark.parametrize("trials", REPLICAS.servers.values(), ids=REPLICAS.servers)
def test_replicas_lose_nothing_but_what_was_killed(trials: Trials) -> None:
    assert trials.killed.elsewhere_lost == trials.restarted.lost == 0
    assert trials.redis_stopped.otherwise_failed == trials.redis_hung.otherwise_failed == 0
    assert trials.limits.requests_let_in == trials.limits.requests_allowed
    assert trials.limits.streams_let_in == trials.limits.streams_allowed
