"""A committed project in its repository."""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from genai_scaffold.errors import DestinationError
from genai_scaffold.system import git
from genai_scaffold.system.git import git_output, ignored_paths
from genai_scaffold.system.paths import first_of, is_behind_a_link

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

GLOB = re.compile(r"[\\*?\[]")
GITLINK = "160000 "  # the mode of a submodule
# A setting may let git's commands reach into submodules, which are none of ours.
OUTSIDE = "--no-recurse-submodules"
RESCUE = ("restore", OUTSIDE, "--source=HEAD", "--staged", "--worktree", "--", ".")


@dataclass(frozen=True)
class Place:
    """A committed project, and where its repository, which may be a linked worktree, has what.

    Args:
        project: its directory.
        top: of the repository's files.
        private: what git keeps about them.
        index: the file with what is staged.
        objects: the directory with the contents.
        hashes: the format of the contents' names.
    """

    project: Path
    top: Path
    private: Path
    index: Path
    objects: Path
    hashes: str

    @property
    def prefix(self) -> str:
        """The project's path inside the repository, with a slash at its end; or nothing."""
        relative = self.project.relative_to(self.top).as_posix()
        return "" if relative == "." else f"{relative}/"

    @property
    def lock(self) -> Path:
        """What git has there while it changes the index, and nobody else may."""
        return self.index.with_name(f"{self.index.name}.lock")

    @property
    def undo(self) -> list[str]:
        """The command that takes back a merge, with its conflicts."""
        modules = [OUTSIDE] if (self.top / ".gitmodules").exists() else []
        return ["git", "-C", str(self.project), "reset", "--merge", *modules]

    @property
    def rescue(self) -> list[str]:
        """The command that takes back a merge which was stopped before its end."""
        return ["git", "-C", str(self.project), *RESCUE]


def committed_text(here: Place, path: str) -> str | None:
    """A file of the project in the last commit; None where there is no plain one."""
    kept = git.run_git(here.top, "ls-tree", "HEAD", "--", here.prefix + path).output
    if not kept.startswith("100"):
        return None
    return git_output(here.top, "cat-file", "blob", kept.split()[2])


def paths_in_the_way(here: Place, paths: Iterable[str]) -> DestinationError:
    rules = "".join(f"; {rule} ignores {path}" for path, rule in ignored_in(here, paths).items())
    return DestinationError(
        f"{here.project} cannot be updated: {first_of(paths)} in the way",
        why=f"git does not keep what is there, so it could not be brought back{rules}",
        fix="commit it, move it away, or end its skip-worktree or assume-unchanged",
    )


def another_git(here: Place) -> DestinationError:
    return DestinationError(
        f"{here.project} cannot be updated",
        why="another git command is at work in this repository",
        fix=f"wait for it; if there is none, remove {here.lock}",
    )


def uncommitted_paths(here: Place) -> list[str]:
    """The tracked files of a project that are not as in the last commit."""
    status = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=no", "--", ".")
    return [line[3:] for line in null_separated(git_output(here.project, *status))]


def staged_paths(here: Place) -> list[str]:
    """What is staged anywhere in the repository, or only noted as to be added."""
    staged = git_output(here.top, "diff", "--cached", "--name-only", "--no-ext-diff", "-z")
    noted = git_output(here.top, "diff-files", "--name-only", "--diff-filter=A", "-z")
    return [*null_separated(staged), *null_separated(noted)]


def last_tree(here: Place) -> str:
    """What a project has in the last commit, as a tree of git's."""
    return git_output(here.top, "rev-parse", f"HEAD:{here.prefix.rstrip('/')}").strip()


@contextlib.contextmanager
def alone_in(here: Place) -> Iterator[None]:
    """Keep other runs of ours out of a repository; the system forgets it when this one ends."""
    if fcntl is None:
        yield
        return
    folder = os.open(here.private, os.O_RDONLY)
    try:
        _lock(folder, here)
        yield
    finally:
        os.close(folder)


def _lock(folder: int, here: Place) -> None:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DestinationError(
            f"{here.project} cannot be updated",
            why="another run of genai-scaffold is at work in this repository",
            fix="wait for it, and commit what it brings",
        ) from None
    except OSError:
        # Some disks know no locks: the last look before anything is written has to do there.
        return


def kept_elsewhere(here: Place, paths: Iterable[str]) -> dict[str, str]:
    """Those of a project's files that git ignores, with the rule, or keeps in a submodule."""
    listed = null_separated(git_output(here.project, "ls-files", "--stage", "-z"))
    modules = {line.partition("\t")[2] for line in listed if line.startswith(GITLINK)}
    inside = [path for path in paths if modules & {path, *map(str, PurePosixPath(path).parents)}]
    return {**dict.fromkeys(inside, ""), **ignored_in(here, set(paths).difference(inside))}


def ignored_in(here: Place, paths: Iterable[str]) -> dict[str, str]:
    reachable = [path for path in paths if not is_behind_a_link(here.project, path)]
    return ignored_paths(here.project, reachable)


def path_pattern(path: str) -> str:
    """A path as git's patterns name it, and no other one."""
    plain = GLOB.sub(r"\\\g<0>", path)
    return f"/{plain}"


def null_separated(output: str) -> list[str]:
    return [word for word in output.split("\0") if word]
