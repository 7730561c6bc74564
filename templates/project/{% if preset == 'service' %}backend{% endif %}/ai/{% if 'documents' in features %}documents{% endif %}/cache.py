"""The indexes of those who have searched last, in memory."""

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from backend.ai.documents.search import Index

Row = tuple[int, int, str, bytes | None]  # a passage, its file, what is searched of it, its vector
Key = tuple[Any, ...]  # other where the passages are others


class Entry(NamedTuple):
    key: Key
    passages: Index
    files: dict[int, int]  # of which file each passage is


class Indexes:
    """Holds as many passages as one owner may have, of one or of several."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._lock = Lock()

    def get(self, owner: str, key: Key) -> Entry | None:
        with self._lock:
            entry = self._entries.get(owner)
            if entry is None or entry.key != key:
                self._entries.pop(owner, None)
                return None
            self._entries.move_to_end(owner)
            return entry

    def put(self, owner: str, entry: Entry) -> None:
        with self._lock:
            self._entries[owner] = entry
            self._entries.move_to_end(owner)
            while self._size() > self._most and len(self._entries) > 1:
                self._entries.popitem(last=False)

    def _size(self) -> int:
        return sum(len(entry.files) for entry in self._entries.values())


class Gathered:
    """Takes passages piece by piece: their vectors are not in memory twice."""

    def __init__(self, count: int, size: int) -> None:
        self._vectors = np.zeros((count, size), np.float32) if size else None
        self._texts: list[str] = []
        self._files: dict[int, int] = {}

    def add(self, rows: Iterable[Row]) -> None:
        for number, file, text, vector in rows:
            if self._vectors is not None and vector:
                self._vectors[len(self._texts)] = np.frombuffer(vector, np.float32)
            self._texts.append(text)
            self._files[number] = file

    def entry(self, key: Key) -> Entry:
        # Some may have been deleted while they were read.
        vectors = None if self._vectors is None else self._vectors[: len(self._texts)]
        return Entry(key, Index(list(self._files), self._texts, vectors), self._files)
