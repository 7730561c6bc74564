"""Brings what a rendering of the answers file says into the user's."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from genai_scaffold.answers.files import mapping_in
from genai_scaffold.errors import UsageError
from genai_scaffold.project.record import ANSWERS_FILE


def merge_answers_files(own: str, before: str, after: str) -> str:
    """Change what a user's answers file says into what a rendering of it says.

    Whatever else is in it stays as it is: comments, keys of others, the order, and the spelling.

    Args:
        own: the user's file.
        before: what it was rendered as.
        after: what it is to say.
    """
    known, wanted, have = (mapping_in(t.encode(), ANSWERS_FILE) for t in (before, after, own))
    foreign = {key: value for key, value in have.items() if key not in {*known, *wanted}}
    try:
        result = _rewritten(own, after, have, wanted, dropped=known.keys() - wanted.keys())
        understood = same_answer(mapping_in(result.encode(), ANSWERS_FILE), {**foreign, **wanted})
    except UsageError:
        understood = False
    # One line of YAML can be the whole file: it has no lines of its own for a key.
    return result if understood else after


def same_answer(one: object, other: object) -> bool:
    """Whether two documents say the same; in YAML, lists of lists can be endless to compare."""
    import yaml

    return yaml.safe_dump(one) == yaml.safe_dump(other)


def _rewritten(
    own: str,
    after: str,
    have: Mapping[str, Any],
    wanted: Mapping[str, Any],
    dropped: Collection[str],
) -> str:
    head, kept = _entries(own)
    _, rendered = _entries(after)
    for key, (said, between) in kept.items():
        if key in dropped:
            kept[key] = ("", between)
        elif key in wanted and not same_answer(have[key], wanted[key]):
            kept[key] = (_with_comment(rendered[key][0], said), between)
    order = list(kept)
    for key, previous in zip(rendered, ["", *rendered], strict=False):
        if key not in kept:
            order.insert(order.index(previous) + 1 if previous in order else len(order), key)
            kept[key] = (rendered[key][0], "")
    return head + "".join(f"{_ended(kept[key][0])}{kept[key][1]}" for key in order)


def _ended(entry: str) -> str:
    return entry if not entry or entry.endswith("\n") else f"{entry}\n"


def _entries(text: str) -> tuple[str, dict[str, tuple[str, str]]]:
    """What stands above the first key; and of each key its lines, and those up to the next one."""
    import yaml

    node = yaml.compose(text, yaml.SafeLoader)
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    starts = [key.start_mark.index for key, _ in pairs]
    entries = {}
    for (key, _), start, end in zip(pairs, starts, [*starts[1:], len(text)], strict=True):
        lines = text[start:end].splitlines(keepends=True)
        size = len(lines)
        while size > 1 and lines[size - 1].lstrip()[:1] in {"", "#"}:
            size -= 1
        entries[key.value] = ("".join(lines[:size]), "".join(lines[size:]))
    return text[: starts[0]] if starts else text, entries


def _with_comment(entry: str, before: str) -> str:
    """An entry with the comment at the end of the line that it replaces."""
    comment = re.search(r"[ \t]#[^'\"\n]*$", before.rstrip("\n"))
    if not comment or "\n" in before.rstrip("\n") or "\n" in entry.rstrip("\n"):
        return entry
    return f"{entry.rstrip()} {comment[0].strip()}\n"
