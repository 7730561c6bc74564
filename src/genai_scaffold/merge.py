"""Merges a new rendering into a repository: git's own three-way merge, away from the user's files.

The merge happens in a repository of its own, which borrows the user's objects. Only its result
goes into the user's repository, in an order that leaves one command to undo it at any moment.
"""

import contextlib
import json
import os
import re
import shlex
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from genai_scaffold import git, process, signals, staging
from genai_scaffold.errors import DestinationError, EnvironmentFailure

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

FILES_SHOWN = 10
ANSWERED = 5
UNDER_WAY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")
STAGE = "genai-scaffold"
JOURNAL = "journal.json"
GITLINK = "160000 "  # the mode of a submodule
SPARSE = "core.sparseCheckout"
KEPT = " already exists, no checkout"  # git's own words
SECONDS, LOOKS = 5.0, 50  # how long another git is waited for, and how often it is looked for
# A setting may let git's commands reach into submodules, which are none of ours.
OUTSIDE = "--no-recurse-submodules"
RESCUE = ("restore", OUTSIDE, "--source=HEAD", "--staged", "--worktree", "--", ".")
BASE, OURS, THEIRS = "1", "2", "3"
# Contents are merged as they are kept: to convert them is for the user's own git.
AS_KEPT = "* -text !eol -ident !working-tree-encoding !filter\n"
PROMISOR = r"^remote\..*\.promisor$"
DRIVERS = r"^merge\..*\.(driver|name|recursive)$"
VALUES = {"set": "merge", "unset": "-merge"}
GLOB = re.compile(r"[\\*?\[]")

KINDS = {
    frozenset({BASE, OURS, THEIRS}): "changed by you and by the template",
    frozenset({OURS, THEIRS}): "added by you and by the template",
    frozenset({BASE, OURS}): "changed by you, dropped by the template",
}
MOVED = "moved by you and by the template"
OUR_FILE = "yours, where the template has a folder"
THEIR_FILE = "the template's, where you have a folder"


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


def place(project: Path, marker: str) -> Place:
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
    found = git.run(project, "rev-parse", *asked, *paths)
    if found.code == process.UNAVAILABLE:
        raise EnvironmentFailure(
            "git is not installed", why="the changes are merged by git", fix="install git"
        )
    if "not a git repository" in found.errors:
        enter = shlex.join(["cd", str(project.resolve())])
        raise DestinationError(
            f"{project} cannot be updated",
            why="it is not in a git repository",
            fix=f"{enter} && git init && {git.add_all(project)} && git commit",
        )
    if found.code != 0:
        raise git.failure(project, "rev-parse", found)
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


def committed(here: Place, path: str) -> str | None:
    """A file of the project in the last commit; None where there is no plain one."""
    kept = git.run(here.top, "ls-tree", "HEAD", "--", here.prefix + path).output
    if not kept.startswith("100"):
        return None
    return git.output(here.top, "cat-file", "blob", kept.split()[2])


def _in_the_way(here: Place, paths: Iterable[str]) -> DestinationError:
    rules = "".join(f"; {rule} ignores {path}" for path, rule in _ignored(here, paths).items())
    return DestinationError(
        f"{here.project} cannot be updated: {_some(paths)} in the way",
        why=f"git does not keep what is there, so it could not be brought back{rules}",
        fix="commit it, move it away, or end its skip-worktree or assume-unchanged",
    )


def _outside_of_the_sparse_checkout(here: Place, paths: Iterable[str]) -> DestinationError:
    folders = {PurePosixPath(here.prefix + path).parent for path in paths}
    highest = sorted(str(folder) for folder in folders if folders.isdisjoint(folder.parents))
    add = ["git", "-C", str(here.top), "sparse-checkout", "add", *highest]
    return DestinationError(
        f"{here.project} cannot be updated: {_some(paths)} outside of the sparse checkout",
        why="the template changes what is not among your files",
        fix=shlex.join(add),
    )


def _another_git(here: Place) -> DestinationError:
    return DestinationError(
        f"{here.project} cannot be updated",
        why="another git command is at work in this repository",
        fix=f"wait for it; if there is none, remove {here.lock}",
    )


def _refuse_what_is_not_committed(here: Place, marker: str) -> None:
    kept = git.run(here.top, "ls-tree", "HEAD", "--", here.prefix + marker).output
    if not kept.startswith("100"):
        link = kept.startswith("120")
        raise DestinationError(
            f"{here.project} cannot be updated",
            why=f"{marker} is {'a link' if link else 'not committed, so nothing could be undone'}",
            fix=f"{shlex.join(['cd', str(here.project)])} && {git.add_all(here.project)} . "
            "&& git commit"
            if not link
            else "put the file itself in its place, and commit it",
        )
    if under_way := [name for name in UNDER_WAY if (here.private / name).exists()]:
        raise DestinationError(
            f"{here.project} cannot be updated",
            why=f"a merge, rebase or the like is under way ({under_way[0]})",
            fix="finish it, or abort it",
        )
    if here.lock.exists():
        raise _another_git(here)
    if changed := _uncommitted(here):
        with _alone(here):
            stopped = _is_of_a_stopped_update(here, changed)
        raise DestinationError(
            f"{here.project} has changes that are not committed",
            why=_some(changed),
            fix=f"an update was stopped here; to take it back: {shlex.join(_way_back(here))}"
            if stopped
            else "commit or stash them",
        )
    if staged := _staged(here):
        raise DestinationError(
            f"{here.top} has staged changes outside of the project",
            why=f"the merge stages its result, and both would be mixed: {_some(staged)}",
            fix="commit them, or git restore --staged them",
        )
    _remove_what_stopped_updates_left(here)


def _way_back(here: Place) -> list[str]:
    """The command that takes back a stopped update; only one of git's knows conflicts."""
    unmerged = git.output(here.project, "ls-files", "--unmerged", "-z", "--", ".")
    return here.undo if unmerged else here.rescue


def _is_of_a_stopped_update(here: Place, changed: Iterable[str]) -> bool:
    """Whether all that is uncommitted was written by an update that was stopped before its end."""
    found: set[tuple[str, str]] = set()
    for _, journal in _left_behind(here):
        if journal.get("last") != _last_tree(here):
            continue
        found = found or set(_contents(here, changed))
        if all(name in journal["files"].get(path, ()) for path, name in found):
            return True
    return False


def _contents(here: Place, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The names of what is staged and of what stands in files; none for what is no plain file."""
    staged = git.output(here.top, "ls-files", "--stage", "-z", "--", *paths)
    for line in _listed(staged):
        described, _, path = line.partition("\t")
        yield path, described.split(" ")[1]
    for path in paths:
        file = here.top / path
        if file.is_file() and not file.is_symlink():
            yield path, git.output(here.top, "hash-object", "--", path).strip()
        elif os.path.lexists(file):
            yield path, ""


def _left_behind(here: Place) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """What stopped updates of a project left, with their journals; nothing was written without."""
    for folder in here.private.glob(f".{STAGE}.*"):
        journal: Mapping[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            journal = json.loads((folder / JOURNAL).read_text("utf-8"))
        if journal.get("prefix", here.prefix) == here.prefix:
            yield folder, journal


def _remove_what_stopped_updates_left(here: Place) -> None:
    if any(_left_behind(here)):
        with _alone(here):
            for folder, _ in _left_behind(here):
                shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Merge:
    """The result of a merge, which is not in the user's repository yet.

    Args:
        here: what it is merged into.
        last: what the project has in the last commit, as a tree of git's.
        work: the merged project as files, conflicts with markers.
        changes: against the last commit; conflicts are among them.
        conflicts: what the user has to decide.
        kept_deleted: what the user deleted and the template changed: it stays deleted.
        unmerged: the conflicts as entries of git's index.
        merged: everything that changes, as entries of git's index.
        before: the same in the last commit.
    """

    here: Place
    last: str
    work: Path
    changes: tuple[Change, ...]
    conflicts: tuple[Conflict, ...]
    kept_deleted: tuple[str, ...]
    unmerged: tuple[Entry, ...]
    merged: tuple[Entry, ...]
    before: tuple[Entry, ...]

    def diff(self) -> str:
        """The changes as text, as `git diff` shows them."""
        plain = ("--no-ext-diff", "--no-textconv", "--no-color", "--find-renames")
        return git.output(self.work, "diff", *plain, "--cached", self.last)

    def apply(self) -> None:
        """Bring the result into the user's repository, staged; the conflicts as git leaves them.

        At any moment in between, the rescue command brings the last commit back: whatever is
        written is in the index already.

        Raises:
            DestinationError: something uncommitted is in the way, or the project has changed since
                it was merged; nothing is changed.
        """
        if not self.changes:
            return
        with _alone(self.here):
            self._refuse_what_has_changed()
            self._bring_objects()
            with staging.directory(self.here.private, STAGE) as folder:
                self._try_filters(folder)
                with signals.ignored():
                    self._bring_in(folder)

    def _bring_in(self, stage: Path) -> None:
        self._write_journal(stage)
        self._replace_index(stage, self.merged, self._refuse_what_has_changed)
        with self._all_or_nothing():
            self._write_files()
            removals = {entry.removal for entry in self.unmerged}
            self._replace_index(stage, [*removals, *self.unmerged])

    def _try_filters(self, stage: Path) -> None:
        """Write the files where nobody looks: a filter that fails, such as of large files, ends it.

        Raises:
            EnvironmentFailure: one does; nothing is changed.
        """
        index = stage / "index"
        shutil.copy2(self.here.index, index)
        self._change_index(index, self.merged)
        done = git.run(
            self.here.project,
            *("checkout-index", f"--prefix={stage}/tried/", "-z", "--stdin"),
            environment={"GIT_INDEX_FILE": str(index)},
            stdin="".join(f"{change.path}\0" for change in self.changes if change.status != "D"),
        )
        if done.code != 0:
            raise EnvironmentFailure(
                f"{self.here.project} cannot be updated; it is as it was",
                why=git.failure(self.here.project, "checkout-index", done).why,
                fix="make room, or mend the filter of your .gitattributes that git names",
            )

    def _write_journal(self, stage: Path) -> None:
        """Keep what is written, so that what a stop leaves is told from the user's own work."""
        files: dict[str, list[str]] = {}
        for entry in (*self.before, *self.merged, *self.unmerged):
            files.setdefault(self.here.prefix + entry.path, []).append(entry.object)
        journal = {"prefix": self.here.prefix, "last": self.last, "files": files}
        (stage / JOURNAL).write_text(json.dumps(journal), "utf-8")

    @contextlib.contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        try:
            yield
        except BaseException as problem:
            undone = git.run(self.here.project, *RESCUE)
            if undone.code != 0 and self._is_there():
                raise EnvironmentFailure(
                    f"The update of {self.here.project} stopped half-way",
                    why=f"{problem}; and git said: {undone.last_words}",
                    fix=f"make room or mend what is named, then run {shlex.join(self.here.rescue)}",
                ) from problem
            raise

    def _is_there(self) -> bool:
        """Whether something of the result is among the user's files."""
        added = [change.path for change in self.changes if change.status == "A"]
        exist = any(os.path.lexists(self.here.project / path) for path in added)
        return exist or bool(_uncommitted(self.here))

    def _refuse_what_has_changed(self) -> None:
        changed = _uncommitted(self.here) or _staged(self.here)
        if {self.here.prefix + change.path for change in self.changes} <= set(changed):
            raise DestinationError(
                f"{self.here.project} was not updated a second time",
                why="another run of genai-scaffold has just merged the same",
                fix=f"look at what it brought: git -C {shlex.quote(str(self.here.project))} status",
            )
        if changed or _last_tree(self.here) != self.last:
            raise DestinationError(
                f"{self.here.project} has changed in the meantime, and was not updated",
                why=_some(changed) or "something was committed",
                fix="commit what you changed, and run the same again",
            )
        self.refuse_what_is_in_the_way()

    def refuse_what_is_in_the_way(self) -> None:
        """Refuse to write where git could not bring back what is there.

        Raises:
            DestinationError: something is.
        """
        if not self.changes:
            return
        added = [change.path for change in self.changes if change.status == "A"]
        deleted = {change.path for change in self.changes if change.status == "D"}
        found = [path for path in added if self._is_in_the_way(path, deleted)]
        paths = {change.path for change in self.changes}
        listed = git.output(self.here.project, "ls-files", "-v", "-z", "--", ".")
        # Files that git was told not to look at, so that it cannot say whether they were changed.
        # To take an update back would overwrite those that are assumed unchanged.
        hidden = [
            path
            for tag, _, path in (line.partition(" ") for line in _listed(listed))
            if tag.islower() or (tag == "S" and path in paths)
        ]
        missing = [path for path in hidden if not os.path.lexists(self.here.project / path)]
        if missing and git.run(self.here.top, "config", "--bool", SPARSE).output == "true\n":
            raise _outside_of_the_sparse_checkout(self.here, missing)
        if found := [*found, *hidden]:
            raise _in_the_way(self.here, found)
        theirs = [entry.path for entry in self.unmerged if entry.stage == THEIRS]
        if unlike := [path for path in theirs if self._is_below_a_file(path)]:
            raise DestinationError(
                f"{self.here.project} cannot be updated: {_some(unlike)} in conflict",
                why="a folder of the template's is a link or a file here, and git could not take "
                "such a conflict back",
                fix="put the folder itself in its place and commit that, until it is updated",
            )

    def _is_below_a_file(self, path: str) -> bool:
        parents = [self.here.project / parent for parent in Path(path).parents[:-1]]
        return any(parent.is_symlink() or parent.is_file() for parent in parents)

    def _is_in_the_way(self, path: str, deleted: set[str]) -> bool:
        target = self.here.project / path
        if target.is_dir() and not target.is_symlink():
            return not _goes_away(self.here.project, target, deleted)
        if os.path.lexists(target):
            return True
        for parent in Path(path).parents[:-1]:
            real = self.here.project / parent
            if os.path.lexists(real) and (real.is_symlink() or not real.is_dir()):
                return parent.as_posix() not in deleted
        return False

    def _bring_objects(self) -> None:
        entries = (*self.merged, *self.unmerged)
        wanted = {entry.object for entry in entries if not entry.is_removal}
        pack = self.here.objects / "pack" / "pack"
        pack.parent.mkdir(parents=True, exist_ok=True)
        stdin = "".join(f"{name}\n" for name in sorted(wanted))
        # In quotes, since a colon separates several.
        borrowed = json.dumps(str(self.work / ".git" / "objects"), ensure_ascii=False)
        # There, since it is renamed into its place, which takes one file system.
        git.output(
            self.here.top,
            *("pack-objects", "--quiet", str(pack)),
            environment={"GIT_ALTERNATE_OBJECT_DIRECTORIES": borrowed},
            stdin=stdin,
        )

    def _replace_index(
        self, stage: Path, entries: Iterable[Entry], check: Callable[[], None] = lambda: None
    ) -> None:
        """Change entries of the user's index in one step; again, if another git was faster.

        It is locked as shortly as can be: a lock that a stop leaves keeps the user's git out.
        """
        index, changed = self.here.index, stage / "index"
        for _ in range(LOOKS):
            shutil.copy2(index, changed)
            before = changed.read_bytes()
            self._change_index(changed, entries)
            check()
            with _locked_index(self.here):
                if index.read_bytes() == before:
                    changed.replace(index)
                    return
        raise _another_git(self.here)

    def _change_index(self, index: Path, entries: Iterable[Entry]) -> None:
        lines = [
            f"{entry.mode} {entry.object} {entry.stage}\t{self.here.prefix}{entry.path}\0"
            for entry in entries
        ]
        environment = {"GIT_INDEX_FILE": str(index)}
        # What was written since is as it should be: the undo command asks for that.
        git.run(self.here.top, "update-index", "-q", "--refresh", environment=environment)
        git.output(
            self.here.top,
            *("update-index", "-z", "--index-info"),
            environment=environment,
            stdin="".join(lines),
        )

    def _write_files(self) -> None:
        for change in self.changes:
            if change.status == "D":
                _remove(self.here.project, change.path)
        self._check_out("M", "--force")
        self._check_out("A")

    def _check_out(self, status: str, *options: str) -> None:
        paths = [change.path for change in self.changes if change.status == status]
        stdin = "".join(f"{path}\0" for path in paths)
        command = ("checkout-index", *options, "-z", "--stdin")
        done = git.run(self.here.project, *command, stdin=stdin)
        kept = [path for path in paths if f"{self.here.prefix}{path}{KEPT}" in done.errors]
        if kept:
            # What somebody has just put there is not to be taken back with the rest.
            git.output(self.here.project, "update-index", "--force-remove", "--", *kept)
            raise _in_the_way(self.here, kept)
        if done.code != 0:
            raise git.failure(self.here.project, "checkout-index", done)


@contextlib.contextmanager
def _locked_index(here: Place) -> Iterator[None]:
    """Keep git out of the index, as git itself does."""
    for _ in range(LOOKS):
        with contextlib.suppress(FileExistsError):
            here.lock.touch(exist_ok=False)
            break
        # An editor asks git for what is changed whenever a file is.
        time.sleep(SECONDS / LOOKS)
    else:
        raise _another_git(here)
    try:
        yield
    finally:
        here.lock.unlink(missing_ok=True)


@contextlib.contextmanager
def three_way(here: Place, base: Path | Snapshot, template: Template) -> Iterator[Merge]:
    """Merge what changed between two renderings into the last commit of a project.

    Args:
        here: the project.
        base: what the project was made from; without the files that git ignores in it.
        template: what it would be made from now.
    """
    with staging.directory(template.files.parent, "merge") as stage:
        work = stage / "work"
        work.mkdir()
        repository = _Repository(work, stage, here)
        last = _last_tree(here)
        _fetch_missing(here, last, *([base.tree] if isinstance(base, Snapshot) else []))
        made = repository.tree(base)
        known = repository.paths(made)
        moves = {
            before: after
            for before, after in template.moved.items()
            if before in known and (template.files / after).is_file()
            if not (here.project / after).exists()
        }
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
            conflicts=tuple(_conflicts(unmerged, work, template.name)),
            kept_deleted=tuple(kept_deleted),
            unmerged=tuple(unmerged),
            merged=tuple(entry for _, _, entry in merged),
            before=tuple(entry for _, entry, _ in merged),
        )


def _uncommitted(here: Place) -> list[str]:
    """The tracked files of a project that are not as in the last commit."""
    status = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=no", "--", ".")
    return [line[3:] for line in _listed(git.output(here.project, *status))]


def _staged(here: Place) -> list[str]:
    """What is staged anywhere in the repository, or only noted as to be added."""
    staged = git.output(here.top, "diff", "--cached", "--name-only", "--no-ext-diff", "-z")
    noted = git.output(here.top, "diff-files", "--name-only", "--diff-filter=A", "-z")
    return [*_listed(staged), *_listed(noted)]


def _fetch_missing(here: Place, *trees: str) -> None:
    """Get at once what a partial clone lacks of some trees: elsewhere git would not fetch it."""
    named = git.run(here.top, "config", "--name-only", "--get-regexp", PROMISOR).output
    remote = named.partition("\n")[0].removeprefix("remote.").removesuffix(".promisor")
    listing = ("rev-list", "--objects", "--missing=print", *trees)
    before: set[str] = set()
    while remote:
        listed = git.output(here.top, *listing).split("\n")
        missing = {line[1:] for line in listed if line.startswith("?")}
        # Of a tree that was missing, too, only now is it known what it has.
        if missing <= before:
            return
        before |= missing
        # As git itself fetches what it misses: what it has already says nothing here.
        fetch = ("--quiet", "--no-tags", "--no-write-fetch-head", "--filter=blob:none", "--stdin")
        fetched = git.run(
            here.top,
            *("-c", "fetch.negotiationAlgorithm=noop", "fetch", OUTSIDE, remote, *fetch),
            stdin="".join(f"{name}\n" for name in sorted(missing)),
        )
        if fetched.code != 0:
            raise git.failure(here.top, "fetch", fetched)


def _last_tree(here: Place) -> str:
    """What a project has in the last commit, as a tree of git's."""
    return git.output(here.top, "rev-parse", f"HEAD:{here.prefix.rstrip('/')}").strip()


@contextlib.contextmanager
def _alone(here: Place) -> Iterator[None]:
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


class _Repository:
    """A repository that is thrown away; of the user's configuration it has how files are merged."""

    def __init__(self, work: Path, stage: Path, here: Place) -> None:
        self._work = work
        self._environment: Mapping[str, str] = {
            "HOME": str(stage),
            "XDG_CONFIG_HOME": str(stage),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "0",
            "GIT_AUTHOR_NAME": "genai-scaffold",
            "GIT_AUTHOR_EMAIL": "genai-scaffold@invalid",
            "GIT_COMMITTER_NAME": "genai-scaffold",
            "GIT_COMMITTER_EMAIL": "genai-scaffold@invalid",
        }
        self.git("init", "--quiet", "--template=", f"--object-format={here.hashes}")
        alternates = work / ".git" / "objects" / "info" / "alternates"
        self._attributes = work / ".git" / "info" / "attributes"
        self._drivers: dict[str, str] = {}
        for file in (alternates, self._attributes):
            file.parent.mkdir(parents=True, exist_ok=True)
        self._attributes.write_text(AS_KEPT, "utf-8")
        alternates.write_bytes(os.fsencode(here.objects) + b"\n")
        style = git.run(here.top, "config", "merge.conflictStyle").output.strip() or "merge"
        self._settings = (
            *("-c", f"merge.conflictStyle={style}", "-c", "merge.renameLimit=10000"),
            # Files of the user's own stay where they are, although the template moved its own.
            *("-c", "merge.directoryRenames=false"),
        )

    def git(self, *arguments: str, stdin: str = "") -> str:
        return git.output(self._work, *arguments, environment=self._environment, stdin=stdin)

    def tree(self, files: Path | Snapshot) -> str:
        """Keep a folder's files, or some of a tree's, as a tree."""
        if isinstance(files, Path):
            self.git("read-tree", "--empty")
            self.git(f"--work-tree={files}", "add", "--all", "--force", ".")
        else:
            self.git("read-tree", files.tree)
            others = set(_listed(self.git("ls-files", "-z"))) - files.paths
            stdin = "".join(f"{path}\0" for path in sorted(others))
            self.git("update-index", "-z", "--force-remove", "--stdin", stdin=stdin)
        return self.git("write-tree").strip()

    def paths(self, tree: str) -> set[str]:
        return set(_listed(self.git("ls-tree", "-r", "-z", "--name-only", tree)))

    def renamed(self, tree: str, moves: Mapping[str, str]) -> str:
        """The same tree with other paths."""
        self.git("read-tree", tree)
        lines = []
        for line in _listed(self.git("ls-files", "--stage", "-z", "--", *moves)) if moves else ():
            described, _, path = line.partition("\t")
            mode, name, _ = described.split(" ")
            lines += [f"0 {name}\t{path}\0", f"{mode} {name}\t{moves[path]}\0"]
        self.git("update-index", "-z", "--index-info", stdin="".join(lines))
        return self.git("write-tree").strip()

    def commit(self, tree: str, *parents: str) -> str:
        named = [word for parent in parents for word in ("-p", parent)]
        return self.git("commit-tree", tree, *named, "-m", "A side of the merge").strip()

    def check_out(self, commit: str) -> None:
        self.git("reset", "--quiet", "--hard", commit)

    def merge_as_the_user_does(self, here: Place, *trees: str) -> None:
        """Take over the programs that merge the user's files, and which file is whose."""
        drivers = git.run(here.top, "config", "-z", "--get-regexp", DRIVERS).output
        for number, (key, _, value) in enumerate(d.partition("\n") for d in _listed(drivers)):
            self._drivers |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
            self._drivers["GIT_CONFIG_COUNT"] = str(number + 1)
        listing = ("ls-tree", "-r", "-z", "--name-only")
        paths = {path for tree in trees for path in _listed(self.git(*listing, tree))}
        stdin = "".join(f"{path}\0" for path in sorted(paths))
        asked = git.output(here.project, "check-attr", "-z", "--stdin", "merge", stdin=stdin)
        words = iter(asked.split("\0"))
        with self._attributes.open("a", encoding="utf-8", errors="surrogateescape") as file:
            for path, _, value in zip(words, words, words, strict=False):
                if value != "unspecified":
                    file.write(f"{_pattern(path)} {VALUES.get(value, f'merge={value}')}\n")

    def merge(self, commit: str, name: str) -> None:
        self.git("branch", name, commit)
        merged = git.run(
            self._work,
            *(*self._settings, "merge", "--quiet", "--no-commit", "--no-ff", name),
            environment={**self._environment, **self._drivers},
        )
        # Git ends with 1 where there are conflicts.
        if merged.code not in (0, 1):
            raise git.failure(self._work, "merge", merged)

    def unmerged(self) -> list[Entry]:
        return [
            Entry._make([*described.split(" "), path])
            for line in _listed(self.git("ls-files", "--unmerged", "-z"))
            for described, _, path in [line.partition("\t")]
        ]

    def keep_deleted(self, base: str, name: str) -> list[str]:
        """Remove again what the user deleted and git brought back for its changes.

        What has another name now was never deleted: it stays, since other files may need it.
        """
        known = self.paths(base)
        stages = _stages(self.unmerged())
        paths = [path for path, found in stages.items() if found == {BASE, THEIRS}]
        kept = []
        for path in paths:
            # Where the user has a folder now, git puts it beside that.
            if (deleted := path.removesuffix(f"~{name}")) in known:
                self.git("rm", "--quiet", "--cached", "--", path)
                _remove(self._work, path)
                kept.append(deleted)
            else:
                self.git("add", "--force", "--", path)
        return kept

    def changed(self, last: str) -> list[tuple[str, Entry, Entry]]:
        """What the index has otherwise than a tree: status, old and new entry."""
        command = ("diff-index", "--cached", "--raw", "-z", "--no-renames", "--abbrev=64", last)
        words = iter(_listed(self.git(*command)))
        found = []
        for described in words:
            old_mode, mode, old_name, name, status = described.removeprefix(":").split(" ")
            path = next(words)
            before = Entry(old_mode, old_name, "0", path)
            entry = Entry("0" if status == "D" else mode, name, "0", path)
            # A changed kind of file, such as a link instead of a text, is a change too.
            found.append((status.replace("T", "M"), before, entry))
        return found


def _pattern(path: str) -> str:
    """A path as git's attributes name it."""
    plain = GLOB.sub(r"\\\g<0>", path)
    return json.dumps(f"/{plain}", ensure_ascii=False)


def _stages(unmerged: Iterable[Entry]) -> dict[str, set[str]]:
    stages: dict[str, set[str]] = {}
    for entry in unmerged:
        stages.setdefault(entry.path, set()).add(entry.stage)
    return stages


def _conflicts(unmerged: Iterable[Entry], work: Path, name: str) -> Iterator[Conflict]:
    for path, found in _stages(unmerged).items():
        # Beside a folder git keeps a file of the same name under another one.
        beside, _, side = path.rpartition("~")
        alone = MOVED
        if (work / beside).is_dir():
            alone = {"HEAD": OUR_FILE, name: THEIR_FILE}.get(side, MOVED)
        yield Conflict(path, KINDS.get(frozenset(found), alone))


def elsewhere(here: Place, paths: Iterable[str]) -> dict[str, str]:
    """Those of a project's files that git ignores, with the rule, or keeps in a submodule."""
    listed = _listed(git.output(here.project, "ls-files", "--stage", "-z"))
    modules = {line.partition("\t")[2] for line in listed if line.startswith(GITLINK)}
    inside = [path for path in paths if modules & {path, *map(str, PurePosixPath(path).parents)}]
    return {**dict.fromkeys(inside, ""), **_ignored(here, set(paths).difference(inside))}


def _ignored(here: Place, paths: Iterable[str]) -> dict[str, str]:
    reachable = [path for path in paths if not _is_behind_a_link(here.project, path)]
    return git.ignored(here.project, reachable)


def _remove(folder: Path, path: str) -> None:
    """Delete a file, and the folders that it leaves empty; nothing where a link leads."""
    if _is_behind_a_link(folder, path):
        return
    (folder / path).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        for parent in Path(path).parents[:-1]:
            (folder / parent).rmdir()


def _goes_away(project: Path, folder: Path, deleted: set[str]) -> bool:
    """Whether a folder has nothing but files that are deleted."""
    content = list(folder.iterdir())
    return bool(content) and all(
        _goes_away(project, path, deleted)
        if path.is_dir() and not path.is_symlink()
        else path.relative_to(project).as_posix() in deleted
        for path in content
    )


def _is_behind_a_link(folder: Path, path: str) -> bool:
    return any((folder / parent).is_symlink() for parent in Path(path).parents[:-1])


def _listed(output: str) -> list[str]:
    return [word for word in output.split("\0") if word]


def _some(paths: Iterable[str]) -> str:
    found = list(paths)
    more = f" and {len(found) - FILES_SHOWN} more" if len(found) > FILES_SHOWN else ""
    return ", ".join(found[:FILES_SHOWN]) + more
