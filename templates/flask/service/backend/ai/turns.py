"""The turns of a client: what it asked, and what it was answered. Always by owner."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, insert, select, update

from backend.database import Database, Session, transaction
from backend.errors import NotFound
from backend.json_text import JSONObject
from backend.tables import ITEMS, TURNS, Conversation, Item, Turn, missing, now

MOST_PURGED = 100  # at once: whoever comes next goes on
PURGE_SECONDS = 1  # for all who come meanwhile it would cost more than it finds
# What every turn needs is put together once, and without the ORM, which would cost as much again.
LAST = select(func.max(TURNS.c.number)).where(TURNS.c.conversation == bindparam("within"))
ADDED = (
    insert(TURNS)
    .values(previous=func.coalesce(bindparam("follows"), LAST.scalar_subquery()))
    .returning(TURNS.c.number)
)
SAID = insert(ITEMS)
ENDED = (
    update(TURNS)
    .where(TURNS.c.id == bindparam("turn"), TURNS.c.owner == bindparam("whose"))
    .values(is_open=False, response=bindparam("answer"))
    .returning(TURNS.c.number)
)
DELETED = "What was to be answered has been deleted meanwhile"


class Turns:
    """What one client has said, and was answered.

    Args:
        days: how long it is kept after its conversation was last used; 0 is for ever.

    Raises:
        NotFound: there is no such thing, or it is another client's.
        Unavailable: the database is lost, or too busy.
    """

    def __init__(self, database: Database, days: int, owner: str) -> None:
        self.database = database
        self._days = days
        self._owner = owner

    @transaction
    def recall(self, session: Session, conversation: str, most: int) -> list[JSONObject]:
        """Returns what was said last, cut between turns."""
        number = self._number(session, conversation)
        return newest_turns(session, said_in(number), most)

    @transaction
    def recall_response(self, session: Session, response: str, most: int) -> list[JSONObject]:
        """Returns what was said until then, cut between turns."""
        self._response(session, response)
        mine = Turn.owner == self._owner, Turn.created_at >= self._oldest()
        step = select(Turn.number, Turn.previous)
        chain = step.where(Turn.id == response, *mine).cte(recursive=True)
        chain = chain.union_all(step.where(Turn.number == chain.c.previous, *mine))
        said = select(Item.body).where(Item.turn.in_(select(chain.c.number)))
        return newest_turns(session, said, most)

    @transaction
    def referred(self, session: Session, items: Iterable[str]) -> dict[str, JSONObject]:
        """Returns, by id, those items of this client that are kept."""
        mine = Turn.owner == self._owner, Turn.created_at >= self._oldest()
        query = select(Item.id, Item.body).join(Turn, Item.turn == Turn.number)
        found = session.execute(query.where(Item.id.in_(list(items)), *mine))
        return {row.id: row.body for row in found}

    @transaction
    def begin(
        self,
        session: Session,
        turn: str,
        items: Sequence[JSONObject],
        *,
        conversation: str | None = None,
        previous: str | None = None,
    ) -> None:
        """Keeps a request, until its answer is kept or it is forgotten."""
        number = before = None
        if conversation is not None:
            number = self._touch(session, conversation)
        elif previous is not None:
            before = (self._response(session, previous, stays=True)).number
        else:
            self._purge(session)
        self._add(session, turn, items, conversation=number, previous=before, is_open=True)

    @transaction
    def finish(
        self,
        session: Session,
        turn: str,
        items: Sequence[JSONObject],
        response: JSONObject | None = None,
        *,
        again: bool = False,
    ) -> None:
        """Keeps the answer of a turn.

        Args:
            again: whether in the place of what was answered of it so far.
        """
        named = {"turn": turn, "whose": self._owner, "answer": response}
        number = session.scalar(ENDED, named)
        if number is None:
            raise NotFound(DELETED)
        if again:
            session.execute(delete(Item).where(Item.turn == number, Item.is_answer))
        insert_items(session, number, items, is_answer=True)

    @transaction
    def forget(self, session: Session, turn: str) -> None:
        session.execute(delete(Turn).where(Turn.id == turn, Turn.owner == self._owner))

    @transaction
    def response(self, session: Session, response: str) -> JSONObject:
        found = self._response(session, response)
        query = select(Item.body).where(Item.turn == found.number, Item.is_answer)
        output = list(session.scalars(query.order_by(Item.number)))
        return {**(found.response or {}), "output": output}

    @transaction
    def asked(self, session: Session, response: str) -> list[JSONObject]:
        """Returns what a response is an answer to, without what came before."""
        found = self._response(session, response)
        query = select(Item.body).where(Item.turn == found.number, ~Item.is_answer)
        return list(session.scalars(query.order_by(Item.number)))

    @transaction
    def delete_response(self, session: Session, response: str) -> None:
        """Deletes the whole turn, in its conversation, too."""
        found = self._response(session, response)
        session.execute(delete(Turn).where(Turn.number == found.number))

    def _oldest(self) -> int:
        return now() - self._days * 86_400 if self._days else 0

    def _mine(self, conversation: str | None = None) -> list[ColumnElement[bool]]:
        mine = [Conversation.owner == self._owner, Conversation.updated_at >= self._oldest()]
        return mine if conversation is None else [*mine, Conversation.id == conversation]

    def _number(self, session: Session, conversation: str) -> int:
        query = select(Conversation.number).where(*self._mine(conversation))
        number = session.scalar(query)
        if number is None:
            raise missing("conversation", conversation)
        return number

    def _touch(self, session: Session, conversation: str) -> int:
        """Puts a conversation on top; nobody else writes there before this transaction ends."""
        touched = update(Conversation).where(*self._mine(conversation)).values(updated_at=now())
        found = session.scalars(touched.returning(Conversation.number))
        if (number := found.first()) is None:
            raise missing("conversation", conversation)
        return number

    def _response(self, session: Session, response: str, *, stays: bool = False) -> Turn:
        """Finds the turn; where it stays, nobody deletes it before this transaction ends."""
        mine = Turn.owner == self._owner, Turn.created_at >= self._oldest()
        query = select(Turn).where(Turn.id == response, Turn.response.is_not(None), *mine)
        if stays:
            query = query.with_for_update(read=True, key_share=True)
        if (found := session.scalar(query)) is None:
            code = "previous_response_not_found"
            raise missing("response", response, param="previous_response_id", code=code)
        return found

    def _add(
        self,
        session: Session,
        turn: str,
        items: Sequence[JSONObject],
        *,
        conversation: int | None,
        previous: int | None = None,
        is_open: bool = False,
    ) -> None:
        made = {
            "owner": self._owner,
            "id": turn,
            "conversation": conversation,
            "is_open": is_open,
            "created_at": now(),
        }
        found = session.execute(ADDED, {**made, "within": conversation, "follows": previous})
        insert_items(session, found.scalar_one(), items, is_answer=False)

    def _purge(self, session: Session) -> None:
        """Deletes what is too old, some of it at a time: so it needs no clock of its own."""
        if not self._days or time.monotonic() < self.database.purge_at:
            return
        self.database.purge_at = time.monotonic() + PURGE_SECONDS
        chats = select(Conversation.number).where(Conversation.updated_at < self._oldest())
        alone = Turn.conversation.is_(None), Turn.created_at < self._oldest()
        for kind, old in ((Conversation, chats), (Turn, select(Turn.number).where(*alone))):
            some = old.limit(MOST_PURGED).with_for_update(skip_locked=True)
            session.execute(delete(kind).where(kind.number.in_(some)))


def said_in(conversation: int) -> Select[JSONObject]:
    said = select(Item.body).join(Turn, Item.turn == Turn.number)
    return said.where(Turn.conversation == conversation, ~Turn.is_open)


def newest_turns(session: Session, said: Select[JSONObject], most: int) -> list[JSONObject]:
    newest = said.add_columns(Item.turn).order_by(Item.turn.desc(), Item.number.desc())
    found = session.execute(newest.limit(most + 1))
    rows = list(found)
    if len(rows) > most:  # a part of a turn would hold a result without its call
        rows = [row for row in rows if row.turn != rows[-1].turn]
    return [row.body for row in reversed(rows)]


def insert_items(
    session: Session, turn: int, items: Sequence[JSONObject], *, is_answer: bool
) -> None:
    if items:
        rows: list[dict[str, Any]] = [
            {"turn": turn, "id": item["id"], "is_answer": is_answer, "body": item} for item in items
        ]
        session.execute(SAID, rows)
