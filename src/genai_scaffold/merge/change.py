"""What a merge changes, and what it leaves to the user."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

BASE, OURS, THEIRS = "1", "2", "3"

CONFLICT_KINDS = {
    frozenset({BASE, OURS, THEIRS}): "changed by you and by the template",
    frozenset({OURS, THEIRS}): "added by you and by the template",
    frozenset({BASE, OURS}): "changed by you, dropped by the template",
}
MOVED = "moved by you and by the template"
OUR_FILE = "yours, where the template has a folder"
THEIR_FILE = "the template's, where you have a folder"
OUR_LINK = "a link of yours, where the template has a file"
BESIDE_OUR_LINK = "the template's, where you have a link"

FOLDER_MODE, FILE_MODES = "040000", "100"  # how git writes the modes of these, or begins to


class Change(NamedTuple):
    """What happens to a file: it is added (A), modified (M), or deleted (D)."""

    status: str
    path: str


class Conflict(NamedTuple):
    """A file that the user has to decide about, and how it came to that."""

    path: str
    kind: str


class Entry(NamedTuple):
    """One line of git's index; where the object is all zeros, there is to be none."""

    mode: str
    object: str
    stage: str
    path: str

    @property
    def is_removal(self) -> bool:
        return not self.object.strip("0")

    @property
    def removal(self) -> "Entry":
        return Entry("0", "0" * len(self.object), "0", self.path)


class Snapshot(NamedTuple):
    """Some of the files that a tree of git's has."""

    tree: str
    paths: frozenset[str]


def stages_of(unmerged: Iterable[Entry]) -> dict[str, set[str]]:
    stages: dict[str, set[str]] = {}
    for entry in unmerged:
        stages.setdefault(entry.path, set()).add(entry.stage)
    return stages


def conflicts_of(unmerged: Iterable[Entry], work: Path, name: str) -> Iterator[Conflict]:
    stages = stages_of(unmerged)
    for path, found in stages.items():
        # Beside a folder git keeps a file of the same name under another one.
        beside, _, side = path.rpartition("~")
        alone = MOVED
        if f"{path}~{name}" in stages:
            alone = OUR_LINK
        elif stages.get(beside) == {OURS}:
            alone = BESIDE_OUR_LINK
        elif (work / beside).is_dir():
            alone = {"HEAD": OUR_FILE, name: THEIR_FILE}.get(side, MOVED)
        yield Conflict(path, CONFLICT_KINDS.get(frozenset(found), alone))
