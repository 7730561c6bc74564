"""Which framework the needs speak for, and why: pure scoring over criteria that are data."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations, product
from typing import Any, Literal, NamedTuple

from genai_scaffold.recommendation.criteria import Criteria, Criterion, NeedAnswer, load_criteria

# How often the points of an answer count: what was only assumed is a guess.
TIMES = {True: 2, False: 1}
CLOSE_MARGIN = 2  # one point, once it is said


class Reason(NamedTuple):
    """A criterion that counted, with its points as they were counted."""

    criterion: Criterion
    points: int
    said: bool


class Verdict(NamedTuple):
    """The framework that the needs speak for, and what was weighed."""

    framework: str
    scores: dict[str, int]
    tie: bool
    decisive: Criterion | None
    reasons: list[Reason]


class Flip(NamedTuple):
    """An answer that would turn the verdict.

    Attributes:
        answer: what was answered, or assumed.
        instead: what would have to be said; where nothing was, that may be what was assumed.
        said: whether anything was.
    """

    need: str
    answer: NeedAnswer
    instead: NeedAnswer
    said: bool


class Recommendation(NamedTuple):
    """The framework to use, with the reasons that counted and what would change it.

    Attributes:
        framework: the key of the recommended framework.
        scores: points by the key of the framework.
        tie: the points were equal, and the framework that wins ties won.
        decisive: the criterion that settled it whatever the scores, if one did.
        reasons: what counted, for either side: the decisive reason, then by points.
        would_change: a smallest set of answers that, changed together, changes the framework.
        would_change_alone: the answers of which each changes it by itself, one for each need.
        needs: the answer to every need, the defaults included.
        said: the needs that somebody answered; the others were assumed.
        open: to say all that was assumed would turn it.
    """

    framework: str
    scores: Mapping[str, int]
    tie: bool
    decisive: Criterion | None
    reasons: tuple[Reason, ...]
    would_change: tuple[Flip, ...]
    would_change_alone: tuple[Flip, ...]
    needs: Mapping[str, NeedAnswer]
    said: tuple[str, ...]
    open: bool

    @property
    def margin(self) -> int:
        return max(self.scores.values()) - min(self.scores.values())

    @property
    def call(self) -> Literal["decided", "clear", "close", "tie"]:
        if self.decisive:
            return "decided"
        if self.tie:
            return "tie"
        return "close" if self.margin <= CLOSE_MARGIN else "clear"

    def as_dict(self) -> dict[str, Any]:
        """Say the same in plain values, as JSON and YAML take them."""
        return {
            "framework": self.framework,
            "scores": dict(self.scores),
            "margin": self.margin,
            "call": self.call,
            "tie": self.tie,
            "decisive": self.decisive.key if self.decisive else None,
            "open": self.open,
            "reasons": [
                {
                    "criterion": criterion.key,
                    "favours": criterion.favours,
                    "points": points,
                    "said": said,
                    "because": criterion.because,
                    "source": criterion.source,
                }
                for criterion, points, said in self.reasons
            ],
            "would_change": _plain(self.would_change),
            "would_change_alone": _plain(self.would_change_alone),
            "needs": dict(self.needs),
            "said": list(self.said),
        }


def _plain(changes: Sequence[Flip]) -> list[dict[str, NeedAnswer]]:
    return [
        {"need": change.need, "from": change.answer, "to": change.instead, "said": change.said}
        for change in changes
    ]


def recommend(needs: Mapping[str, NeedAnswer], criteria: Criteria | None = None) -> Recommendation:
    """Recommend a framework for what is needed.

    Args:
        needs: what was said, by the name of the need; for a missing one the default is assumed.
        criteria: what to judge by; the ones that this package ships unless given.

    Raises:
        UsageError: there is no such need, or the need has no such answer.
    """
    criteria = criteria or load_criteria()
    answers = criteria.complete(needs)
    verdict = weigh(answers, needs, criteria)
    ways = _ways_to_turn(verdict, answers, needs, criteria)
    return Recommendation(
        framework=verdict.framework,
        scores=verdict.scores,
        tie=verdict.tie,
        decisive=verdict.decisive,
        reasons=tuple(sorted(verdict.reasons, key=lambda r: (not r.criterion.decisive, -r.points))),
        would_change=ways[0] if ways else (),
        would_change_alone=tuple(change for way in ways if len(way) == 1 for change in way),
        needs=answers,
        said=tuple(name for name in answers if name in needs),
        open=weigh(answers, answers, criteria).framework != verdict.framework,
    )


def weigh(answers: Mapping[str, NeedAnswer], said: Collection[str], criteria: Criteria) -> Verdict:
    """Add up the points that a complete set of answers gives to each framework.

    Args:
        answers: an answer to every need.
        said: the needs whose answer was given, and not assumed: it counts double.
        criteria: what to judge by.
    """
    scores = {framework.key: 0 for framework in criteria.frameworks}
    reasons = []
    decisive = None
    for criterion in criteria.criteria:
        if not criterion.is_raised_by(answers):
            continue
        is_said = criterion.need in said
        reason = Reason(criterion, criterion.points * TIMES[is_said], is_said)
        reasons.append(reason)
        scores[criterion.favours] += reason.points
        decisive = decisive or (criterion if criterion.decisive else None)
    if decisive:
        return Verdict(decisive.favours, scores, tie=False, decisive=decisive, reasons=reasons)
    winner = max(scores, key=lambda key: (scores[key], key == criteria.tie_winner))
    tie = len(set(scores.values())) == 1
    return Verdict(winner, scores, tie=tie, decisive=None, reasons=reasons)


def _ways_to_turn(
    verdict: Verdict, answers: Mapping[str, NeedAnswer], said: Collection[str], criteria: Criteria
) -> list[tuple[Flip, ...]]:
    """Find the smallest sets of answers that turn a verdict, one for each set of needs.

    First comes what nobody has said yet, then what can be decided, then facts; then the closest
    call.
    """
    lead = verdict.scores[verdict.framework] - verdict.scores[criteria.other(verdict.framework)]
    enough = lead + (verdict.framework == criteria.tie_winner)
    swings = _swings(verdict.framework, answers, said, criteria)
    needed = {verdict.decisive.need} if verdict.decisive else set()

    def closest(needs: Sequence[str]) -> tuple[int, tuple[Flip, ...]]:
        ways = product(*(swings[need].items() for need in needs))
        swung = ((sum(swing for _, swing in way), tuple(c for c, _ in way)) for way in ways)
        return min((way for way in swung if way[0] >= enough), key=lambda way: way[0])

    def reluctance(need: str) -> int:
        return 0 if need not in said else 1 + criteria.need(need).fact

    for size in range(1, len(swings) + 1):
        turning = [
            needs
            for needs in combinations(swings, size)
            if needed.issubset(needs)
            and sum(max(swings[need].values()) for need in needs) >= enough
        ]
        found = [(sum(map(reluctance, needs)), *closest(needs)) for needs in turning]
        if found:
            return [changes for _, _, changes in sorted(found, key=lambda way: way[:2])]
    return []


def _swings(
    framework: str, answers: Mapping[str, NeedAnswer], said: Collection[str], criteria: Criteria
) -> dict[str, dict[Flip, int]]:
    """How far each other answer, once said, swings the scores away from a framework.

    Left out is what swings nothing, and an answer that decides alone: it would always be the
    smallest change. Of a need that decides now, every other answer counts.
    """
    leaning: Counter[tuple[str, NeedAnswer]] = Counter()
    deciding = set()
    for criterion in criteria.criteria:
        for value in criterion.values:
            against = criterion.favours != framework
            leaning[criterion.need, value] += criterion.points if against else -criterion.points
            if criterion.decisive:
                deciding.add((criterion.need, value))
    swings = {}
    for need in criteria.needs:
        answer, is_said = answers[need.name], need.name in said
        now = leaning[need.name, answer] * TIMES[is_said]
        decides = (need.name, answer) in deciding
        found = {
            Flip(need.name, answer, value, is_said): swing
            for value, *_ in need.choices
            if not (is_said and value == answer) and (need.name, value) not in deciding
            if (swing := leaning[need.name, value] * TIMES[True] - now) > 0 or decides
        }
        if found:
            swings[need.name] = found
    return swings
