"""Merges the lock files of a project as what they are: derived, package by package."""

import re
from itertools import groupby
from typing import NamedTuple

from packaging.utils import canonicalize_name

REQUIREMENTS_FILES = ("requirements.txt", "requirements-dev.txt")
COMMAND = re.compile(r"^# +(uv pip compile .*)$", re.MULTILINE)
# A package with all that is indented below it, or another line.
BLOCK = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*).*\n?(?:[ \t]+.*\n?)*|.*\n|.+")


class Block(NamedTuple):
    """The lines of one package; what is of none has no name."""

    name: str
    text: str


def compile_command(text: str) -> str | None:
    """The command in the head of a lock file, which makes it anew and keeps what it pins."""
    found = COMMAND.search(text)
    return found[1] if found else None


def merge_requirements(base: str, ours: str, theirs: str) -> str | None:
    """Take each package from whoever changed it; from the user, where both did.

    Args:
        base: the file as it was generated.
        ours: the user's.
        theirs: as it would be generated.

    Returns:
        The merged file, or None where the user's is another kind of file.
    """
    before, after = _packages(base), _packages(theirs)
    kept = _blocks(ours)
    present = {block.name for block in kept}
    if "\r" in ours or present.isdisjoint(before.keys() - {""}):
        return None
    mine = _packages(ours)
    head, *merged = kept if not kept[0].name else (Block("", ""), *kept)
    if head.text == _blocks(base)[0].text:
        head = _blocks(theirs)[0]
    merged = [
        block._replace(text=after.get(block.name, ""))
        if block.name and mine[block.name] == before.get(block.name)
        else block
        for block in merged
    ]
    for name, text in after.items():
        # What the user took out stays out; in sorted files the new comes to its place.
        if name not in present and name not in before:
            later = (number for number, block in enumerate(merged) if block.name > name)
            merged.insert(next(later, len(merged)), Block(name, text))
    return "".join(block.text for block in (head, *merged))


def _packages(text: str) -> dict[str, str]:
    return {block.name: block.text for block in _blocks(text) if block.name}


def _blocks(text: str) -> list[Block]:
    """The parts of a lock file; a package with several versions, one for each Python, is one."""
    matches = BLOCK.finditer(text)
    grouped = groupby(matches, lambda match: canonicalize_name(match["name"] or ""))
    return [Block(name, "".join(match[0] for match in group)) for name, group in grouped]
