"""A new project's service in the foreground: when it answers, and that nothing of it is left."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import runs

from genai_scaffold.create import serving
from genai_scaffold.create.serving import (
    HOST,
    PORTS_TRIED,
    can_serve,
    free_port,
    serve_project,
)
from genai_scaffold.errors import StartError
from genai_scaffold.project.neighbours import PORT
from genai_scaffold.system.signals import Stopped

pytestmark = pytest.mark.skipif(not can_serve(), reason="needs process groups")

SECONDS = 30.0
# What stands for uvicorn: it has a child of its own, says so, and then answers.
SERVER = """#!{python}
import http.server, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open("pids", "w").write(f"{{child.pid}} ")
class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    log_message = lambda *_: None
http.server.HTTPServer(("127.0.0.1", int(sys.argv[-1])), Healthy).serve_forever()
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A project whose server is a program."""

    def project(program: str) -> Path:
        path = tmp_path / ".venv" / "bin" / "uvicorn"
        path.parent.mkdir(parents=True)
        path.write_text(program.format(python=sys.executable))
        path.chmod(0o755)
        return tmp_path

    yield project
    for pid in (tmp_path / "pids").read_text().split() if (tmp_path / "pids").exists() else []:
        if runs(int(pid)):
            os.kill(int(pid), signal.SIGKILL)


def left(folder: Path) -> list[int]:
    """Those processes of a service that still run a while after its end."""
    pids = [int(pid) for pid in (folder / "pids").read_text().split()]
    assert pids
    deadline = time.monotonic() + SECONDS
    while any(map(runs, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return [pid for pid in pids if runs(pid)]


@pytest.mark.parametrize(
    ("stop", "raised"),
    [
        pytest.param(KeyboardInterrupt(), None, id="ctrl-c"),
        pytest.param(Stopped(signal.SIGINT), None, id="interrupted"),
        pytest.param(Stopped(signal.SIGTERM), Stopped, id="terminated"),
        pytest.param(BrokenPipeError(), BrokenPipeError, id="nobody-reads"),
    ],
)
def test_it_answers_and_none_of_its_processes_is_left(
    stop: BaseException, raised: type[BaseException] | None, project: Callable[[str], Path]
) -> None:
    folder, addresses = project(SERVER), []

    def ready(address: str) -> None:
        addresses.append(address)
        raise stop

    if raised:
        with pytest.raises(raised):
            serve_project(folder, "fastapi", ready)
    else:
        serve_project(folder, "fastapi", ready)
    assert addresses
    assert left(folder) == []


def test_one_that_ignores_the_signal_is_ended_by_force(
    project: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "GRACE_SECONDS", 0.2)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    folder = project(SERVER.replace("child =", f"{deaf}child ="))

    def ready(_: str) -> None:
        raise KeyboardInterrupt

    serve_project(folder, "fastapi", ready)
    assert left(folder) == []


def test_its_child_in_a_session_of_its_own_is_ended_too(
    project: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "GRACE_SECONDS", 0.2)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    program = SERVER.replace('"import time; ', f'"{deaf}').replace(
        "])\n", "], start_new_session=True)\n"
    )

    def ready(_: str) -> None:
        raise KeyboardInterrupt

    folder = project(program)
    serve_project(folder, "fastapi", ready)
    assert left(folder) == []


def test_one_that_ends_by_itself_is_an_error(project: Callable[[str], Path]) -> None:
    folder = project("#!{python}\nraise SystemExit(3)\n")
    with pytest.raises(StartError, match="ended") as raised:
        serve_project(folder, "fastapi", lambda _: None)
    assert "exit code 3" in raised.value.why


def test_one_that_never_answers_is_an_error(
    project: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "START_SECONDS", 0.3)
    folder = project("#!{python}\nimport time\ntime.sleep(600)\n")
    with pytest.raises(StartError, match="does not answer"):
        serve_project(folder, "fastapi", lambda _: None)


def test_a_port_that_is_taken_is_left_alone() -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((HOST, PORT))
            taken.listen()
        except OSError:
            pass  # another program has it, which is as good
        assert PORT < free_port() < PORT + PORTS_TRIED
