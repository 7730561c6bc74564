"""Finds what a merge cannot do: code that uses what is gone, and settings nobody reads any more."""

import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from genai_scaffold.merge.change import Conflict
from genai_scaffold.template.render import generated_files
from genai_scaffold.update.uses import Use, hidden, runs, same_content, uses_of_what_is_gone

EXAMPLE, OWN = ".env.example", ".env"
# A variable with the comment above it: what it means stands there.
SETTING = re.compile(
    r"(?P<about>(?:^#(?! ?[A-Z0-9_]+=).*\n)*)^#? ?(?P<name>[A-Z][A-Z0-9_]+)=.*", re.MULTILINE
)
# A variable as a file sets it, perhaps for a shell; what it is set to is nobody's business.
SET = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Z][A-Z0-9_]*)[ \t]*=", re.MULTILINE)
VARIABLE = re.compile(r"\b[A-Z][A-Z0-9_]+\b")


class Setting(NamedTuple):
    """A variable that does not mean what it did, and whether the user's .env sets it."""

    name: str
    problem: str
    is_set: bool


class Leftovers(NamedTuple):
    """What is left for the user to do."""

    uses: tuple[Use, ...]
    settings: tuple[Setting, ...]


def find_leftovers(old: Path, new: Path, merged: Path, project: Path) -> Leftovers:
    """Compare what a project was generated from, what it would be, and what came of it.

    Args:
        old: the rendering that the project was made from.
        new: the rendering that was merged.
        merged: the merged project; of a conflict in it, the user's side is looked at.
        project: the user's directory.
    """
    uses = [*uses_of_what_is_gone(old, new, merged), *runs(old, merged), *hidden(old, new, merged)]
    return Leftovers(tuple(_by_place(uses)), tuple(_settings(old, new, project)))


def find_variables(
    prefixes: tuple[str, ...],
    new: Path,
    merged: Path,
    project: Path,
    conflicts: Collection[Conflict],
) -> Leftovers:
    """Look for variables that only the server of before has read.

    Args:
        prefixes: how they begin.
        new: the rendering that was merged.
        merged: the merged project.
        project: the user's directory.
        conflicts: files that the user has to look at anyway.
    """
    left = {OWN, *(conflict.path for conflict in conflicts)}
    return Leftovers(
        tuple(use for use in _mentions(prefixes, new, merged) if use.path not in left),
        tuple(_own_settings(prefixes, project)),
    )


def _by_place(uses: Iterable[Use]) -> Iterator[Use]:
    """One use for each line, which says all that is wrong with it."""
    problems: dict[tuple[str, int], list[str]] = {}
    for use in uses:
        problems.setdefault(use[:2], []).append(use.problem)
    for (path, line), found in sorted(problems.items()):
        yield Use(path, line, "; ".join(dict.fromkeys(found)))


def _mentions(prefixes: tuple[str, ...], new: Path, merged: Path) -> Iterator[Use]:
    for path in generated_files(merged) if prefixes else ():
        file = merged / path
        if file.is_symlink() or same_content(new / path, file):
            continue
        for number, line in enumerate(_text_of(file).splitlines(), 1):
            for name in dict.fromkeys(VARIABLE.findall(line)):
                if name.startswith(prefixes):
                    yield Use(path, number, f"names {name}, which is not read any more")


def _own_settings(prefixes: tuple[str, ...], project: Path) -> Iterator[Setting]:
    for name in dict.fromkeys(SET.findall(_text_of(project / OWN))):
        if name.startswith(prefixes):
            yield Setting(name, "is not read any more", is_set=True)


def _settings(old: Path, new: Path, project: Path) -> Iterator[Setting]:
    before, after, own = (_variables(f) for f in (old / EXAMPLE, new / EXAMPLE, project / OWN))
    for name, about in before.items():
        if name not in after:
            yield Setting(name, "is not read any more", name in own)
        elif after[name] != about:
            yield Setting(name, f"works differently: {EXAMPLE} says how", name in own)


def _variables(file: Path) -> dict[str, str]:
    """The variables of an environment file, each with the comment above it."""
    return {found["name"]: found["about"] for found in SETTING.finditer(_text_of(file))}


def _text_of(file: Path) -> str:
    if not file.is_file():  # it may be a pipe, which somebody would have to fill
        return ""
    try:
        return file.read_text("utf-8", errors="replace")
    except OSError:
        return ""
