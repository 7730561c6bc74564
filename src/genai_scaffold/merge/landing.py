"""Brings a merge into the user's repository: all of it, or nothing."""

import contextlib
import json
import os
import shlex
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from genai_scaffold.errors import DestinationError, EnvironmentFailure
from genai_scaffold.merge.change import THEIRS, Change, Conflict, Entry
from genai_scaffold.merge.index import LOOKS, locked_index
from genai_scaffold.merge.place import (
    RESCUE,
    Place,
    alone_in,
    another_git,
    last_tree,
    null_separated,
    paths_in_the_way,
    staged_paths,
    uncommitted_paths,
)
from genai_scaffold.merge.refusals import SPARSE, outside_of_the_sparse_checkout
from genai_scaffold.merge.stopped import JOURNAL, STAGE
from genai_scaffold.system import git
from genai_scaffold.system.git import git_failure, git_output
from genai_scaffold.system.paths import first_of, goes_away, remove_file
from genai_scaffold.system.signals import signals_ignored
from genai_scaffold.system.staging import staged_directory

KEPT = " already exists, no checkout"  # git's own words


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
        return git_output(self.work, "diff", *plain, "--cached", self.last)

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
        with alone_in(self.here):
            self._refuse_what_has_changed()
            self.bring_objects()
            with staged_directory(self.here.private, STAGE) as folder:
                self._try_filters(folder)
                with signals_ignored():
                    self.bring_in(folder)

    def bring_in(self, stage: Path) -> None:
        self._write_journal(stage)
        self._replace_index(stage, self.merged, self._refuse_what_has_changed)
        with self._all_or_nothing():
            self.write_files()
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
        done = git.run_git(
            self.here.project,
            *("checkout-index", f"--prefix={stage}/tried/", "-z", "--stdin"),
            environment={"GIT_INDEX_FILE": str(index)},
            stdin="".join(f"{change.path}\0" for change in self.changes if change.status != "D"),
        )
        if done.code != 0:
            raise EnvironmentFailure(
                f"{self.here.project} cannot be updated; it is as it was",
                why=git_failure(self.here.project, "checkout-index", done).why,
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
            undone = git.run_git(self.here.project, *RESCUE)
            if undone.code != 0 and self._is_there():
                raise EnvironmentFailure(
                    f"The update of {self.here.project} stopped half-way",
                    why=f"{problem}; and git said: {undone.last_words}",
                    fix="make room or mend what is named, then run "
                    f"`{shlex.join(self.here.rescue)}`",
                ) from problem
            raise

    def _is_there(self) -> bool:
        """Whether something of the result is among the user's files."""
        added = [change.path for change in self.changes if change.status == "A"]
        exist = any(os.path.lexists(self.here.project / path) for path in added)
        return exist or bool(uncommitted_paths(self.here))

    def _refuse_what_has_changed(self) -> None:
        changed = uncommitted_paths(self.here) or staged_paths(self.here)
        if {self.here.prefix + change.path for change in self.changes} <= set(changed):
            raise DestinationError(
                f"{self.here.project} was not updated a second time",
                why="another run of genai-scaffold has just merged the same",
                fix="look at what it brought: "
                f"`git -C {shlex.quote(str(self.here.project))} status`",
            )
        if changed or last_tree(self.here) != self.last:
            raise DestinationError(
                f"{self.here.project} has changed in the meantime, and was not updated",
                why=first_of(changed) or "something was committed",
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
        listed = git_output(self.here.project, "ls-files", "-v", "-z", "--", ".")
        # Files that git was told not to look at, so that it cannot say whether they were changed.
        # To take an update back would overwrite those that are assumed unchanged.
        hidden = [
            path
            for tag, _, path in (line.partition(" ") for line in null_separated(listed))
            if tag.islower() or (tag == "S" and path in paths)
        ]
        missing = [path for path in hidden if not os.path.lexists(self.here.project / path)]
        if missing and git.run_git(self.here.top, "config", "--bool", SPARSE).output == "true\n":
            raise outside_of_the_sparse_checkout(self.here, missing)
        if found := [*found, *hidden]:
            raise paths_in_the_way(self.here, found)
        theirs = [entry.path for entry in self.unmerged if entry.stage == THEIRS]
        if unlike := [path for path in theirs if self._is_below_a_file(path)]:
            raise DestinationError(
                f"{self.here.project} cannot be updated: {first_of(unlike)} in conflict",
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
            return not goes_away(self.here.project, target, deleted)
        if os.path.lexists(target):
            return True
        for parent in Path(path).parents[:-1]:
            real = self.here.project / parent
            if os.path.lexists(real) and (real.is_symlink() or not real.is_dir()):
                return parent.as_posix() not in deleted
        return False

    def bring_objects(self) -> None:
        entries = (*self.merged, *self.unmerged)
        wanted = {entry.object for entry in entries if not entry.is_removal}
        pack = self.here.objects / "pack" / "pack"
        pack.parent.mkdir(parents=True, exist_ok=True)
        stdin = "".join(f"{name}\n" for name in sorted(wanted))
        # In quotes, since a colon separates several.
        borrowed = json.dumps(str(self.work / ".git" / "objects"), ensure_ascii=False)
        # There, since it is renamed into its place, which takes one file system.
        git_output(
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
            with locked_index(self.here):
                if index.read_bytes() == before:
                    changed.replace(index)
                    return
        raise another_git(self.here)

    def _change_index(self, index: Path, entries: Iterable[Entry]) -> None:
        lines = [
            f"{entry.mode} {entry.object} {entry.stage}\t{self.here.prefix}{entry.path}\0"
            for entry in entries
        ]
        environment = {"GIT_INDEX_FILE": str(index)}
        # What was written since is as it should be: the undo command asks for that.
        git.run_git(self.here.top, "update-index", "-q", "--refresh", environment=environment)
        git_output(
            self.here.top,
            *("update-index", "-z", "--index-info"),
            environment=environment,
            stdin="".join(lines),
        )

    def write_files(self) -> None:
        for change in self.changes:
            if change.status == "D":
                remove_file(self.here.project, change.path)
        self._check_out("M", "--force")
        self._check_out("A")

    def _check_out(self, status: str, *options: str) -> None:
        paths = [change.path for change in self.changes if change.status == status]
        stdin = "".join(f"{path}\0" for path in paths)
        command = ("checkout-index", *options, "-z", "--stdin")
        done = git.run_git(self.here.project, *command, stdin=stdin)
        kept = [path for path in paths if f"{self.here.prefix}{path}{KEPT}" in done.errors]
        if kept:
            # What somebody has just put there is not to be taken back with the rest.
            git_output(self.here.project, "update-index", "--force-remove", "--", *kept)
            raise paths_in_the_way(self.here, kept)
        if done.code != 0:
            raise git_failure(self.here.project, "checkout-index", done)
