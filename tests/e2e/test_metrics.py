"""Several workers count as one, also where one of them is killed."""

import os
import re
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from e2e.projects import START, Project
from e2e.servers import GRACE_SECONDS, Server, refusal, serving, started
from e2e.upstream import MODEL, Call, listening

pytestmark = pytest.mark.slow

REQUESTS = 20
BURSTS, BURST = 20, 4
COUNTED = re.compile(r'^http_requests_total\{.*"/readyz".*\} (.*)$', re.MULTILINE)
IN_FLIGHT = re.compile(r'^model_calls_in_flight\{operation="chat"\} (.*)$', re.MULTILINE)
observed = pytest.mark.parametrize("combination", ["fastapi-azure", "flask-azure"])


ALMOST_READY = {
    "APP_ENV": "production",
    "API_KEYS": f"alice:{'0' * 64}",
    "LLM_API_KEY": "a-key",
    "LLM_BASE_URL": "http://127.0.0.1:1",
    "LLM_MODEL": MODEL,
    "REDIS_URL": "redis://127.0.0.1:1",
}


def metrics(server: Server) -> str:
    return httpx2.get(f"{server.url}/metrics", timeout=30).raise_for_status().text


@observed
def test_workers_are_counted_together(
    project: Callable[[str], Project], combination: str, tmp_path: Path
) -> None:
    environment = {"WEB_CONCURRENCY": "2", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    with serving(project(combination), **environment) as server:
        for _ in range(REQUESTS):
            httpx2.get(f"{server.url}/readyz")  # each on its own connection, for either worker
        assert httpx2.get(f"{server.url}//readyz").status_code == 404  # and is counted elsewhere
        pages = [metrics(server) for _ in range(5)]
    assert [COUNTED.findall(page) for page in pages] == [[f"{REQUESTS}.0"]] * len(pages)


@observed
def test_what_a_killed_worker_had_in_flight_is_not_shown(
    project: Callable[[str], Project], combination: str, tmp_path: Path
) -> None:
    with (
        listening() as upstream,
        serving(
            project(combination),
            WEB_CONCURRENCY="2",
            PROMETHEUS_MULTIPROC_DIR=str(tmp_path),
            LLM_API_KEY="a-key",
            LLM_BASE_URL=upstream.url,
            LLM_MODEL=MODEL,
            REQUESTS_PER_MINUTE="1000",
        ) as server,
        ExitStack() as streams,
        ThreadPoolExecutor(BURST) as pool,
    ):
        calls: list[Call] = []
        while len(workers := busy_workers(tmp_path)) < 2:
            assert len(calls) < BURSTS * BURST, "one worker takes all requests"
            for response in pool.map(begin_stream, [server] * BURST):
                streams.callback(response.close)
            calls += [upstream.next_call() for _ in range(BURST)]
        assert IN_FLIGHT.findall(metrics(server)) == [f"{len(calls)}.0"]
        os.kill(workers.pop(), signal.SIGKILL)
        deadline = time.monotonic() + GRACE_SECONDS
        while True:
            page, left = metrics(server), sum(not call.left.is_set() for call in calls)
            if left < len(calls) and IN_FLIGHT.findall(page) == [f"{left}.0"]:
                break
            assert time.monotonic() < deadline, f"{left} of {len(calls)} streams run:\n{page}"
            time.sleep(0.1)
        assert left > 0


def busy_workers(folder: Path) -> set[int]:
    """The workers that have called the model, by the files where they count what is in flight."""
    return {int(path.stem.rpartition("_")[2]) for path in folder.glob("gauge_*.db")}


def begin_stream(server: Server) -> httpx2.Response:
    """A stream of which nothing more will come."""
    client = httpx2.Client(timeout=60)
    body = {"messages": [{"role": "user", "content": "silent"}], "stream": True}
    request = client.build_request("POST", f"{server.url}/v1/chat/completions", json=body)
    return client.send(request, stream=True)


@pytest.mark.parametrize(
    ("combination", "variables", "flags"),
    [
        pytest.param("fastapi-azure", {"WEB_CONCURRENCY": "2"}, "", id="fastapi, by variable"),
        pytest.param("fastapi-azure", ALMOST_READY, "--workers 2", id="fastapi, by flag"),
        pytest.param("flask-azure", {}, "-w 2", id="flask, by flag"),
    ],
)
def test_workers_that_would_be_counted_alone_are_refused(
    project: Callable[[str], Project], combination: str, variables: dict[str, str], flags: str
) -> None:
    _, said = refusal(project(combination), flags, **variables)
    refused = "settings: PROMETHEUS_MULTIPROC_DIR must"
    lines = [line for line in said.splitlines() if line.startswith(refused)]
    assert len(lines) in {1, 2}  # from each worker at most once: none is tried again


def test_a_child_process_of_development_serves(project: Callable[[str], Project]) -> None:
    made = project("fastapi-azure")
    command = f"{START[made.framework]} --reload"
    with started(lambda _: command, made.folder, made.variables) as server:
        server.wait_until_healthy()
