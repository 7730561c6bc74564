"""Work that takes long: its request has a thread of its own already."""

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

Given = TypeVarTuple("Given")
Result = TypeVar("Result")


def in_thread(work: Callable[[*Given], Result], *given: *Given) -> Result:
    return work(*given)
