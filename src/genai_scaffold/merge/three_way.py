"""Merges a new rendering into a repository: git's own three-way merge, away from the user's files.

The merge happens in a repository of its own, which borrows the user's objects. Only its result
goes into the user's repository, in an order that leaves one command to undo it at any moment.
"""

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from genai_scaffold.merge.change import FILE_MODES, FOLDER_MODE, Change, Snapshot, conflicts_of
from genai_scaffold.merge.landing import Merge
from genai_scaffold.merge.place import OUTSIDE, Place, last_tree
from genai_scaffold.merge.scratch import ScratchRepository
from genai_scaffold.system import git
from genai_scaffold.system.git import git_failure, git_output
from genai_scaffold.system.staging import staged_directory

PROMISOR = r"^remote\..*\.promisor$"


class Template(NamedTuple):
    """The template's side of a merge.

    Args:
        files: its rendering; without the files that git ignores in the project.
        name: what conflict markers call it.
        always: the path of a file that is taken from it whatever the user did.
        moved: where a file is in it now, by its path before.
    """

    files: Path
    name: str
    always: str
    moved: Mapping[str, str]


@contextlib.contextmanager
def three_way(here: Place, base: Path | Snapshot, template: Template) -> Iterator[Merge]:
    """Merge what changed between two renderings into the last commit of a project.

    Args:
        here: the project.
        base: what the project was made from; without the files that git ignores in it.
        template: what it would be made from now.
    """
    with staged_directory(template.files.parent, "merge") as stage:
        work = stage / "work"
        work.mkdir()
        repository = ScratchRepository(work, stage, here)
        last = last_tree(here)
        _fetch_missing(here, last, *([base.tree] if isinstance(base, Snapshot) else []))
        made = repository.tree(base)
        moves = _moves(repository, template, made, last)
        first = repository.commit(repository.renamed(made, moves))
        theirs = repository.commit(repository.tree(template.files), first)
        repository.merge_as_the_user_does(here, last, theirs)
        repository.check_out(repository.commit(repository.renamed(last, moves), first))
        repository.merge(theirs, template.name)
        kept_deleted = repository.keep_deleted(first, template.name)
        # It may be a link, and what it leads to is not ours.
        (work / template.always).unlink(missing_ok=True)
        shutil.copyfile(template.files / template.always, work / template.always)
        unmerged = [entry for entry in repository.unmerged() if entry.path != template.always]
        repository.git("add", "--all", "--force")
        merged = repository.changed(last)
        yield Merge(
            here=here,
            last=last,
            work=work,
            changes=tuple(Change(status, entry.path) for status, _, entry in merged),
            conflicts=tuple(conflicts_of(unmerged, work, template.name)),
            kept_deleted=tuple(kept_deleted),
            unmerged=tuple(unmerged),
            merged=tuple(entry for _, _, entry in merged),
            before=tuple(entry for _, entry, _ in merged),
        )


def _moves(
    repository: ScratchRepository, template: Template, made: str, last: str
) -> dict[str, str]:
    """Which files have other paths on all three sides, so that git need not find that out.

    Left out is what the user made another thing of, or has something in the way of.

    Args:
        repository: has both trees.
        template: the template's side.
        made: what the project was made from.
        last: what it has now.
    """
    known = repository.modes(made)
    gone = [path for path in template.moved if path in known]
    has = repository.modes(last) if gone else {}
    moves: dict[str, str] = {}
    for before in gone:
        after = template.moved[before]
        went = not (template.files / before).exists() and (template.files / after).is_file()
        stayed = has.get(before, "").startswith(FILE_MODES) or _is_free(before, has)
        free = _is_free(after, known) and _is_free(after, has) and after not in moves.values()
        if went and stayed and free:
            moves[before] = after
    return moves


def _is_free(path: str, modes: Mapping[str, str]) -> bool:
    """Whether nothing has this path, nor a file or a link that of a folder above it."""
    folders = map(str, PurePosixPath(path).parents)
    return path not in modes and all(
        modes.get(above, FOLDER_MODE) == FOLDER_MODE for above in folders
    )


def _fetch_missing(here: Place, *trees: str) -> None:
    """Get at once what a partial clone lacks of some trees: elsewhere git would not fetch it."""
    named = git.run_git(here.top, "config", "--name-only", "--get-regexp", PROMISOR).output
    remote = named.partition("\n")[0].removeprefix("remote.").removesuffix(".promisor")
    listing = ("rev-list", "--objects", "--missing=print", *trees)
    before: set[str] = set()
    while remote:
        listed = git_output(here.top, *listing).split("\n")
        missing = {line[1:] for line in listed if line.startswith("?")}
        # Of a tree that was missing, too, only now is it known what it has.
        if missing <= before:
            return
        before |= missing
        # As git itself fetches what it misses: what it has already says nothing here.
        fetch = ("--quiet", "--no-tags", "--no-write-fetch-head", "--filter=blob:none", "--stdin")
        fetched = git.run_git(
            here.top,
            *("-c", "fetch.negotiationAlgorithm=noop", "fetch", OUTSIDE, remote, *fetch),
            stdin="".join(f"{name}\n" for name in sorted(missing)),
        )
        if fetched.code != 0:
            raise git_failure(here.top, "fetch", fetched)
