"""Files, their passages, and the stores that list them."""

from sqlalchemy import BigInteger, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.tables import Base, JSONObject, Serial


class File(Base):
    """A file as it was sent; the same bytes of one owner are one file.

    Its model and size are those of its vectors: empty, and 0, where it is searched by words alone.
    """

    __tablename__ = "files"

    number: Mapped[int] = mapped_column(Serial, primary_key=True)
    owner: Mapped[str]
    id: Mapped[str] = mapped_column(unique=True)
    digest: Mapped[str]
    filename: Mapped[str]
    purpose: Mapped[str]
    length: Mapped[int]
    content: Mapped[bytes] = mapped_column(deferred=True)
    status: Mapped[str]  # in_progress, completed or failed
    error: Mapped[str | None]
    passages: Mapped[int]
    embedded: Mapped[int]
    model: Mapped[str]
    size: Mapped[int]
    worked_at: Mapped[int] = mapped_column(BigInteger)  # when someone was last at it
    created_at: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (
        UniqueConstraint("owner", "digest"),
        Index(None, "owner", "number"),
        {"sqlite_autoincrement": True},
    )


class Passage(Base):
    __tablename__ = "passages"

    number: Mapped[int] = mapped_column(Serial, primary_key=True)
    file: Mapped[int] = mapped_column(ForeignKey("files.number", ondelete="CASCADE"))
    place: Mapped[str]
    text: Mapped[str] = mapped_column(Text)
    model: Mapped[str | None]
    size: Mapped[int | None]
    vector: Mapped[bytes | None]  # float32
    __table_args__ = (Index(None, "file", "number"), {"sqlite_autoincrement": True})


class Store(Base):
    """What OpenAI's API calls a vector store: some of an owner's files."""

    __tablename__ = "stores"

    number: Mapped[int] = mapped_column(Serial, primary_key=True)
    owner: Mapped[str]
    id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    notes: Mapped[JSONObject]  # which OpenAI's API calls its metadata
    created_at: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (Index(None, "owner", "number"), {"sqlite_autoincrement": True})


class StoreFile(Base):
    __tablename__ = "store_files"

    number: Mapped[int] = mapped_column(Serial, primary_key=True)
    store: Mapped[int] = mapped_column(ForeignKey("stores.number", ondelete="CASCADE"))
    file: Mapped[int] = mapped_column(ForeignKey("files.number", ondelete="CASCADE"), index=True)
    attributes: Mapped[JSONObject]
    created_at: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (UniqueConstraint("store", "file"), {"sqlite_autoincrement": True})
