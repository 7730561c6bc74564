"""How well the documents of a generated project are searched: run in it, it writes JSON.

The embeddings are those of its settings; without a key, the offline model's.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from backend.ai import offline
from backend.ai.documents.extract import extract
from backend.ai.documents.passages import split
from backend.ai.documents.search import Index
from backend.ai.metering import Meter
from backend.ai.model import Model
from backend.ai.provider import create_provider
from backend.limits import Limits
from backend.settings import load_settings
from numpy.typing import NDArray

FIRST = 5  # among which a passage counts as found
RANKED = 50  # a passage that ranks lower adds nothing to the mean of the reciprocal ranks
QUOTED = 3  # passages that an extract is chosen from
BATCH = 100  # texts that are embedded at once
HALVES = "tuned", "held"
SEARCHES = "words", "vectors", "both"

Question = dict[str, Any]
Asked = tuple[Question, NDArray[np.float32]]


class Corpus:
    def __init__(self, files: Sequence[Path]) -> None:
        texts = [(file.name, file.read_text("utf-8")) for file in files]
        self.passages = [(name, each) for name, text in texts for each in split(text)]
        self.vectors = embedded([passage.searched for _, passage in self.passages])
        places = range(len(self.passages))
        self.index = Index(places, [each.searched for _, each in self.passages], self.vectors)

    def found(self, question: Question, vector: NDArray[np.float32], by: str) -> list[int]:
        words = "" if by == "vectors" else question["question"]
        hits = self.index.search(words, None if by == "words" else vector, RANKED)
        return [hit.id for hit in hits]

    def rank(self, question: Question, found: Sequence[int]) -> int | None:
        """Returns the rank of the passage that answers: the one with the quote."""
        ranks = (rank for rank, at in enumerate(found, 1) if self._answers(at, question))
        return next(ranks, None)

    def _answers(self, at: int, question: Question) -> bool:
        name, passage = self.passages[at]
        return name == question.get("file") and question["quote"] in passage.text

    def is_extract_right(self, question: Question, found: Sequence[int]) -> bool | None:
        """Returns whether the offline answer is from the right passage; none where it is none."""
        texts = [self.passages[at][1].text for at in found[:QUOTED]]
        extracted = extract(question["question"], texts, self.index.weight)
        if extracted is None:
            return None
        if extracted.quote not in texts[extracted.passage]:
            raise AssertionError(extracted)
        return self._answers(found[extracted.passage], question)


def embedded(texts: Sequence[str]) -> NDArray[np.float32]:
    settings = load_settings()
    named = None if settings.llm_api_key is None else settings.embedding_model
    limits = Limits(settings.model_copy(update={"tokens_per_day": 10**15, "redis_url": None}))
    model = Model(Meter(create_provider(settings), limits), settings, "bench")
    batches = (texts[at : at + BATCH] for at in range(0, len(texts), BATCH))
    vectors = [model.embed(batch, operation="documents", model=named) for batch in batches]
    return np.array([vector for batch in vectors for vector in batch], np.float32)


def searches(corpus: Corpus, asked: Sequence[Asked]) -> Iterator[dict[str, Any]]:
    for half in HALVES:
        answered = [(q, v) for q, v in asked if q["half"] == half and "quote" in q]
        for by in SEARCHES:
            ranks = [(q["words"], corpus.rank(q, corpus.found(q, v, by))) for q, v in answered]
            yield {
                "half": half,
                "by": by,
                **{words: among_the_first(ranks, words) for words in ("same", "other")},
                "mrr": round(sum(1 / rank for _, rank in ranks if rank) / len(ranks), 3),
            }


def among_the_first(ranks: Sequence[tuple[str, int | None]], words: str) -> int:
    return sum(rank is not None and rank <= FIRST for kind, rank in ranks if kind == words)


def extracts(corpus: Corpus, asked: Sequence[Asked]) -> Iterator[dict[str, Any]]:
    for half in HALVES:
        for words in ("same", "other", None):
            said = [
                corpus.is_extract_right(question, corpus.found(question, vector, "both"))
                for question, vector in asked
                if question["half"] == half and question.get("words") == words
            ]
            counted = {str(kind): said.count(kind) for kind in (True, False, None)}
            yield {
                "half": half,
                "words": words,
                "right": counted["True"],
                "wrong": counted["False"],
                "none": counted["None"],
            }


def main() -> None:
    questions_file, folder, result = map(Path, sys.argv[1:])
    lines = questions_file.read_text("utf-8").splitlines()
    questions: list[Question] = [json.loads(line) for line in lines]
    corpus = Corpus(sorted(folder.glob("*.md")))
    settings = load_settings()
    model = offline.MODEL if settings.llm_api_key is None else settings.embedding_model
    vectors = embedded([question["question"] for question in questions])
    asked = list(zip(questions, vectors, strict=True))
    measured = {
        "model": model,
        "passages": len(corpus.passages),
        "searches": list(searches(corpus, asked)),
        "extracts": list(extracts(corpus, asked)),
    }
    result.write_text(json.dumps(measured))


if __name__ == "__main__":
    main()
