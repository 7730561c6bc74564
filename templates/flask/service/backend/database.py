"""The database, and the transactions in which it is used."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import URL, create_engine, orm

from backend import engine
from backend.errors import Unavailable
from backend.migrate import is_current

Session = orm.Session
Given = ParamSpec("Given")
Kept = TypeVar("Kept", bound="Stored")
Result = TypeVar("Result")


class Database:
    def __init__(self, url: URL) -> None:
        self._engine = create_engine(url, **engine.options(url))
        self.purge_at = 0.0  # a moment of `time.monotonic`
        self.session = orm.sessionmaker(self._engine{{ ', expire_on_commit=False' if 'documents' in features else '' }})
        engine.prepare(self._engine)

    def is_ready(self) -> bool:
        """Returns whether it can be reached, and has the tables that this code takes."""
        try:
            with engine.told_of_loss(), self._engine.connect() as connection:
                return is_current(connection)
        except Unavailable:
            return False

    def close(self) -> None:
        self._engine.dispose()


class Stored(Protocol):
    """What keeps something in the database."""

    @property
    def database(self) -> Database: ...


def transaction(
    method: Callable[Concatenate[Kept, Session, Given], Result],
) -> Callable[Concatenate[Kept, Given], Result]:
    """Gives a method a transaction of its own.

    Never ask a model in one: all others would wait for it.

    Raises:
        Unavailable: the database is lost, or too busy.
    """

    @functools.wraps(method)
    def run(kept: Kept, /, *given: Given.args, **named: Given.kwargs) -> Result:
        with engine.told_of_loss(), kept.database.session.begin() as session:
            return method(kept, session, *given, **named)

    return run
