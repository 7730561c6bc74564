"""Fills the database of a generated project with passages: `filled.py COUNT SIZE`, run in it."""

import random
import sys
from collections.abc import Iterator
from itertools import accumulate, cycle, islice

import numpy as np
from backend.ai.documents.tables import File, Passage, Store, StoreFile
from backend.settings import load_settings
from backend.tables import now
from sqlalchemy import create_engine, insert

OWNER, STORE, MODEL = "bench", "vs_bench", "bench"
WORDS = 160  # of a passage: about 1,000 characters
VOCABULARY = 20_000
DISTINCT = 2_000  # passages; then they come again
AT_ONCE = 1_000
LETTERS = "etaoinshrdlu"


def texts(count: int) -> Iterator[str]:
    """Returns texts whose words are as frequent as those of a language: the n-th one 1/n-th."""
    chance = random.Random(1)  # noqa: S311 - of a benchmark
    words = (chance.choices(LETTERS, k=chance.randint(2, 9)) for _ in range(VOCABULARY))
    vocabulary = ["".join(word) for word in words]
    frequencies = list(accumulate(1 / number for number in range(1, VOCABULARY + 1)))
    passages = (
        " ".join(chance.choices(vocabulary, cum_weights=frequencies, k=WORDS))
        for _ in range(min(count, DISTINCT))
    )
    return islice(cycle(passages), count)


def fill(count: int, size: int) -> None:
    engine = create_engine(load_settings().database)
    numbers = np.random.default_rng(1)
    written = texts(count)
    with engine.begin() as connection:
        file = {
            "owner": OWNER,
            "id": "file_bench",
            "digest": "",
            "filename": "bench.txt",
            "purpose": "assistants",
            "length": 1,
            "content": b"-",
            "status": "completed",
            "passages": count,
            "embedded": count,
            "model": MODEL,
            "size": size,
            "worked_at": 0,
            "created_at": now(),
        }
        number = connection.scalar(insert(File).values(file).returning(File.number))
        for start in range(0, count, AT_ONCE):
            vectors = numbers.standard_normal((min(AT_ONCE, count - start), size), np.float32)
            common = {"file": number, "place": "line 1", "model": MODEL, "size": size}
            rows = [
                {**common, "text": text, "vector": vector.tobytes()}
                for vector, text in zip(vectors, written, strict=False)
            ]
            connection.execute(insert(Passage), rows)
        store = {"owner": OWNER, "id": STORE, "name": "", "notes": {}, "created_at": now()}
        listing = connection.scalar(insert(Store).values(store).returning(Store.number))
        listed = {"store": listing, "file": number, "attributes": {}, "created_at": now()}
        connection.execute(insert(StoreFile), listed)
    engine.dispose()


if __name__ == "__main__":
    fill(int(sys.argv[1]), int(sys.argv[2]))
