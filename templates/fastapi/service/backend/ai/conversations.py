"""The conversations of a client, and the chats of its pages, which are conversations, too.

A conversation consists of turns, and a turn of items.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from backend.ai.turns import Turns, newest_turns, said_in
from backend.database import Session, transaction
from backend.errors import Conflict, InvalidRequest, NotFound
from backend.json_text import JSONObject
from backend.tables import Conversation, Item, Turn, missing, new_id, now

LONGEST_TITLE = 80


class Known(NamedTuple):
    """Where something that was said is kept."""

    turn: int
    number: int
    id: str


class Conversations(Turns):
    @transaction
    async def create(
        self, session: Session, notes: JSONObject, items: Sequence[JSONObject]
    ) -> JSONObject:
        await self._purge(session)
        made = await self._insert(session, new_id("conv"), notes)
        if items:
            await self._add(session, new_id("turn"), items, conversation=made)
        return await self._show(session, made)

    @transaction
    async def find(self, session: Session, conversation: str) -> JSONObject:
        return await self._show(session, await self._number(session, conversation))

    @transaction
    async def rename(self, session: Session, conversation: str, notes: JSONObject) -> JSONObject:
        number = await self._touch(session, conversation)
        changed = update(Conversation).where(Conversation.number == number).values(notes=notes)
        await session.execute(changed)
        return await self._show(session, number)

    @transaction
    async def delete(self, session: Session, conversation: str) -> None:
        gone = delete(Conversation).where(*self._mine(conversation))
        if await session.scalar(gone.returning(Conversation.number)) is None:
            raise missing("conversation", conversation)

    @transaction
    async def recent(self, session: Session, after: str | None, most: int) -> list[JSONObject]:
        """Returns the conversations, of which the last used is the first."""
        place = Conversation.updated_at, Conversation.number
        query = select(Conversation).where(*self._mine())
        if after is not None:
            found = await session.execute(select(*place).where(*self._mine(after)))
            if (last := found.first()) is None:
                raise missing("conversation", after, param="after")
            query = query.where(tuple_(*place) < tuple_(*last))
        newest = query.order_by(*(column.desc() for column in place)).limit(most)
        return [shown(each) for each in await session.scalars(newest)]

    @transaction
    async def items(
        self, session: Session, conversation: str, *, start: str | None, most: int, newest: bool
    ) -> list[JSONObject]:
        """Returns what is said in a conversation.

        Args:
            start: the id of the first that is wanted.
            newest: whether to begin with the newest.
        """
        number = await self._number(session, conversation)
        query = said_in(number)
        place = tuple_(Item.turn, Item.number)
        if start is not None:
            first = tuple_(*(await self._known(session, number, start))[:2])
            query = query.where(place <= first if newest else place >= first)
        order = (Item.turn, Item.number)
        ordered = query.order_by(*(column.desc() for column in order) if newest else order)
        return list(await session.scalars(ordered.limit(most)))

    @transaction
    async def add(self, session: Session, conversation: str, items: Sequence[JSONObject]) -> None:
        number = await self._touch(session, conversation)
        await self._add(session, new_id("turn"), items, conversation=number)

    @transaction
    async def delete_item(self, session: Session, conversation: str, item: str) -> JSONObject:
        number = await self._touch(session, conversation)
        known = await self._known(session, number, item)
        await session.execute(delete(Item).where(Item.number == known.number))
        return await self._show(session, number)

    @transaction
    async def ask(
        self,
        session: Session,
        chat: str,
        turn: str,
        sent: Sequence[JSONObject],
        *,
        is_list: bool,
        most: int,
    ) -> list[JSONObject]:
        """Keeps the newest message of a page's list, and returns what was said before it.

        The list decides what it follows: what is kept after that is deleted. Of what is not kept, a
        user's messages are now, and no others: they might be made up.

        Args:
            is_list: whether the list is whole; else it is the newest message alone.

        Raises:
            InvalidRequest: too many of its messages are not kept.
        """
        await self._purge(session)
        number = await self._touch_or_make(session, chat, sent[-1])
        query = select(Item.turn, Item.number, Item.id).join(Turn, Item.turn == Turn.number)
        found = await session.execute(query.where(Turn.conversation == number))
        known = {row.id: Known(*row) for row in found}
        *earlier, newest = sent
        if newest["id"] in known:
            await self._delete_from(session, number, known[newest["id"]])
        elif is_list:
            places = [place for place, each in enumerate(earlier) if each["id"] in known]
            if places:
                last = known[earlier[places[-1]]["id"]]
                await self._delete_from(session, number, last._replace(number=last.number + 1))
                earlier = earlier[places[-1] + 1 :]
            elif known:
                await session.execute(delete(Turn).where(Turn.conversation == number))
            unknown = [each for each in earlier if each["role"] == "user"]
            if len(unknown) >= most:
                message = f"At most {most} messages are accepted (MAX_MESSAGES)"
                raise InvalidRequest(message, param="messages")
            for each in unknown:
                await self._add(session, new_id("turn"), [each], conversation=number)
        before = await newest_turns(session, said_in(number), most)
        await self._add(session, turn, [newest], conversation=number)
        return before

    @transaction
    async def ask_more(
        self,
        session: Session,
        chat: str,
        message: str,
        most: int,
        change: Callable[[JSONObject], JSONObject],
    ) -> tuple[str, list[JSONObject]]:
        """Returns the turn that goes on, and what was said in the chat.

        Args:
            change: returns the message as it is to be kept from now on, or refuses to go on.

        Raises:
            Conflict: the message is not the last one.
        """
        number = await self._touch(session, chat)
        newest = select(Turn.id.label("turn_id"), Item.number, Item.id, Item.body)
        newest = newest.join(Turn, Item.turn == Turn.number).where(Turn.conversation == number)
        newest = newest.order_by(Item.turn.desc(), Item.number.desc())
        found = await session.execute(newest.limit(1))
        if (last := found.first()) is not None and last.id == message:
            changed = update(Item).where(Item.number == last.number)
            changed = changed.values(body=change(last.body))
            if await session.scalar(changed.returning(Item.number)) is not None:
                return last.turn_id, await newest_turns(session, said_in(number), most)
        raise Conflict("This answer is not the last message of the chat", param="messages")

    @transaction
    async def everything(self, session: Session, after: str | None, most: int) -> list[JSONObject]:
        """Returns all turns of this client, oldest first, with what was said in each."""
        query = select(Turn, Conversation.id).outerjoin(
            Conversation, Turn.conversation == Conversation.number
        )
        used = func.coalesce(Conversation.updated_at, Turn.created_at)
        query = query.where(Turn.owner == self._owner, used >= self._oldest())
        if after is not None:
            mine = Turn.id == after, Turn.owner == self._owner
            last = await session.scalar(select(Turn.number).where(*mine))
            if last is None:
                raise missing("turn", after, param="after")
            query = query.where(Turn.number > last)
        found = await session.execute(query.order_by(Turn.number).limit(most))
        turns: dict[int, JSONObject] = {
            turn.number: {
                "id": turn.id,
                "conversation": conversation,
                "created_at": turn.created_at,
                "response": turn.response,
                "items": [],
            }
            for turn, conversation in found
        }
        said = select(Item.turn, Item.body).where(Item.turn.in_(turns))
        for turn, body in await session.execute(said.order_by(Item.turn, Item.number)):
            turns[turn]["items"].append(body)
        return list(turns.values())

    @transaction
    async def delete_everything(self, session: Session) -> None:
        # In the order in which all others lock them, or each might wait for the other. The turns of
        # a conversation go with it; those of one that is made meanwhile stay.
        alone = Turn.owner == self._owner, Turn.conversation.is_(None)
        for kind, mine in ((Conversation, [Conversation.owner == self._owner]), (Turn, alone)):
            locked = select(kind.number).where(*mine).order_by(kind.number).with_for_update()
            await session.execute(delete(kind).where(kind.number.in_(locked)))

    async def _touch_or_make(self, session: Session, chat: str, newest: JSONObject) -> int:
        try:
            return await self._touch(session, chat)
        except NotFound:
            pass
        named = Conversation.owner == self._owner, Conversation.id == chat
        old = Conversation.updated_at < self._oldest()
        await session.execute(delete(Conversation).where(*named, old))
        try:
            async with session.begin_nested():
                return await self._insert(session, chat, {"title": title(newest)})
        except IntegrityError:  # made by another request meanwhile
            return await self._touch(session, chat)

    async def _insert(self, session: Session, conversation: str, notes: JSONObject) -> int:
        times = {"created_at": now(), "updated_at": now()}
        made = insert(Conversation).values(owner=self._owner, id=conversation, notes=notes, **times)
        found = await session.execute(made.returning(Conversation.number))
        return found.scalar_one()

    async def _show(self, session: Session, number: int) -> JSONObject:
        found = await session.execute(select(Conversation).where(Conversation.number == number))
        return shown(found.scalar_one())

    async def _known(self, session: Session, conversation: int, item: str) -> Known:
        query = select(Item.turn, Item.number, Item.id).join(Turn, Item.turn == Turn.number)
        # One of several that a message is shown as has its place after its id.
        ids = Item.id.in_([item, item.rpartition(":")[0]])
        query = query.where(Turn.conversation == conversation, ~Turn.is_open, ids)
        found = await session.execute(query.order_by(Item.id.desc()).limit(1))
        if (row := found.first()) is None:
            raise missing("item", item)
        return Known(*row)

    async def _delete_from(self, session: Session, conversation: int, first: Known) -> None:
        of_turn = Item.turn == first.turn
        await session.execute(delete(Item).where(of_turn, Item.number >= first.number))
        rest = await session.scalar(select(Item.number).where(of_turn).limit(1))
        place = Turn.number >= first.turn if rest is None else Turn.number > first.turn
        await session.execute(delete(Turn).where(Turn.conversation == conversation, place))


def shown(conversation: Conversation) -> JSONObject:
    return {
        "id": conversation.id,
        "metadata": conversation.notes,
        "created_at": conversation.created_at,
        "updated_at": conversation.updated_at,
    }


def title(message: JSONObject) -> str:
    texts = [part.get("text") for part in message["parts"] if part.get("type") == "text"]
    words = " ".join(" ".join(text for text in texts if isinstance(text, str)).split())
    return words if len(words) <= LONGEST_TITLE else f"{words[: LONGEST_TITLE - 1]}…"
