"""Starts a generated project as a platform does: its command, a port, and SIGTERM at the end."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import httpx2

from benchmarks.watcher import held, watched
from e2e.projects import START, Project

START_SECONDS = 120  # with its requirements, where they are installed first
GRACE_SECONDS = 30
CLOSE_SECONDS = 10  # from SIGTERM: well before a running stream would be cut
PATIENCE = 10  # seconds until a request counts as hanging


class Server(NamedTuple):
    """A project that runs, or ran.

    Args:
        log: what it says on both outputs.
    """

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    @property
    def port(self) -> int:
        return httpx2.URL(self.url).port or 0

    def connect(self) -> socket.socket:
        """A connection of its own, on which every byte is the caller's."""
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def processes(self) -> list[int]:
        return [self.process.pid, *self.workers()]

    def workers(self) -> list[int]:
        """The ids of the processes that it has started."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def ended(self) -> int:
        """Its exit code, once it has come to an end by itself."""
        return self.process.wait(GRACE_SECONDS)

    def wait_until_healthy(self, path: str = "/healthz") -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"it ended:\n{self.log.read_text()}"
            with suppress(httpx2.TransportError):
                if httpx2.get(f"{self.url}{path}", timeout=5).is_success:
                    return
            time.sleep(0.05)
        raise AssertionError(f"no health in {START_SECONDS} s:\n{self.log.read_text()}")

    def wait_until_it_says(self, text: str) -> None:
        deadline = time.monotonic() + GRACE_SECONDS
        while text not in self.log.read_text():
            assert time.monotonic() < deadline, f"not said:\n{self.log.read_text()}"
            time.sleep(0.05)

    def wait_until_closed(self) -> None:
        """Returns when new connections are refused."""
        deadline = time.monotonic() + CLOSE_SECONDS
        while time.monotonic() < deadline:
            try:
                httpx2.get(f"{self.url}/healthz", timeout=2)
            except httpx2.ConnectError:
                return
            except httpx2.TransportError:  # the port was closed in just this moment
                pass
            time.sleep(0.05)
        raise AssertionError(f"connections are accepted {CLOSE_SECONDS} s after SIGTERM")


@contextmanager
def started(
    command: Callable[[int], str], folder: Path, variables: Mapping[str, str]
) -> Iterator[Server]:
    """Starts a shell command that serves on the port it is given; whatever happens, it ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    path = folder.parent / f"{folder.name}-{port}.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            # Which becomes the server, so that signals reach it.
            held("bash", "-c", command(port)),
            cwd=folder,
            env={**variables, "PORT": str(port)},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with watched(process):
        yield Server(process, f"http://127.0.0.1:{port}", path)


@contextmanager
def running(
    command: Callable[[int], str], folder: Path, variables: Mapping[str, str]
) -> Iterator[Server]:
    """The same, once it is healthy; at the end it is asked to stop, and has to."""
    with started(command, folder, variables) as server:
        server.wait_until_healthy()
        yield server
        server.process.send_signal(signal.SIGTERM)
        server.ended()


@contextmanager
def serving(project: Project, **variables: str) -> Iterator[Server]:
    """Runs a project by the command of the comparison."""
    everything = {**project.variables, **variables}
    with running(lambda _: START[project.framework], project.folder, everything) as server:
        yield server


def refusal(project: Project, flags: str = "", **variables: str) -> tuple[int, str]:
    """The exit code and the words of a project that does not start."""
    everything = {**project.variables, **variables}
    command = f"{START[project.framework]} {flags}"
    with started(lambda _: command, project.folder, everything) as server:
        return server.ended(), server.log.read_text()
