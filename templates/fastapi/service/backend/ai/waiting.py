"""Tools at work: all calls of a step at once, each within its time."""

import asyncio
import inspect
from collections.abc import Sequence

from anyio import to_thread

from backend.ai.tools import ToolRun


async def run_together(runs: Sequence[ToolRun], seconds: float) -> None:
    """Makes the calls, and waits no longer than so many seconds for what comes of them."""
    tasks = [asyncio.create_task(make(run)) for run in runs]
    try:
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
    finally:
        for task in tasks:
            task.cancel()


async def make(run: ToolRun) -> None:
    with run.watched():
        if inspect.iscoroutinefunction(run.tool.function):
            run.returned(await run())
        else:  # it may block, and nobody else is to wait for it
            run.returned(await to_thread.run_sync(run, abandon_on_cancel=True))
