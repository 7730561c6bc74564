"""Runs a new project's service in the foreground until the user has had enough of it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from genai_scaffold.errors import StartError
from genai_scaffold.project.neighbours import PORT
from genai_scaffold.system.process import family_of, kill_family
from genai_scaffold.system.signals import Stopped, signals_ignored, signals_postponed

HOST = "127.0.0.1"
PORTS_TRIED = 20
START_SECONDS = 60.0
MOMENT = 0.1  # seconds between two looks
GRACE_SECONDS = 5.0  # for what is being answered
SERVERS = {
    "fastapi": (".venv/bin/uvicorn", "main:app", "--port", "{port}"),
    "flask": (".venv/bin/gunicorn", "app:app", "--bind", f"{HOST}:{{port}}"),
}


def server_command(framework: str, port: int = PORT) -> list[str]:
    """What starts a project's server, in its directory."""
    return [word.format(port=port) for word in SERVERS[framework]]


def can_serve() -> bool:
    """Whether this system has the process groups by which all of a service is ended."""
    return os.name == "posix"


def serve_project(project: Path, framework: str, ready: Callable[[str], None]) -> None:
    """Run a service until Ctrl+C; what it has started ends with it.

    Args:
        project: the directory of a project whose dependencies are installed.
        framework: which server to start.
        ready: told the service's address once it answers.

    Raises:
        StartError: it does not answer, or it ended by itself.
    """
    port = free_port()
    try:
        with _running(server_command(framework, port), project) as process:
            _wait_until_healthy(process, port)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(MOMENT)  # its line about that look comes first
            ready(f"http://{HOST}:{port}")
            process.wait()
            raise _ended(process)
    except Stopped as stop:
        if stop.number != signal.SIGINT:
            raise
    except KeyboardInterrupt:
        return


@contextlib.contextmanager
def _running(arguments: Sequence[str], project: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program in a session of its own, and end all of it: Ctrl+C reaches only us."""
    with contextlib.ExitStack() as stack:
        with signals_postponed():
            process = subprocess.Popen(  # noqa: S603 - an argument list, and no shell
                arguments,
                cwd=project,
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr.fileno(),  # the standard output is for results
                start_new_session=True,
            )
            stack.callback(_end, process)
        yield process


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and all that it started: politely, then by force."""
    with signals_ignored():
        family = family_of(process.pid)
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(GRACE_SECONDS)
        for pid, start in family.items():
            # What has a session of its own is in no group that could be ended at once.
            if family_of(pid).get(pid) == start:
                kill_family(pid)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(MOMENT)
            raise _ended(process)
        if time.monotonic() > deadline:
            raise StartError(
                "The project was created, but its service does not answer",
                why=f"nothing came from port {port} within {START_SECONDS:.0f} seconds",
                fix="look at what it said above",
            )


def _answers(port: int) -> bool:
    from http.client import HTTPConnection, HTTPException  # most commands have no use for it

    connection = HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200  # noqa: PLR2004
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _ended(process: subprocess.Popen[bytes]) -> StartError:
    return StartError(
        "The project was created, but its service ended",
        why=f"it left with exit code {process.returncode}",
        fix="look at what it said above",
    )


def free_port() -> int:
    """The usual port, or the first after it that nobody listens on."""
    for port in range(PORT, PORT + PORTS_TRIED):
        with socket.socket() as trial:
            # As servers do: what was just closed counts as free.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                trial.bind((HOST, port))
                return port
    raise StartError(
        "The project was created, but its service cannot be started",
        why=f"the ports from {PORT} to {PORT + PORTS_TRIED - 1} are taken",
        fix="end one of those programs, or start the service with a --port of your own",
    )
