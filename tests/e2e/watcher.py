"""Ends a session of processes that grows without end, also where the test that began it is gone."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

MOST_PROCESSES = 40
MOST_SECONDS = 60
POLL_SECONDS = 0.005


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
        said, _ = self.watcher.communicate("enough", timeout=MOST_SECONDS)
        return int(said)

    def wait_until_there_are(self, number: int) -> None:
        deadline = time.monotonic() + MOST_SECONDS / 2
        while (found := self.size()) != number:
            assert time.monotonic() < deadline, f"{found} processes, not {number}"
            time.sleep(0.05)


@contextmanager
def watching(session: int, most: int = MOST_PROCESSES) -> Iterator[Watch]:
    """Has the session killed when it is too large or too old, and when this process has ended."""
    command = (sys.executable, __file__, str(session), str(most))
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as watcher:
        yield Watch(session, watcher)


def processes(session: int) -> list[int]:
    """The ids of the processes that run in a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _parent, _group, in_session = stat.read_text().rpartition(")")[2].split()[:4]
            if int(in_session) == session and state != "Z":
                found.append(int(stat.parent.name))
    return found


def watch(session: int, most: int) -> None:
    """Watches until a word arrives, and writes the most processes that were there."""
    seen, deadline = 0, time.monotonic() + MOST_SECONDS
    told = ""
    while not told:
        found = len(processes(session))
        seen = max(seen, found)
        readable, _, _ = select.select([sys.stdin], [], [], POLL_SECONDS)
        told = sys.stdin.read(1) if readable else ""
        if found > most or time.monotonic() > deadline:
            kill(session)
            break
        if readable and not told:  # whoever would have said it is gone
            kill(session)
            return
    sys.stdout.write(str(seen))


def kill(session: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(session, signal.SIGKILL)  # all at once, so that none is made meanwhile
    for process in processes(session):  # in a group of its own
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


if __name__ == "__main__":
    watch(*map(int, sys.argv[1:]))
