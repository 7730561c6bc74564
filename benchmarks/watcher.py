"""Ends what was started here: a session of processes that grows without end, or outlives us."""

import atexit
import os
import select
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import AnyStr, NamedTuple

MOST_PROCESSES = 200  # of a session; a storm has that many within seconds
POLL_SECONDS = 1
CLOSELY, MOST_CLOSELY = 0.005, 40
SECONDS = 120
ENOUGH = "enough"


@contextmanager
def watched(process: subprocess.Popen[AnyStr]) -> Iterator[subprocess.Popen[AnyStr]]:
    """Ends the session that a process has begun: here, where it grows, and with us."""
    watch(process)
    try:
        yield process
    finally:
        end(process)


def held(*command: str | Path) -> tuple[str | Path, ...]:
    """A command that waits until it is watched; its standard input has to be a pipe."""
    return ("sh", "-c", 'read -r _ && exec "$@" < /dev/null', "sh", *command)


def watch(process: subprocess.Popen[AnyStr]) -> None:
    """Lets a held command begin."""
    tell(ours(), process.pid, MOST_PROCESSES)
    if process.stdin:
        os.write(process.stdin.fileno(), b"\n")
        process.stdin.close()
        process.stdin = None


def end(process: subprocess.Popen[AnyStr]) -> None:
    """Ends what is left of the session that a process has begun."""
    kill(process.pid)
    process.wait()


@cache
def ours() -> subprocess.Popen[str]:
    """The process that ends whatever we leave."""
    watcher = watcher_every(POLL_SECONDS)
    atexit.register(watcher.communicate)
    return watcher


def watcher_every(seconds: float) -> subprocess.Popen[str]:
    """Its standard input tells it that we are there, and what to watch."""
    return subprocess.Popen(
        (sys.executable, "-I", __file__, str(seconds)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        start_new_session=True,
    )


def tell(watcher: subprocess.Popen[str], session: int, most: int) -> None:
    if watcher.stdin:
        watcher.stdin.write(f"{session} {most}\n")


class Watch(NamedTuple):
    """What a process of its own sees of a session.

    Args:
        session: the id of the process that began it.
        watcher: says at its end how many there were at most.
    """

    session: int
    watcher: subprocess.Popen[str]

    def size(self) -> int:
        return len(processes(self.session))

    def most(self) -> int:
        """The most processes that were there at once; ends the watch."""
        said, _ = self.watcher.communicate(f"{ENOUGH}\n", timeout=SECONDS)
        return int(said)

    def wait_until_there_are(self, number: int) -> None:
        deadline = time.monotonic() + SECONDS
        while (found := self.size()) != number:
            if time.monotonic() > deadline:
                raise AssertionError(f"{found} processes, not {number}")
            time.sleep(0.05)


@contextmanager
def watching(session: int, most: int = MOST_CLOSELY) -> Iterator[Watch]:
    """Looks closely for a while, and counts."""
    with watcher_every(CLOSELY) as watcher:
        tell(watcher, session, most)
        yield Watch(session, watcher)


def processes(session: int) -> list[int]:
    """The ids of the processes that run in a session, or descend from one that does."""
    children: dict[int, list[int]] = defaultdict(list)
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent, _group, its = stat.read_text().rpartition(")")[2].split()[:4]
            if state != "Z":
                pid = int(stat.parent.name)
                (found if int(its) == session else children[int(parent)]).append(pid)
    for pid in found:
        found += children[pid]
    return found


def main(seconds: float) -> None:
    """Watches until it has seen enough, and writes the most that a session had; or until we end."""
    sessions: dict[int, int] = {}
    seen, said = 0, ""
    while True:
        readable, _, _ = select.select([0], [], [], seconds if sessions else None)
        if readable:
            if not (read := os.read(0, 4096).decode()):
                break
            *lines, said = (said + read).split("\n")
            if ENOUGH in lines:
                sys.stdout.write(str(seen))
                return
            sessions |= {int(session): int(most) for session, most in map(str.split, lines)}
        for session, most in list(sessions.items()):
            size = len(processes(session))
            seen = max(seen, size)
            if size > most:
                kill(session)
            elif not size:  # its number may soon be another's
                del sessions[session]
    for session in sessions:
        kill(session)


def kill(session: int) -> None:
    left = processes(session)
    with suppress(ProcessLookupError):
        os.killpg(session, signal.SIGKILL)  # all at once, so that none is made meanwhile
    deadline = time.monotonic() + SECONDS
    while left and time.monotonic() < deadline:
        for process in left:  # also in a group of its own
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        left = processes(session)


if __name__ == "__main__":
    main(float(sys.argv[1]))
