"""Starts a generated project as a platform would: its command, a port, and a SIGTERM at the end."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import httpx2

from e2e.projects import START, Project

START_SECONDS = 60
GRACE_SECONDS = 30


class Server(NamedTuple):
    """A running project."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def stop(self) -> int:
        """Asks it to stop as a platform does, and returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(GRACE_SECONDS)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def start(project: Project, port: int, **variables: str) -> subprocess.Popen[bytes]:
    """Starts a project with the command of the comparison."""
    return shell(START[project.framework], port, project.folder, {**project.variables, **variables})


def shell(
    command: str, port: int, folder: Path, variables: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    with log_of(folder, port).open("wb") as log:
        return subprocess.Popen(
            ("sh", "-c", command),
            cwd=folder,
            env={**variables, "PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def log_of(folder: Path, port: int) -> Path:
    return folder.parent / f"{folder.name}-{port}.log"


@contextmanager
def serving(project: Project, **variables: str) -> Iterator[Server]:
    """Runs a project with the command of the comparison, until the test is over."""
    command = START[project.framework]
    everything = {**project.variables, **variables}
    with running(lambda _: command, project.folder, everything) as server:
        yield server


@contextmanager
def running(
    command: Callable[[int], str], folder: Path, variables: Mapping[str, str]
) -> Iterator[Server]:
    """Runs a command that serves on the port that it is given, until the test is over."""
    port = free_port()
    process = shell(command(port), port, folder, variables)
    server = Server(process, f"http://127.0.0.1:{port}", log_of(folder, port))
    try:
        wait_until_healthy(server)
        yield server
        if process.poll() is None:
            server.stop()
    finally:
        # Whoever did not stop when asked; the group is our own.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_healthy(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.process.poll() is None, f"it ended:\n{server.log.read_text()}"
        with suppress(httpx2.TransportError):
            if httpx2.get(f"{server.url}/healthz", timeout=5).status_code == httpx2.codes.OK:
                return
        time.sleep(0.05)
    raise AssertionError(f"no health within {START_SECONDS} seconds:\n{server.log.read_text()}")
