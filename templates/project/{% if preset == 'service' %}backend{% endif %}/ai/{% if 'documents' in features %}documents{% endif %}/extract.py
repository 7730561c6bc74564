"""An answer without a model: the sentence of the documents that says most of what was asked."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from backend.ai.documents.passages import blocks
from backend.ai.documents.search import terms

LEAST = 0.5  # of what is asked: a passage that says less does not answer it

# A sentence ends before what does not go on in lower case, at once in scripts without blanks, and
# before the next point of a list.
END = re.compile(
    r"[.!?…][\"')\]*_`]*\s++(?![a-z])|[\u3002\uff01\uff1f]|\n(?=\s*(?:[-*+]|\d{1,9}[.)])\s)"
)
POINT = re.compile(r"\s*+(?:[-*+]|\d{1,9}[.)]|>)\s+")  # of a list, or a quotation's mark
# What questions are made of, in English; in other languages such words count as all others do.
ASKING = frozenset(
    terms(
        "a an and any are as at be by can could do does for from has have how i if in into is it "
        "its many may me much must my no not of on one or our shall should than that the their "
        "them there they this to was we what when where which who whose why will with would you "
        "your"
    )
)


class Extract(NamedTuple):
    passage: int  # which of those that were given
    quote: str  # verbatim
    score: float  # how much of what was asked the passage says: all of it is 1


def extract(
    question: str, passages: Sequence[str], weight: Callable[[str], float]
) -> Extract | None:
    """Returns the sentence that answers best, of passages of which the likeliest is first.

    `weight` tells how much a term says.
    """
    asked = {term: weight(term) for term in set(terms(question)) - ASKING}
    whole = sum(asked.values())

    def share(text: str) -> float:
        return sum(asked[term] for term in asked.keys() & set(terms(text))) / whole

    if not whole:
        return None
    found = [
        Extract(number, sentence, (share(passage) + share(sentence)) / 2)
        for number, passage in enumerate(passages)
        for sentence in sentences(passage)
    ]
    best = max(found, key=lambda extract: extract.score, default=None)
    return best if best and best.score >= LEAST else None


def sentences(text: str) -> Iterator[str]:
    """Returns the sentences of a Markdown text: headings and code are none."""
    for block in blocks(text):
        if block.level or block.text.lstrip().startswith(("```", "~~~", "|")):
            continue
        start = 0
        for end in END.finditer(block.text):
            yield from bare(block.text[start : end.end()])
            start = end.end()
        yield from bare(block.text[start:])


def bare(sentence: str) -> Iterator[str]:
    point = POINT.match(sentence)
    if words := sentence[point.end() if point else 0 :].strip():
        yield words
