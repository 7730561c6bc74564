"""No request starts a process, and one that a handler starts is nobody else's.

Whatever is tried here may fork without end, so that each service runs under a watch.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Barrier

import httpx2
import pytest
from conftest import runs

from benchmarks.watcher import watching
from e2e.projects import START, Project
from e2e.servers import Server, started
from e2e.stories import CHAT, RESPONSES, Way
from e2e.upstream import MODEL, PATIENCE, Call, listening, story

pytestmark = pytest.mark.slow

AT_ONCE = 20
MOST_FORKS = 60
MINUTES = 300
DESCRIPTORS, MORE = 64, 80
ASK = {"messages": [{"role": "user", "content": "tell"}]}
STARTS, RAN = "a process starts", "a handler ran"
# What a user adds: a handler that runs a program; and a line in the log for each new process.
HANDLER = """
import os
import subprocess
import sys


def note_process(event: str, _: object) -> None:
    if event in {"subprocess.Popen", "os.fork", "os.posix_spawn"}:
        os.write(2, b"a process starts\\n")


sys.addaudithook(note_process)


@app.get("/run")
def run() -> dict[str, str]:
    subprocess.run(["true"], check=True)
    os.write(2, b"a handler ran\\n")
    return {}
"""
MANY = {"REQUESTS_PER_MINUTE": "1000", "TOKENS_PER_DAY": "100000000"}


@pytest.mark.parametrize(
    ("combination", "flags"),
    [
        pytest.param("fastapi-azure", "", id="uvicorn"),
        pytest.param("flask-azure", "", id="gevent"),
        pytest.param("flask-azure", "--preload", id="gevent, preloaded"),
        pytest.param("flask-threads-no-docs", "", id="gthread"),
    ],
)
def test_a_burst_of_first_requests(
    project: Callable[[str], Project], combination: str, flags: str, tmp_path: Path
) -> None:
    made = project(combination)
    folder = shutil.copytree(made.folder, tmp_path / "my-app")
    with (folder / f"{'main' if made.framework == 'fastapi' else 'app'}.py").open("a") as entry:
        entry.write(HANDLER)
    with listening() as upstream:
        variables = {
            **made.variables,
            **MANY,
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
            "LLM_API_KEY": "a-key",
            "LLM_BASE_URL": upstream.url,
            "LLM_MODEL": MODEL,
        }
        command = f"{START[made.framework]} {flags}"
        with started(lambda _: command, folder, variables) as server:
            server.wait_until_healthy()
            burst(server)
            assert upstream.calls.qsize() == AT_ONCE


def burst(server: Server, **headers: str) -> None:
    """Chats, all at once and the first, then as many requests that each run a program."""

    def at_once(method: str, path: str, body: object = None) -> list[httpx2.Response]:
        together = Barrier(AT_ONCE)

        def ask(_: int) -> httpx2.Response:
            with httpx2.Client(base_url=server.url, headers=headers, timeout=30) as client:
                together.wait()
                return client.request(method, path, json=body)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(ask, range(AT_ONCE)))

    def said(text: str) -> int:
        return server.log.read_text().count(text)

    with watching(server.process.pid) as watch:
        before, started_before = watch.size(), said(STARTS)
        chats = at_once("POST", "/v1/chat/completions", ASK)
        assert [chat.status_code for chat in chats] == [200] * AT_ONCE
        assert said(STARTS) == started_before
        runs = at_once("GET", "/run")
        assert [run.status_code for run in runs] == [200] * AT_ONCE
        assert said(STARTS) > started_before
        assert said(RAN) == AT_ONCE
        watch.wait_until_there_are(before)
        assert watch.most() <= before + AT_ONCE


def test_without_descriptors_it_refuses_and_recovers(project: Callable[[str], Project]) -> None:
    """On FastAPI, whose first requests read modules once, and failed."""
    made = project("fastapi")
    with listening() as upstream:
        upstream.tales["late"] = late
        model = {"LLM_API_KEY": "a-key", "LLM_BASE_URL": upstream.url, "LLM_MODEL": MODEL}
        variables = {**made.variables, **MANY, **model}
        command = f"ulimit -n {DESCRIPTORS}; exec {START[made.framework]}"
        with started(lambda _: command, made.folder, variables) as server:
            server.wait_until_healthy()
            answered = asyncio.run(crowd(server))
            assert answered <= {200, 502, None}  # None, where no connection was taken
            server.wait_until_healthy()
            assert asyncio.run(crowd(server, 10)) == {200}


def late(call: Call) -> Iterator[str]:
    time.sleep(0.5)
    yield from story(call)


async def crowd(server: Server, size: int = MORE) -> set[int | None]:
    """The statuses of so many first answers at once, by either API."""
    async with httpx2.AsyncClient(
        base_url=server.url, timeout=60, limits=httpx2.Limits(max_connections=size)
    ) as client:

        async def ask(way: Way) -> int | None:
            with suppress(httpx2.TransportError):
                return (await client.post(way.path, json=way.body("late"))).status_code
            return None

        return set(await asyncio.gather(*map(ask, [CHAT, RESPONSES] * (size // 2))))


def test_the_watch_ends_what_grows() -> None:
    with forking() as loop, watching(loop.pid, most=20) as watch:
        assert loop.wait(PATIENCE) == -signal.SIGKILL
        assert watch.most() > 20
        watch.wait_until_there_are(0)


# With a worker as gunicorn's, one in a session of its own, and a command that runs beside it.
KILLED = """
from pathlib import Path
from e2e.machine import Machine
from e2e.servers import started

def test_that_is_killed(tmp_path):
    here = Path(__file__).parent
    command = "sleep 600 & setsid sleep 600 & echo $$ $(jobs -p) > pids; wait"
    with started(lambda _: command, here, {}):
        Machine(here, {}).run("sh", "-c", "echo $$ > pid; sleep 600 & echo $! >> pid; wait")
"""


def test_nothing_outlives_a_run_of_the_tests_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "test_killed.py").write_text(KILLED)
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path))
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    pids: list[int] = []
    until = time.monotonic() + MINUTES
    with subprocess.Popen(command, env={**os.environ, **paths}, stdout=subprocess.DEVNULL) as run:
        try:
            while len(pids) < 5:
                assert time.monotonic() < until
                time.sleep(0.05)
                noted = (path.read_text() for path in tmp_path.glob("pid*"))
                pids = [int(pid) for line in noted for pid in line.split()]
        finally:
            run.kill()
    while any(map(runs, pids)):
        assert time.monotonic() < until
        time.sleep(0.05)


@contextmanager
def forking(most: int = MOST_FORKS) -> Iterator[subprocess.Popen[bytes]]:
    """A harmless session of processes: no more than so many, each of which ends."""
    loop = f"for _ in $(seq {most}); do sleep {PATIENCE} & sleep 0.01; done; wait"
    with subprocess.Popen(("bash", "-c", loop), start_new_session=True) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
