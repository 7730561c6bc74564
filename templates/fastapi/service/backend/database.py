"""The database, and the transactions in which it is used."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from backend import engine
from backend.errors import Unavailable
from backend.migrate import is_current

Session = AsyncSession
Given = ParamSpec("Given")
Kept = TypeVar("Kept", bound="Stored")
Result = TypeVar("Result")


class Database:
    def __init__(self, url: URL) -> None:
        if url.drivername == "sqlite":
            url = url.set(drivername="sqlite+aiosqlite")
        self._engine = create_async_engine(url, **engine.options(url))
        self._running: set[asyncio.Task[Any]] = set()
        self.purge_at = 0.0  # a moment of `time.monotonic`
        self.session = async_sessionmaker(self._engine{{ ', expire_on_commit=False' if 'documents' in features else '' }})
        engine.prepare(self._engine.sync_engine)

    async def is_ready(self) -> bool:
        """Returns whether it can be reached, and has the tables that this code takes."""
        try:
            with engine.told_of_loss():
                async with self._engine.connect() as connection:
                    return await connection.run_sync(is_current)
        except Unavailable:
            return False

    async def whole(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Does all of it, though the client has left: half of it would hold up the others.

        Whoever is told of that finds it done, and can undo it.
        """
        task = asyncio.ensure_future(work)
        self._running.add(task)  # asyncio itself would forget it
        task.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            raise

    async def close(self) -> None:
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._engine.dispose()


class Stored(Protocol):
    """What keeps something in the database."""

    @property
    def database(self) -> Database: ...


def transaction(
    method: Callable[Concatenate[Kept, Session, Given], Coroutine[Any, Any, Result]],
) -> Callable[Concatenate[Kept, Given], Coroutine[Any, Any, Result]]:
    """Gives a method a transaction of its own.

    Never ask a model in one: all others would wait for it.

    Raises:
        Unavailable: the database is lost, or too busy.
    """

    @functools.wraps(method)
    async def run(kept: Kept, /, *given: Given.args, **named: Given.kwargs) -> Result:
        async def work() -> Result:
            with engine.told_of_loss():
                async with kept.database.session.begin() as session:
                    return await method(kept, session, *given, **named)

        return await kept.database.whole(work())

    return run
