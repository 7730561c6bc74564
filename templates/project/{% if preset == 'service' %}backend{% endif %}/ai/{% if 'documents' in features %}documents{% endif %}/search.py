"""Search by words and by meaning together, over passages that are held in memory."""

import logging
import math
import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from bm25s import BM25  # type: ignore[import-untyped]
from numpy.typing import NDArray

logging.getLogger("bm25s").setLevel(logging.WARNING)  # else it tells of each index that it builds

SMOOTHING = 5  # of reciprocal ranks: the larger, the less it counts to be first
DEEPEST = 100  # what ranks lower by words, or by meaning, is not found by it
AT_ONCE = 400_000  # numbers that are multiplied at once
LETTERS = 5  # by which words are compared, so that most endings do not count
SHORTEST = 4  # letters of a word that may be a plural

# `\w` without `_`, and the vowel signs and accents that it lacks.
WORD = re.compile(
    r"(?:[^\W_]|[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    r"\u0900-\u0963\u0966-\u109f\u1780-\u17d3])+"
)
# Scripts without blanks between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese. And Korean,
# whose words end in letters of their own.
UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17d3\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uac00-\ud7af\U00020000-\U0003ffff]"
)


class Hit(NamedTuple):
    """A passage that was found, where it ranks by words and by meaning, and the score of both."""

    id: int
    score: float  # 1 is the first by all that was asked
    by_words: int | None
    by_meaning: int | None


def terms(text: str) -> list[str]:
    """Returns what of a text is compared: its words' beginnings, or each two letters of them.

    A last s is taken for the plural, which it is in English and some other languages.
    """
    words = WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return [term for word in words for term in terms_of(word)]


@lru_cache(10_000)
def terms_of(word: str) -> Sequence[str]:
    if UNSPACED.search(word):
        return [word[at : at + 2] for at in range(max(1, len(word) - 1))]
    whole = word if len(word) < SHORTEST else word.removesuffix("s")
    return [whole[:LETTERS]]


class Index:
    """The passages of an owner. It never changes, so that any number of threads may ask it."""

    def __init__(
        self, ids: Sequence[int], texts: Iterable[str], vectors: NDArray[np.float32] | None = None
    ) -> None:
        """Reads the texts of `ids`; keeps their vectors, a row for each, where there are any."""
        self._ids = list(ids)
        self._vectors = vectors
        if vectors is not None:
            lengths = np.linalg.norm(vectors, axis=1)
            self._scale = 1 / np.maximum(lengths, np.finfo(np.float32).tiny)
        numbers: defaultdict[str, int] = defaultdict(count().__next__)
        counted = [array("i", [numbers[term] for term in terms(text)]) for text in texts]
        self._words: Any = BM25() if numbers else None
        if self._words:
            known = counted, dict(numbers)
            self._words.index(known, create_empty_token=False, show_progress=False)

    def search(
        self,
        query: str,
        vector: NDArray[np.float32] | None,
        limit: int,
        allowed: Container[int] | None = None,
    ) -> list[Hit]:
        """Returns the best passages, of all or of those allowed: without a vector, by words."""
        shut = np.zeros(len(self._ids), bool)
        if allowed is not None:
            shut[:] = [id not in allowed for id in self._ids]
        by_words = self._rank_by_words(query, shut)
        by_meaning = self._rank_by_meaning(vector, shut)
        best = (1 if vector is None or self._vectors is None else 2) / (SMOOTHING + 1)
        hits = []
        for at in by_words.keys() | by_meaning.keys():
            ranks = by_words.get(at), by_meaning.get(at)
            score = sum(1 / (SMOOTHING + rank) for rank in ranks if rank) / best
            hits.append(Hit(self._ids[at], score, *ranks))
        return sorted(hits, key=lambda hit: (-hit.score, hit.id))[:limit]

    def weight(self, term: str) -> float:
        """Returns how much a term says: rare ones say more, and long ones."""
        having = 0
        if self._words and (number := self._words.vocab_dict.get(term)) is not None:
            start, end = self._words.scores["indptr"][number : number + 2]
            having = int(end - start)
        rarity = math.log(1 + (len(self._ids) + 1) / (having + 0.5))
        return rarity * (1 if UNSPACED.search(term) else (len(term) / LETTERS) ** 2)

    def _rank_by_words(self, query: str, shut: NDArray[np.bool]) -> dict[int, int]:
        vocabulary = self._words.vocab_dict if self._words else {}
        known = [term for term in dict.fromkeys(terms(query)) if term in vocabulary]
        if not known:
            return {}
        scores = self._words.get_scores(known)
        return ranked(scores, shut | (scores <= 0))

    def _rank_by_meaning(
        self, vector: NDArray[np.float32] | None, shut: NDArray[np.bool]
    ) -> dict[int, int]:
        if vector is None or self._vectors is None or not self._ids:
            return {}
        scores = similarity(self._vectors, np.asarray(vector, np.float32)) * self._scale
        return ranked(scores, shut)


def ranked(scores: NDArray[np.float32], shut: NDArray[np.bool]) -> dict[int, int]:
    """Returns the ranks, from 1, of the places with the highest scores but for those shut out."""
    left = np.flatnonzero(~shut)
    order = left[np.argsort(-scores[left], kind="stable")][:DEEPEST]
    return {int(at): rank for rank, at in enumerate(order, 1)}


def similarity(vectors: NDArray[np.float32], vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Multiplies a few rows at a time: for more, BLAS starts threads that wait for one another."""
    rows = max(1, AT_ONCE // vectors.shape[1])
    parts = [vectors[at : at + rows] @ vector for at in range(0, len(vectors), rows)]
    return np.concatenate(parts)
