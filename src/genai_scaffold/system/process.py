"""Runs other programs: an argument list in, text out, never a shell."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from genai_scaffold.system.signals import signals_ignored, signals_postponed

MINUTE = 60.0
PROCESSES = ("ps", "-A", "-o", "pid=,ppid=,lstart=")  # the same on Linux and macOS
TIMED_OUT, UNAVAILABLE = -1, 127  # the latter as a shell has it


class Completed(NamedTuple):
    """How a program ended, and what it said."""

    code: int
    output: str
    errors: str

    @property
    def last_words(self) -> str:
        """The last line that says something: usually the reason for a failure."""
        lines = [line for line in (self.errors or self.output).splitlines() if line.strip()]
        return lines[-1].strip() if lines else f"it ended with exit code {self.code}"


def find_program(program: str) -> str | None:
    """The full path of a program on PATH."""
    return shutil.which(program)


def run_program(
    arguments: Sequence[str],
    *,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout: float = MINUTE,
) -> Completed:
    """Run a program to its end and capture what it says.

    Args:
        arguments: the program and its arguments.
        directory: where to run it; here, unless given.
        environment: its whole environment; ours, unless given.
        stdin: what it reads; nothing, unless given.
        timeout: seconds after which it is stopped and counts as failed.
    """
    try:
        with contextlib.ExitStack() as stack:
            # Cut in its start, a program would run on without us, in a directory that we remove.
            with signals_postponed():
                process = stack.enter_context(
                    subprocess.Popen(  # noqa: S603 - an argument list, and no shell
                        arguments,
                        cwd=directory,
                        env=environment,
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE,
                    )
                )
                stack.callback(_end, process)
            output, errors = process.communicate(_encoded(stdin), timeout)
    except subprocess.TimeoutExpired:
        return Completed(
            TIMED_OUT, "", f"{arguments[0]} did not finish within {timeout:.0f} seconds"
        )
    except OSError as error:
        return Completed(UNAVAILABLE, "", f"{arguments[0]} cannot be run: {error.strerror}")
    return Completed(process.returncode, _decoded(output), _decoded(errors))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program that still runs, and what it has started, which would go on without it."""
    with signals_ignored():
        if process.poll() is None:
            kill_family(process.pid)
            process.kill()


def kill_family(pid: int) -> None:
    """End a process by force, and all that it has started."""
    if os.name != "posix":
        return
    stopped: set[int] = set()
    # What is stopped starts nothing any more, so that nobody is missed.
    while running := family_of(pid).keys() - stopped:
        _signal(running, signal.SIGSTOP)
        stopped |= running
    _signal(stopped, signal.SIGKILL)


def family_of(pid: int) -> dict[int, str]:
    """A process and all that it has started, each with its start: the system uses numbers again.

    Left out is what has made itself independent, as daemons do, and all where there is no `ps`.
    """
    parents, starts = {}, {}
    for line in _listed_processes():
        number, parent, start = line.split(maxsplit=2)
        parents[int(number)], starts[int(number)] = int(parent), start
    family = {pid} & starts.keys()
    while children := {child for child in parents if parents[child] in family} - family:
        family |= children
    return {member: starts[member] for member in family}


def _listed_processes() -> list[str]:
    plain = {**os.environ, "LC_ALL": "C"}
    with contextlib.suppress(OSError):
        listed = subprocess.run(  # noqa: S603 - an argument list, and no shell
            PROCESSES, stdin=subprocess.DEVNULL, capture_output=True, check=False, env=plain
        )
        return listed.stdout.decode("ascii", "replace").splitlines()
    return []


def _signal(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


# A file's name can be any bytes, and has to come back as it was.


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _decoded(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")
