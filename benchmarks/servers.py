"""Server processes: started, measured by their own clocks, and ended by their own id."""

import ctypes
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.watcher import held, watched

ROOT = Path(__file__).parents[1]
LIBC = ctypes.CDLL(None)
START_SECONDS = 120  # where others compile and compute, too
STOP_SECONDS = 30


@dataclass(frozen=True)
class Server:
    """A running server with all its workers."""

    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """User and system time since the start, of the server and its workers."""
        return sum(cpu_seconds(pid) for pid in family(self.pid))

    def peak_megabytes(self) -> float:
        """The most memory that the server and its workers have held, each at its own peak."""
        return sum(peak_kilobytes(pid) for pid in family(self.pid)) / 1000


def cpu_seconds(pid: int) -> float:
    """Reads a process's CPU clock: in nanoseconds, where /proc has hundredths of a second."""
    clock = ctypes.c_int()
    if error := LIBC.clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise OSError(error, os.strerror(error), pid)
    return time.clock_gettime(clock.value)


def peak_kilobytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def family(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").iterdir()
    children = (child for thread in threads for child in children_of(thread))
    return [pid, *(member for child in children for member in family(int(child)))]


def children_of(thread: Path) -> list[str]:
    try:
        return (thread / "children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):  # it has ended, and had none
        return []


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def serving(
    command: Sequence[str | Path], folder: Path, variables: Mapping[str, str], log: Path
) -> Iterator[Server]:
    """Runs a server on a free port of the loopback interface.

    Args:
        command: the words of the command; `{port}` stands for the port.
        folder: where it runs.
        variables: its whole environment.
        log: gets what it prints.
    """
    port = free_port()
    words = [str(word).format(port=port) for word in command]
    with (
        log.open("a") as output,
        subprocess.Popen(
            held(*words),
            cwd=folder,
            env=dict(variables),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
        watched(process),
    ):
        try:
            wait_until_open(process, port, log)
            yield Server(port, process.pid)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)


def wait_until_open(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the server did not start:\n{log.read_text()}")


@contextmanager
def upstream(pause: float, log: Path) -> Iterator[str]:
    """Runs the model, and yields its base URL."""
    command = [sys.executable, "-m", "benchmarks.upstream", "{port}", str(pause)]
    with serving(command, ROOT, os.environ, log) as server:
        yield f"http://127.0.0.1:{server.port}/v1"
