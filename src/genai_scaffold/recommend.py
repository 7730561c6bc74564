"""Which framework the needs speak for, and why: pure scoring over criteria that are data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, NamedTuple

from genai_scaffold.criteria import Answer, Criteria, Criterion, load


class Verdict(NamedTuple):
    """The framework that the needs speak for, and what was weighed."""

    framework: str
    scores: dict[str, int]
    tie: bool
    decisive: Criterion | None
    raised: list[Criterion]


class Change(NamedTuple):
    """An answer that would have to be another one."""

    need: str
    answer: Answer
    instead: Answer


@dataclass(frozen=True)
class Recommendation:
    """The framework to use, with the reasons that counted and what would change it.

    Attributes:
        framework: the key of the recommended framework.
        scores: points by the key of the framework.
        tie: the points were equal, and the framework that wins ties won.
        decisive: the criterion that settled it whatever the scores, if one did.
        reasons: the criteria that counted, for either side: the decisive one, then by points.
        would_change: a smallest set of answers that, changed together, changes the framework.
        needs: the answer to every need, the defaults included.
    """

    framework: str
    scores: Mapping[str, int]
    tie: bool
    decisive: Criterion | None
    reasons: tuple[Criterion, ...]
    would_change: tuple[Change, ...]
    needs: Mapping[str, Answer]

    def as_dict(self) -> dict[str, Any]:
        """Say the same in plain values, as JSON and YAML take them."""
        return {
            "framework": self.framework,
            "scores": dict(self.scores),
            "tie": self.tie,
            "decisive": self.decisive.key if self.decisive else None,
            "reasons": [
                {
                    "criterion": reason.key,
                    "favours": reason.favours,
                    "points": reason.points,
                    "because": reason.because,
                    "source": reason.source,
                }
                for reason in self.reasons
            ],
            "would_change": [
                {"need": change.need, "from": change.answer, "to": change.instead}
                for change in self.would_change
            ],
            "needs": dict(self.needs),
        }


def recommend(needs: Mapping[str, Answer], criteria: Criteria | None = None) -> Recommendation:
    """Recommend a framework for what is needed.

    Args:
        needs: answers by the name of the need; a missing one takes its default.
        criteria: what to judge by; the ones that this package ships unless given.

    Raises:
        UsageError: there is no such need, or the need has no such answer.
    """
    criteria = criteria or load()
    answers = criteria.complete(needs)
    verdict = weigh(answers, criteria)
    return Recommendation(
        framework=verdict.framework,
        scores=verdict.scores,
        tie=verdict.tie,
        decisive=verdict.decisive,
        reasons=tuple(sorted(verdict.raised, key=lambda c: (not c.decisive, -c.points))),
        would_change=_smallest_change(answers, verdict.framework, criteria),
        needs=answers,
    )


def weigh(answers: Mapping[str, Answer], criteria: Criteria) -> Verdict:
    """Add up the points that a complete set of answers gives to each framework."""
    raised = [criterion for criterion in criteria.criteria if criterion.is_raised_by(answers)]
    scores = {framework.key: 0 for framework in criteria.frameworks}
    for criterion in raised:
        scores[criterion.favours] += criterion.points
    decisive = next((criterion for criterion in raised if criterion.decisive), None)
    if decisive:
        return Verdict(decisive.favours, scores, tie=False, decisive=decisive, raised=raised)
    winner = max(scores, key=lambda key: (scores[key], key == criteria.tie_winner))
    tie = list(scores.values()).count(scores[winner]) > 1
    return Verdict(winner, scores, tie=tie, decisive=None, raised=raised)


def _smallest_change(
    answers: Mapping[str, Answer], framework: str, criteria: Criteria
) -> tuple[Change, ...]:
    """Find the fewest answers that change the framework; of several sets, the closest call."""
    alternatives = _alternatives(answers, criteria)
    for size in range(1, len(alternatives) + 1):
        flips: dict[tuple[Change, ...], int] = {}
        for changes in _sets_of_changes(alternatives, size):
            changed = weigh({**answers, **{c.need: c.instead for c in changes}}, criteria)
            if changed.framework != framework:
                flips[changes] = changed.scores[changed.framework] - changed.scores[framework]
        if flips:
            return min(flips, key=flips.__getitem__)
    return ()


def _alternatives(answers: Mapping[str, Answer], criteria: Criteria) -> list[list[Change]]:
    """List what could be answered instead, need by need.

    An answer that decides alone is left out: it would always be the smallest change.
    """
    deciding = {
        (criterion.need, value)
        for criterion in criteria.criteria
        if criterion.decisive
        for value in criterion.values
    }
    return [
        [
            Change(need.name, answers[need.name], value)
            for value, _ in need.choices
            if value != answers[need.name] and (need.name, value) not in deciding
        ]
        for need in criteria.needs
    ]


def _sets_of_changes(alternatives: list[list[Change]], size: int) -> Iterator[tuple[Change, ...]]:
    for chosen in combinations(alternatives, size):
        yield from product(*chosen)
