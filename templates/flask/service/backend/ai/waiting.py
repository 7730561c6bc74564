"""Tools at work: all calls of a step at once, each within its time."""

import contextvars
import time
from collections.abc import Sequence
from threading import Thread

from backend.ai.tools import ToolRun


def run_together(runs: Sequence[ToolRun], seconds: float) -> None:
    """Makes the calls, and waits no longer than so many seconds for what comes of them."""
    ends = time.monotonic() + seconds
    threads = [
        Thread(target=contextvars.copy_context().run, args=(make, run), daemon=True) for run in runs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0, ends - time.monotonic()))


def make(run: ToolRun) -> None:
    with run.watched():
        run.returned(run())
