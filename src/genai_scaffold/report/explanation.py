"""Puts a recommendation into words: the verdict, what speaks for each side, what would turn it."""

import textwrap
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from genai_scaffold.answers.spelling import as_flags
from genai_scaffold.recommendation.criteria import NeedAnswer, load_criteria
from genai_scaffold.recommendation.scoring import Flip, Reason, Recommendation, recommend

MOST_LINES = 13  # so that the whole of it stays on a screen of 24 lines, with a question below
NARROWEST_TEXT = 16
PAIR = 2


class StyledLine(NamedTuple):
    """A line of the report, and what it is."""

    text: str
    kind: Literal["verdict", "heading", "text"] = "text"


def explanation(
    verdict: Recommendation, width: int | None, *, verbose: bool = False, below: str = ""
) -> list[StyledLine]:
    """The whole report.

    Args:
        verdict: what is reported.
        width: where lines break; None breaks none.
        verbose: give every criterion with its whole reason.
        below: what comes after it, on the same screen.
    """
    heads = [line._replace(kind="verdict") for line in _paragraph(headline(verdict), width)]
    ends = _paragraph(below, width) if below else []
    most = MOST_LINES - len(ends)
    reasons = list(explained_reasons(verdict, width, verbose=verbose, most=most))
    room = most - len(heads) - len(reasons)
    top = [StyledLine("")] if room > 0 or verbose or not ends else []
    bottom = [StyledLine("")] if ends and (room > 1 or verbose) else []
    return [*heads, *top, *reasons, *bottom, *ends]


def headline(verdict: Recommendation) -> str:
    """The verdict, and both sums, in one line."""
    label, sums = _label(verdict.framework), _sums(verdict)
    if verdict.decisive:
        return f"{label} is recommended: {verdict.decisive.short}. Nothing else is weighed."
    if verdict.tie:
        return f"A tie, {sums}. For a GenAI backend a tie goes to {label}."
    if not verdict.said:
        return f"{label} is recommended for a typical GenAI API: {sums}, all assumed."
    close = ", in a close call" if verdict.call == "close" else ""
    return f"{label} is recommended{close}: {sums}."


def explained_reasons(
    verdict: Recommendation, width: int | None, *, verbose: bool = False, most: int = MOST_LINES
) -> Iterator[StyledLine]:
    """What speaks for each side, and what would turn the verdict: the report below its headline."""
    if verdict.decisive:
        yield from _paragraph(verdict.decisive.because, width, "  ")
        yield StyledLine("")
        yield from _paragraph(_undecided(verdict), width)
        return
    said = [line for key in _sides(verdict) for line in _side(verdict, key, width, verbose=verbose)]
    yield from said
    room = most - len(said) - len(("verdict", "blank"))
    for rest in _turns(verdict, width):
        if len(rest) < room or verbose:
            yield StyledLine("")
            break
    yield from rest


def _label(framework: str) -> str:
    return load_criteria().label(framework)


def _sides(verdict: Recommendation) -> tuple[str, str]:
    return verdict.framework, load_criteria().other(verdict.framework)


def _sums(verdict: Recommendation) -> str:
    first, second = (verdict.scores[key] for key in _sides(verdict))
    return f"{first} point{'' if first == 1 else 's'} to {second}"


def _side(
    verdict: Recommendation, framework: str, width: int | None, *, verbose: bool
) -> Iterator[StyledLine]:
    """The reasons for a framework: what was said, answer by answer, then what was assumed."""
    counted = [r for r in verdict.reasons if r.criterion.favours == framework]
    if not counted:
        return
    yield StyledLine(f"For {_label(framework)}", "heading")
    if verbose:
        for reason in counted:
            assumed = "" if reason.said else "Assumed, and so counted once: "
            yield from _row(reason.points, assumed + reason.criterion.because, width)
        return
    by_need: dict[str, list[Reason]] = defaultdict(list)
    for reason in counted:
        by_need[reason.criterion.need].append(reason)
    points = {need: sum(r.points for r in found) for need, found in by_need.items()}
    for need in sorted(by_need, key=lambda need: -points[need]):
        if need in verdict.said:
            follows = " and ".join(reason.criterion.short for reason in by_need[need])
            statement = _statement(need, verdict.needs[need])
            yield from _row(points[need], f"{statement}: {follows}.", width)
    silent = [need for need in by_need if need not in verdict.said]
    if silent:
        how = "Assumed" if len(silent) < len(by_need) else "All assumed"
        words = (f"{load_criteria().need(need).assumed} (+{points[need]})" for need in silent)
        text = f"{how}, and so counted once: {', '.join(words)}."
        yield from _row(sum(points[need] for need in silent), text, width)


def _statement(need: str, answer: NeedAnswer) -> str:
    return load_criteria().need(need).said[answer]


def _row(points: int, text: str, width: int | None) -> Iterator[StyledLine]:
    first, *others = _paragraph(text, width, " " * 6)
    yield StyledLine(f"{f'+{points}':>4}  {first.text.lstrip()}")
    yield from others


def _paragraph(text: str, width: int | None, indent: str = "") -> list[StyledLine]:
    if width is None:
        return [StyledLine(indent + text)]
    wrapped = textwrap.wrap(
        text,
        max(width, NARROWEST_TEXT),
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )
    return [StyledLine(line) for line in wrapped]


def _undecided(verdict: Recommendation) -> str:
    """What would be recommended without the answer that decides alone."""
    assert verdict.decisive  # noqa: S101 - only asked then
    need = load_criteria().need(verdict.decisive.need)
    said = {name: verdict.needs[name] for name in verdict.said}
    otherwise = recommend({**said, need.name: need.default})
    label = _label(otherwise.framework)
    too = ", too" if otherwise.framework == verdict.framework else ""
    assumed = "" if any(r.said for r in otherwise.reasons) else ", all assumed"
    if otherwise.tie:
        outcome = f"it would be a tie, {_sums(otherwise)}, which goes to {label}"
    else:
        outcome = f"{label} would be recommended{too}, {_sums(otherwise)}{assumed}"
    return f"If {_clause(need.name, need.default)}, {outcome}."


def _clause(need: str, answer: NeedAnswer) -> str:
    """A statement as it stands inside a sentence."""
    statement = _statement(need, answer)
    return statement[0].lower() + statement[1:]


def _turns(verdict: Recommendation, width: int | None) -> Iterator[list[StyledLine]]:
    """What would turn the verdict: in whole words, then as short as can be."""
    other = _label(load_criteria().other(verdict.framework))
    alone, way = verdict.would_change_alone, verdict.would_change
    known = _known(verdict)
    if alone:
        holds = "this holds" if len(alone) == 1 else "one of these holds"
        yield [*_paragraph(f"{known}{other} instead, if {holds}:", width), *_rows(alone, width)]
        flags = ", ".join(map(_flag, alone))
        yield _paragraph(f"{known}{other} instead, if you say one of: {flags}.", width)
        yield _paragraph(
            f"{other} instead with {'' if len(alone) == 1 else 'any of '}{flags}.", width
        )
    elif len(way) == PAIR:
        needs = f"{known}{other} would need two other answers, such as"
        yield [*_paragraph(f"{needs} these:", width), *_rows(way, width)]
        yield _paragraph(f"{needs} {' and '.join(map(_flag, way))}.", width)
    else:
        yield _paragraph(f"{known}No one or two other answers would turn it.", width)


def _known(verdict: Recommendation) -> str:
    """How much the verdict rests on what nobody has said, where that is much."""
    if verdict.tie and verdict.would_change_alone:
        return "One more answer settles it. "
    if not verdict.open:
        return ""
    confirms = any(change.answer == change.instead for change in verdict.would_change_alone)
    said = f"You have said {len(verdict.said)} of {len(verdict.needs)} things. "
    return said if confirms else f"{said}If the rest is as assumed, saying so turns it. "


def _rows(changes: Sequence[Flip], width: int | None) -> Iterator[StyledLine]:
    column = max(len(_flag(change)) for change in changes)
    for change in changes:
        text = f"{_flag(change):{column}}   {_clause(change.need, change.instead)}"
        yield from _paragraph(text, width, "  ")


def _flag(change: Flip) -> str:
    return " ".join(as_flags(change.need, change.instead))
