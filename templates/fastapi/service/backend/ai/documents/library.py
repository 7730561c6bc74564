"""The documents of an owner: files, the stores that list them, and search. Nobody else's."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from sqlalchemy import Select, bindparam, delete, func, insert, select, true, update
from sqlalchemy.exc import IntegrityError

from backend.ai import offline
from backend.ai.documents.cache import Entry, Gathered, Indexes, Key, Row
from backend.ai.documents.passages import Passage as Piece
from backend.ai.documents.reading import kind_of, read
from backend.ai.documents.search import Hit
from backend.ai.documents.tables import File, Passage, Store, StoreFile
from backend.ai.documents.waiting import in_thread
from backend.ai.model import Model
from backend.database import Database, Session, transaction
from backend.errors import Conflict, RequestTooLarge, UpstreamFailed
from backend.json_text import JSONObject
from backend.settings import Settings
from backend.tables import missing, new_id, now

OPERATION = "documents"
BATCH = 100  # passages that are embedded at once
LEFT_ALONE = 60  # seconds after which a file that nobody was at is taken up again
ROWS = 200  # that are read at once
RENEW = "python -m backend.documents renew"
TOO_MANY = "see `documents` in the README for what searches more"
FILLED = (
    update(Passage)
    .where(Passage.number == bindparam("at"))
    .values(vector=bindparam("v"), model=bindparam("m"), size=bindparam("s"))
)
Listed = tuple[StoreFile, File]
Counted = tuple[Store, JSONObject]  # the number and the bytes of its files, by their status
Selected = TypeVar("Selected", bound=Select[*tuple[Any, ...]])


class Found(NamedTuple):
    """A passage that was found, and why: its ranks by words and by meaning."""

    hit: Hit
    file: File
    text: str
    place: str


class Sought(NamedTuple):
    """Which part of a list is wanted."""

    after: str | None
    limit: int
    newest_first: bool


class Search(NamedTuple):
    found: list[Found]
    weight: Callable[[str], float]  # how much a word says, in these documents


class Documents:
    def __init__(
        self,
        database: Database,
        indexes: Indexes,
        settings: Settings,
        model: Model,
        owner: str,
    ) -> None:
        self.database = database
        self._indexes = indexes
        self._settings = settings
        self._model = model
        self._owner = owner
        # None where there is no model that embeds: then words decide alone.
        no_model = settings.llm_api_key is None
        self._embedding_model = offline.MODEL if no_model else settings.embedding_model

    @property
    def knows_meaning(self) -> bool:
        return bool(self._embedding_model)

    async def add(self, name: str, content: bytes, purpose: str = "assistants") -> File:
        """Keeps a file, and makes it ready to be searched; the same bytes are the same file.

        Raises:
            InvalidRequest: it cannot be read.
            RequestTooLarge: the owner's files would be too many.
            UpstreamFailed: the model does not embed it; sent again, it is gone on with.
        """
        kind_of(name)
        digest = hashlib.sha256(content).hexdigest()
        file = await self._known(digest)
        if file is None:
            pieces = await in_thread(read, name, content)
            try:
                file = await self._keep(name, content, purpose, digest, pieces)
            except IntegrityError:  # by another request meanwhile
                file = await self._known(digest)
        return await self.ingest(file.id if file else "")

    async def ingest(self, file: str, *, again: bool = False) -> File:
        """Embeds what of a file is not embedded yet, unless someone is at it.

        Args:
            again: whether also what was embedded by another model.
        """
        if await self._begin(file, again=again):
            try:
                while batch := await self._next(file):
                    vectors = await self._embed([text for _, text in batch])
                    await self._fill(file, [number for number, _ in batch], vectors)
            except UpstreamFailed as error:
                await self._leave(file, "failed", error.message)
                raise
            except BaseException:
                await self._leave(file, "in_progress", None)
                raise
            await self._leave(file, "completed", None)
        return await self.file(file)

    async def polled(self, file: str) -> File:
        """Returns a file as it stands; goes on first with one that was cut off."""
        found = await self.file(file)
        return await self.ingest(file) if found.status == "in_progress" else found

    async def _embed(self, texts: Sequence[str]) -> list[list[float]]:
        model = None if self._embedding_model == offline.MODEL else self._embedding_model
        return await self._model.embed(texts, operation=OPERATION, model=model)

    @transaction
    async def _known(self, session: Session, digest: str) -> File | None:
        mine = File.owner == self._owner, File.digest == digest
        found: File | None = await session.scalar(select(File).where(*mine))
        return found

    @transaction
    async def _keep(
        self,
        session: Session,
        name: str,
        content: bytes,
        purpose: str,
        digest: str,
        pieces: Sequence[Piece],
    ) -> File:
        file = File(
            owner=self._owner,
            id=new_id("file"),
            digest=digest,
            filename=name,
            purpose=purpose,
            length=len(content),
            content=content,
            status="in_progress",
            error=None,
            passages=len(pieces),
            embedded=0,
            model="",
            size=0,
            worked_at=0,
            created_at=now(),
        )
        if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer at a time
            await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(self._owner))))
        session.add(file)
        await session.flush()
        sums = select(func.count(), func.sum(File.length), func.sum(File.passages))
        files, size, count = (await session.execute(sums.where(File.owner == self._owner))).one()
        if files > (most := self._settings.documents_max_files):
            raise RequestTooLarge(f"There are at most {most} files", param="file")
        if size > (most := self._settings.documents_max_bytes):
            raise RequestTooLarge(f"All files together have at most {most} bytes", param="file")
        if count > (most := self._settings.documents_max_passages):
            message = f"All files together have at most {most} passages: {TOO_MANY}"
            raise RequestTooLarge(message, param="file")
        rows = [{"file": file.number, "place": each.place, "text": each.text} for each in pieces]
        await session.execute(insert(Passage), rows)
        return file

    @transaction
    async def _begin(self, session: Session, file: str, *, again: bool) -> bool:
        """Takes up what is not done, unless another one is at it; all of it for a new model."""
        old = File.worked_at < now() - LEFT_ALONE
        left = (File.status == "failed") | ((File.status == "in_progress") & old)
        taken = update(File).where(*self._mine(file), left if not again else true())
        taken = taken.values(worked_at=now(), status="in_progress", error=None)
        kept = await session.execute(taken.returning(File.number, File.model))
        if (row := kept.one_or_none()) is None:
            return False
        if again or row.model != self._embedding_model:
            emptied = update(Passage).where(Passage.file == row.number)
            await session.execute(emptied.values(vector=None, model=None, size=None))
            changed = update(File).where(File.number == row.number)
            fresh = {"model": self._embedding_model, "size": 0, "embedded": 0}
            await session.execute(changed.values(**fresh))
        return True

    @transaction
    async def _next(self, session: Session, file: str) -> list[tuple[int, str]]:
        if not self._embedding_model:
            return []
        touched = update(File).where(*self._mine(file)).values(worked_at=now())
        number = await session.scalar(touched.returning(File.number))
        if number is None:
            raise missing("file", file)
        left = select(Passage.number, Passage.text, Passage.place).where(Passage.file == number)
        left = left.where(Passage.vector.is_(None)).order_by(Passage.number).limit(BATCH)
        return [(row.number, searched(row)) for row in await session.execute(left)]

    @transaction
    async def _fill(
        self, session: Session, file: str, numbers: Sequence[int], vectors: Sequence[list[float]]
    ) -> None:
        size = len(vectors[0])
        common = {"m": self._embedding_model, "s": size}
        packed = [np.asarray(vector, np.float32).tobytes() for vector in vectors]
        rows = [{"at": at, "v": v, **common} for at, v in zip(numbers, packed, strict=True)]
        connection = await session.connection()
        await connection.execute(FILLED, rows)
        counted = update(File).where(*self._mine(file))
        await session.execute(
            counted.values(embedded=File.embedded + len(rows), size=size, worked_at=now())
        )

    @transaction
    async def _leave(self, session: Session, file: str, status: str, error: str | None) -> None:
        left = update(File).where(*self._mine(file))
        await session.execute(left.values(status=status, error=error, worked_at=0))

    @transaction
    async def stale(self, session: Session, size: int) -> list[str]:
        """Returns the files whose vectors are none of the model's, or of another size."""
        others = (File.model != self._embedding_model) | (File.size != size)
        others = others | (File.status != "completed")
        query = select(File.id).where(File.owner == self._owner, others).order_by(File.number)
        return list(await session.scalars(query))

    async def renew(self, tell: Callable[[int, int], None]) -> int:
        """Embeds anew what was embedded by another model; returns of how many files."""
        size = len((await self._embed(["size"]))[0]) if self._embedding_model else 0
        stale = await self.stale(size)
        for done, file in enumerate(stale):
            tell(done, len(stale))
            await self.ingest(file, again=True)
        tell(len(stale), len(stale))
        return len(stale)

    @transaction
    async def file(self, session: Session, file: str) -> File:
        return await self._file(session, file)

    @transaction
    async def content(self, session: Session, file: str) -> tuple[str, bytes]:
        query = select(File.filename, File.content).where(*self._mine(file))
        if (row := (await session.execute(query)).one_or_none()) is None:
            raise missing("file", file)
        return row.filename, row.content

    @transaction
    async def files(self, session: Session, purpose: str | None, sought: Sought) -> list[File]:
        query = select(File).where(File.owner == self._owner)
        if purpose is not None:
            query = query.where(File.purpose == purpose)
        last = select(File.number).where(*self._mine(sought.after or ""))
        query = await paged(session, query, File.number, sought, last)
        return list(await session.scalars(query))

    @transaction
    async def delete(self, session: Session, file: str) -> None:
        gone = delete(File).where(*self._mine(file)).returning(File.number)
        if await session.scalar(gone) is None:
            raise missing("file", file)

    @transaction
    async def create_store(
        self, session: Session, name: str, notes: JSONObject, files: Sequence[str]
    ) -> Counted:
        made = {"owner": self._owner, "id": new_id("vs"), "name": name, "notes": notes}
        store = Store(**made, created_at=now())
        session.add(store)
        await session.flush()
        for file in dict.fromkeys(files):
            await self._list(session, store, file, {})
        return (await self._shown(session, [store]))[0]

    @transaction
    async def store(self, session: Session, store: str) -> Counted:
        return (await self._shown(session, [await self._store(session, store)]))[0]

    @transaction
    async def stores(self, session: Session, sought: Sought) -> list[Counted]:
        query = select(Store).where(Store.owner == self._owner)
        last = select(Store.number).where(Store.owner == self._owner, Store.id == sought.after)
        query = await paged(session, query, Store.number, sought, last)
        return await self._shown(session, list(await session.scalars(query)))

    @transaction
    async def change_store(
        self,
        session: Session,
        store: str,
        changes: Mapping[str, Any],
    ) -> Counted:
        found = await self._store(session, store)
        for name, value in changes.items():
            setattr(found, name, value)
        return (await self._shown(session, [found]))[0]

    @transaction
    async def delete_store(self, session: Session, store: str) -> None:
        await session.delete(await self._store(session, store))

    @transaction
    async def attach(
        self,
        session: Session,
        store: str,
        file: str,
        attributes: JSONObject,
    ) -> Listed:
        found = await self._store(session, store)
        await self._list(session, found, file, attributes)
        return await self._entry(session, store, file)

    @transaction
    async def change_attributes(
        self, session: Session, store: str, file: str, attributes: JSONObject
    ) -> Listed:
        listed, _ = await self._entry(session, store, file)
        listed.attributes = attributes
        return await self._entry(session, store, file)

    @transaction
    async def store_file(self, session: Session, store: str, file: str) -> Listed:
        return await self._entry(session, store, file)

    @transaction
    async def store_files(
        self, session: Session, store: str, status: str | None, sought: Sought
    ) -> list[Listed]:
        number = (await self._store(session, store)).number
        listed = select(StoreFile, File).join(File, StoreFile.file == File.number)
        listed = listed.where(StoreFile.store == number)
        last = select(StoreFile.number).join(File, StoreFile.file == File.number)
        last = last.where(StoreFile.store == number, File.id == sought.after)
        if status is not None:
            listed = listed.where(File.status == status)
        query = await paged(session, listed, StoreFile.number, sought, last)
        found = await session.execute(query)
        return [(row[0], row[1]) for row in found]

    @transaction
    async def detach(self, session: Session, store: str, file: str) -> None:
        listed, _ = await self._entry(session, store, file)
        await session.delete(listed)

    async def search(
        self,
        query: str,
        limit: int,
        files: Mapping[int, Any] | None = None,
    ) -> Search:
        """Returns the passages that fit best, by words and by meaning.

        Args:
            files: the numbers of those that are searched; else all are.

        Raises:
            Conflict: some vectors are another model's.
        """
        entry, size = await self._index()
        if not entry.files or files == {}:
            return Search([], entry.passages.weight)
        vector = None
        if self._embedding_model and size:
            [embedded] = await self._embed([query])
            if len(embedded) != size:
                raise mismatch()
            vector = np.asarray(embedded, np.float32)
        allowed = None
        if files is not None:
            allowed = {number for number, file in entry.files.items() if file in files}
        hits = await in_thread(entry.passages.search, query, vector, limit, allowed)
        return Search(await self._read(hits), entry.passages.weight)

    @transaction
    async def searched(
        self, session: Session, store: str, fits: Callable[[JSONObject], bool]
    ) -> dict[int, JSONObject]:
        """Returns the files of a store whose attributes fit, by their numbers."""
        number = (await self._store(session, store)).number
        query = select(StoreFile.file, StoreFile.attributes).where(StoreFile.store == number)
        return {file: found for file, found in await session.execute(query) if fits(found)}

    async def _index(self) -> tuple[Entry, int]:
        key, count, size = await self._state()
        entry = self._indexes.get(self._owner, key)
        if entry is None:
            gathered = Gathered(count, size)
            last = 0
            while rows := await self._rows(last, key[0]):
                gathered.add(rows)
                last = rows[-1][0]
            entry = await in_thread(gathered.entry, key)
            self._indexes.put(self._owner, entry)
        return entry, size

    @transaction
    async def _state(self, session: Session) -> tuple[Key, int, int]:
        """Returns what changes with the passages, how many there are, and their vectors' size."""
        sums = [func.sum(column) for column in (File.passages, File.embedded, File.worked_at)]
        most = [func.max(column) for column in (File.number, File.size, File.model)]
        mine = File.owner == self._owner
        found = (await session.execute(select(*most, *sums).where(mine))).one()
        newest, size, _, count, *_ = (each or 0 for each in found)
        if not self._embedding_model:
            return (newest, *found), int(count), 0
        begun = (File.status == "completed") | (File.embedded > 0)
        others = (File.model != self._embedding_model) | (File.size != size)
        if await session.scalar(select(File.number).where(mine, begun & others).limit(1)):
            raise mismatch()
        return (newest, *found), int(count), size

    @transaction
    async def _rows(self, session: Session, last: int, newest: int) -> list[Row]:
        columns = Passage.number, Passage.file, Passage.text, Passage.place, Passage.vector
        query = select(*columns).join(File, Passage.file == File.number)
        mine = File.owner == self._owner, File.number <= newest, Passage.number > last
        found = await session.execute(query.where(*mine).order_by(Passage.number).limit(ROWS))
        return [(row.number, row.file, searched(row), row.vector) for row in found]

    @transaction
    async def _read(self, session: Session, hits: Sequence[Hit]) -> list[Found]:
        numbers = [hit.id for hit in hits]
        query = select(Passage.number, Passage.text, Passage.place, File)
        query = query.join(File, Passage.file == File.number).where(Passage.number.in_(numbers))
        rows = {row.number: row for row in await session.execute(query)}
        found = ((hit, rows[hit.id]) for hit in hits if hit.id in rows)
        return [Found(hit, row.File, row.text, row.place) for hit, row in found]

    def _mine(self, file: str) -> tuple[Any, Any]:
        return File.owner == self._owner, File.id == file

    async def _file(self, session: Session, file: str) -> File:
        found: File | None = await session.scalar(select(File).where(*self._mine(file)))
        if found is None:
            raise missing("file", file)
        return found

    async def _store(self, session: Session, store: str) -> Store:
        mine = Store.owner == self._owner, Store.id == store
        found: Store | None = await session.scalar(select(Store).where(*mine))
        if found is None:
            raise missing("vector store", store)
        return found

    async def _entry(self, session: Session, store: str, file: str) -> Listed:
        query = select(StoreFile, File).join(File, StoreFile.file == File.number)
        number = (await self._store(session, store)).number
        query = query.where(StoreFile.store == number, *self._mine(file))
        if (row := (await session.execute(query)).one_or_none()) is None:
            raise missing("file", file)
        return row[0], row[1]

    async def _list(
        self,
        session: Session,
        store: Store,
        file: str,
        attributes: JSONObject,
    ) -> None:
        found = await self._file(session, file)
        there = StoreFile.store == store.number, StoreFile.file == found.number
        listed = await session.scalar(select(StoreFile).where(*there))
        if listed is None:
            made = StoreFile(store=store.number, file=found.number, attributes=attributes)
            made.created_at = now()
            session.add(made)
        else:
            listed.attributes = attributes
        await session.flush()

    async def _shown(self, session: Session, stores: Sequence[Store]) -> list[Counted]:
        query = select(StoreFile.store, File.status, func.count(), func.sum(File.length))
        query = query.join(File, StoreFile.file == File.number)
        query = query.where(StoreFile.store.in_([store.number for store in stores]))
        counts: dict[int, JSONObject] = {store.number: {} for store in stores}
        for store, status, count, size in await session.execute(
            query.group_by(StoreFile.store, File.status)
        ):
            counts[store][status] = (count, size)
        return [(store, counts[store.number]) for store in stores]


def searched(row: Any) -> str:
    return Piece(row.text, row.place).searched


async def paged(
    session: Session, query: Selected, number: Any, sought: Sought, last: Select[Any]
) -> Selected:
    """Returns a query for a page, and for one row more.

    Args:
        last: finds where the page before ends.
    """
    if sought.after is not None:
        place = await session.scalar(last)
        if place is None:
            raise missing("item", sought.after, param="after")
        query = query.where(number < place if sought.newest_first else number > place)
    order = number.desc() if sought.newest_first else number
    return query.order_by(order).limit(sought.limit + 1)


def mismatch() -> Conflict:
    return Conflict(
        f"The documents were embedded by another model; whoever runs this service: `{RENEW}`",
        code="embedding_model_changed",
    )
