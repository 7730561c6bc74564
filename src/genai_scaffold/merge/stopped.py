"""What an update that was stopped has left."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from genai_scaffold.merge.place import Place, alone_in, last_tree, null_separated
from genai_scaffold.system.git import git_output

STAGE = "genai-scaffold"
JOURNAL = "journal.json"
AT_ONCE = 100  # paths on a command line, whose length has a bound


def is_of_a_stopped_update(here: Place, changed: Iterable[str]) -> bool:
    """Whether all that is uncommitted was written by an update that was stopped before its end."""
    found: set[tuple[str, str]] = set()
    for _, journal in left_behind(here):
        if journal.get("last") != last_tree(here):
            continue
        found = found or set(_contents(here, changed))
        if all(name in journal["files"].get(path, ()) for path, name in found):
            return True
    return False


def _contents(here: Place, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The names of what is staged and of what stands in files; none for what is no plain file."""
    paths = frozenset(paths)
    for line in null_separated(git_output(here.top, "ls-files", "--stage", "-z")):
        described, _, path = line.partition("\t")
        if path in paths:
            yield path, described.split(" ")[1]
    files = {path: here.top / path for path in paths if os.path.lexists(here.top / path)}
    plain = [path for path, file in files.items() if file.is_file() and not file.is_symlink()]
    for start in range(0, len(plain), AT_ONCE):
        some = plain[start : start + AT_ONCE]
        named = git_output(here.top, "hash-object", "--", *some).split()  # whatever their names are
        yield from zip(some, named, strict=True)
    yield from ((path, "") for path in files.keys() - plain)


def left_behind(here: Place) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """What stopped updates of a project left, with their journals; nothing was written without."""
    for folder in here.private.glob(f".{STAGE}.*"):
        journal: Mapping[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            journal = json.loads((folder / JOURNAL).read_text("utf-8"))
        if journal.get("prefix", here.prefix) == here.prefix:
            yield folder, journal


def remove_what_stopped_updates_left(here: Place) -> None:
    if any(left_behind(here)):
        with alone_in(here):
            for folder, _ in left_behind(here):
                shutil.rmtree(folder, ignore_errors=True)
