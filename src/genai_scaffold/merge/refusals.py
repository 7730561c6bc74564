"""Refuses a repository that nothing can be merged into without a loss."""

import os
import shlex
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from genai_scaffold.errors import DestinationError, EnvironmentFailure
from genai_scaffold.merge.place import (
    Place,
    alone_in,
    another_git,
    path_pattern,
    staged_paths,
    uncommitted_paths,
)
from genai_scaffold.merge.stopped import is_of_a_stopped_update, remove_what_stopped_updates_left
from genai_scaffold.system import git
from genai_scaffold.system.git import add_all, git_failure, git_output
from genai_scaffold.system.paths import first_of
from genai_scaffold.system.process import UNAVAILABLE

ANSWERED = 5
UNDER_WAY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")
SPARSE, CONE = "core.sparseCheckout", "core.sparseCheckoutCone"


def find_place(project: Path, marker: str) -> Place:
    """Find the repository of a project, and refuse one where a merge could lose something.

    Args:
        project: its directory.
        marker: a file of it that has to be committed.

    Raises:
        EnvironmentFailure: there is no git.
        DestinationError: the project is not committed, or has changes that are not.
    """
    asked = ("--show-toplevel", "--absolute-git-dir", "--show-object-format")
    paths = ("--git-path", "index", "--git-path", "objects")
    found = git.run_git(project, "rev-parse", *asked, *paths)
    if found.code == UNAVAILABLE:
        raise EnvironmentFailure(
            "git is not installed", why="the changes are merged by git", fix="install git"
        )
    if "not a git repository" in found.errors:
        raise DestinationError(
            f"{project} cannot be updated",
            why="it is not in a git repository",
            fix=f"`{_committing(project.resolve(), 'git init')}`",
        )
    if found.code != 0:
        raise git_failure(project, "rev-parse", found)
    *answers, end = found.output.split("\n")
    if len(answers) != ANSWERED or end:
        raise DestinationError(
            "The project cannot be updated",
            why="the path of its repository has a line break",
            fix="rename that directory",
        )
    top, private, hashes, index, objects = answers
    here = Place(
        project=project.resolve(),
        top=Path(top).resolve(),
        private=Path(private),
        index=Path(os.path.normpath(project.resolve() / index)),
        objects=(project.resolve() / objects).resolve(),
        hashes=hashes,
    )
    _refuse_what_is_not_committed(here, marker)
    return here


def outside_of_the_sparse_checkout(here: Place, paths: Iterable[str]) -> DestinationError:
    add = ["git", "-C", str(here.top), "sparse-checkout", "add", *_sparse_patterns(here, paths)]
    return DestinationError(
        f"{here.project} cannot be updated: {first_of(paths)} outside of the sparse checkout",
        why="the template changes what is not among your files",
        fix=f"`{shlex.join(add)}`",
    )


def _sparse_patterns(here: Place, paths: Iterable[str]) -> list[str]:
    """What brings some paths into a sparse checkout: folders, or where it has patterns, those."""
    files = [PurePosixPath(here.prefix + path) for path in paths]
    in_folders = git.run_git(here.top, "config", "--bool", CONE).output == "true\n"
    # Of a repository's own folder, a pattern would be all of it.
    places = {file.parent if in_folders or file.parent.name else file for file in files}
    highest = sorted(str(place) for place in places if places.isdisjoint(place.parents))
    return highest if in_folders else [path_pattern(place) for place in highest]


def _refuse_what_is_not_committed(here: Place, marker: str) -> None:
    kept = git.run_git(here.top, "ls-tree", "HEAD", "--", here.prefix + marker).output
    if not kept.startswith("100"):
        link = kept.startswith("120")
        raise DestinationError(
            f"{here.project} cannot be updated",
            why=f"{marker} is {'a link' if link else 'not committed, so nothing could be undone'}",
            fix=f"`{_committing(here.project)}`"
            if not link
            else "put the file itself in its place, and commit it",
        )
    if under_way := [name for name in UNDER_WAY if (here.private / name).exists()]:
        raise DestinationError(
            f"{here.project} cannot be updated",
            why=f"a merge, rebase or the like is under way ({under_way[0]})",
            fix="finish it, or abort it; to see how: "
            f"`{shlex.join(['git', '-C', str(here.project), 'status'])}`",
        )
    if here.lock.exists():
        raise another_git(here)
    if changed := uncommitted_paths(here):
        with alone_in(here):
            stopped = is_of_a_stopped_update(here, changed)
        raise DestinationError(
            f"{here.project} has changes that are not committed",
            why=first_of(changed),
            fix=f"an update was stopped here; to take it back: `{shlex.join(_way_back(here))}`"
            if stopped
            else f"commit or stash them: `{_committing(here.project)}`",
        )
    if staged := staged_paths(here):
        raise DestinationError(
            f"{here.top} has staged changes outside of the project",
            why=f"the merge stages its result, and both would be mixed: {first_of(staged)}",
            fix="commit them, or git restore --staged them",
        )
    remove_what_stopped_updates_left(here)


def _committing(project: Path, *before: str) -> str:
    """The commands that commit all of a project."""
    enter = shlex.join(["cd", str(project)])
    return " && ".join([enter, *before, f"{add_all(project)} .", "git commit -m 'My changes'"])


def _way_back(here: Place) -> list[str]:
    """The command that takes back a stopped update; only one of git's knows conflicts."""
    unmerged = git_output(here.project, "ls-files", "--unmerged", "-z", "--", ".")
    return here.undo if unmerged else here.rescue
