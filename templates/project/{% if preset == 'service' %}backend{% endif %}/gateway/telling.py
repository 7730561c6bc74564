"""An answer in another form than the model's."""

from collections.abc import Iterator
from typing import Protocol, TypeVar

from backend.ai.events import Event
from backend.errors import AppError

Told = TypeVar("Told", contravariant=True)


class Telling(Protocol[Told]):
    """Tells a client of an answer in a form of its own."""

    def opening(self) -> Iterator[Event]: ...

    def events(self, told: Told) -> Iterator[Event]:
        """Yields what one piece of it becomes, such as the JSON of a chunk."""
        ...

    def closing(self) -> Iterator[Event]: ...

    def failure(self, error: AppError) -> Iterator[Event]: ...
