"""Work that takes long, while others are served."""

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from anyio import to_thread

Given = TypeVarTuple("Given")
Result = TypeVar("Result")


async def in_thread(work: Callable[[*Given], Result], *given: *Given) -> Result:
    return await to_thread.run_sync(work, *given)
