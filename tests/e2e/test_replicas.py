"""Two replicas behind nginx, with one Redis: what their clients notice when something is lost."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from benchmarks.scaling import trials
from benchmarks.scaling.fleet import Fleet, Service, running
from benchmarks.servers import upstream
from e2e.conftest import required
from e2e.machine import Machine
from e2e.projects import Project

pytestmark = pytest.mark.slow

TOKEN_SECONDS = 0.05
KINDS = {
    "fastapi": ("--framework", "fastapi"),
    "flask": ("--framework", "flask"),
    "flask-threads-no-docs": ("--framework", "flask", "--async", "some", "--no-docs"),
}


@pytest.fixture(scope="module", params=KINDS)
def service(
    request: pytest.FixtureRequest,
    machine: Machine,
    scaffold: Path,
    project: Callable[[str], Project],
) -> Service:
    """For systemd and nginx; it installs the same as one for the usual targets."""
    for tool in ("nginx", "redis-server"):
        required(tool)
    folder = machine.folder / "projects" / f"{request.param}-replicas" / "my-app"
    flags = ("--yes", "--no-git", "--deploy", "systemd", *KINDS[request.param])
    machine.run(str(scaffold), "new", str(folder), *flags)
    return Service(folder, project(request.param).programs)


@contextmanager
def two_replicas(
    service: Service, machine: Machine, settings: Mapping[str, str]
) -> Iterator[Fleet]:
    folder = Path(tempfile.mkdtemp(prefix="replicas-", dir=machine.folder))
    with (
        upstream(TOKEN_SECONDS, folder / "upstream.log") as url,
        running(service, url, folder, settings) as fleet,
    ):
        yield fleet


@pytest.fixture(scope="module")
def fleet(service: Service, machine: Machine) -> Iterator[Fleet]:
    with two_replicas(service, machine, trials.UNLIMITED) as fleet:
        yield fleet


def test_limits_are_shared(service: Service, machine: Machine) -> None:
    with two_replicas(service, machine, trials.LIMITED) as fleet:
        found = trials.share_limits(fleet)
    assert found.requests_let_in == found.requests_allowed < found.requests
    assert found.streams_let_in == found.streams_allowed < found.streams
    assert found.smaller_share > found.requests / 4


def test_a_killed_replica_takes_only_its_own_requests_along(fleet: Fleet) -> None:
    found = trials.kill_one(fleet)
    assert found.there > 0
    assert found.elsewhere_lost == 0


def test_a_rolling_restart_loses_nothing(fleet: Fleet) -> None:
    found = trials.restart_in_turn(fleet, rounds=1)
    assert found.streams > 2 * trials.AT_ONCE["streams"]
    assert found.lost == 0


@pytest.mark.parametrize("manner", ["stopped", "hung"])
def test_without_redis_no_tokens_are_spent_until_it_is_back(
    fleet: Fleet, manner: Literal["stopped", "hung"]
) -> None:
    found = trials.lose_redis(fleet, manner)
    assert found.ready
    assert found.streams_refused > 0
    assert found.plain_let_in > 0
    assert found.otherwise_failed == 0
    assert found.slowest_seconds < 6
    assert found.recovered_seconds < 6
