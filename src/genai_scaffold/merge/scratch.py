"""A repository that is thrown away."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from genai_scaffold.merge.change import BASE, OURS, THEIRS, Entry, Snapshot, stages_of
from genai_scaffold.merge.place import Place, null_separated, path_pattern
from genai_scaffold.system import git
from genai_scaffold.system.git import git_failure, git_output
from genai_scaffold.system.paths import remove_file

# Contents are merged as they are kept: to convert them is for the user's own git.
AS_KEPT = "* -text !eol -ident !working-tree-encoding !filter\n"
DRIVERS = r"^merge\..*\.(driver|name|recursive)$"
VALUES = {"set": "merge", "unset": "-merge"}


class ScratchRepository:
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
        style = git.run_git(here.top, "config", "merge.conflictStyle").output.strip() or "merge"
        self._settings = (
            *("-c", f"merge.conflictStyle={style}", "-c", "merge.renameLimit=10000"),
            # Files of the user's own stay where they are, although the template moved its own.
            *("-c", "merge.directoryRenames=false"),
        )

    def git(self, *arguments: str, stdin: str = "") -> str:
        return git_output(self._work, *arguments, environment=self._environment, stdin=stdin)

    def tree(self, files: Path | Snapshot) -> str:
        """Keep a folder's files, or some of a tree's, as a tree."""
        if isinstance(files, Path):
            self.git("read-tree", "--empty")
            self.git(f"--work-tree={files}", "add", "--all", "--force", ".")
        else:
            self.git("read-tree", files.tree)
            others = set(null_separated(self.git("ls-files", "-z"))) - files.paths
            stdin = "".join(f"{path}\0" for path in sorted(others))
            self.git("update-index", "-z", "--force-remove", "--stdin", stdin=stdin)
        return self.git("write-tree").strip()

    def paths(self, tree: str) -> set[str]:
        return set(null_separated(self.git("ls-tree", "-r", "-z", "--name-only", tree)))

    def modes(self, tree: str) -> dict[str, str]:
        """The mode of everything in a tree, its folders among it, by path."""
        listed = null_separated(self.git("ls-tree", "-r", "-t", "-z", tree))
        entries = (line.partition("\t") for line in listed)
        return {path: described.partition(" ")[0] for described, _, path in entries}

    def renamed(self, tree: str, moves: Mapping[str, str]) -> str:
        """The same tree with other paths."""
        if not moves:
            return tree
        self.git("read-tree", tree)
        lines = []
        for line in null_separated(self.git("ls-files", "--stage", "-z", "--", *moves)):
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
        drivers = git.run_git(here.top, "config", "-z", "--get-regexp", DRIVERS).output
        for number, (key, _, value) in enumerate(
            d.partition("\n") for d in null_separated(drivers)
        ):
            self._drivers |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
            self._drivers["GIT_CONFIG_COUNT"] = str(number + 1)
        paths = set().union(*map(self.paths, trees))
        stdin = "".join(f"{path}\0" for path in sorted(paths))
        asked = git_output(here.project, "check-attr", "-z", "--stdin", "merge", stdin=stdin)
        words = iter(asked.split("\0"))
        with self._attributes.open("a", encoding="utf-8", errors="surrogateescape") as file:
            for path, _, value in zip(words, words, words, strict=False):
                if value != "unspecified":
                    file.write(f"{attribute_pattern(path)} {VALUES.get(value, f'merge={value}')}\n")

    def merge(self, commit: str, name: str) -> None:
        self.git("branch", name, commit)
        merged = git.run_git(
            self._work,
            *(*self._settings, "merge", "--quiet", "--no-commit", "--no-ff", name),
            environment={**self._environment, **self._drivers},
        )
        # Git ends with 1 where there are conflicts.
        if merged.code not in (0, 1):
            raise git_failure(self._work, "merge", merged)

    def unmerged(self) -> list[Entry]:
        return [
            Entry._make([*described.split(" "), path])
            for line in null_separated(self.git("ls-files", "--unmerged", "-z"))
            for described, _, path in [line.partition("\t")]
        ]

    def keep_deleted(self, base: str, name: str) -> list[str]:
        """Remove again what the user deleted and git brought back for its changes.

        What has another name now was never deleted: it stays, since other files may need it.
        """
        stages = stages_of(self.unmerged())
        paths = [path for path, found in stages.items() if found == {BASE, THEIRS}]
        known = self.paths(base) if paths else set()
        kept = []
        for path in paths:
            # Where the user has a folder now, git puts it beside that.
            deleted = path.removesuffix(f"~{name}")
            if stages.get(deleted) == {OURS}:
                continue  # nor was what is a link now
            if deleted in known:
                self.git("rm", "--quiet", "--cached", "--", path)
                remove_file(self._work, path)
                kept.append(deleted)
            else:
                self.git("add", "--force", "--", path)
        if kept:
            self._put_back(stages)
        return kept

    def _put_back(self, stages: Mapping[str, set[str]]) -> None:
        """Give what git put beside a folder its own name again, where the folder is gone."""
        for path, found in stages.items():
            own, _, side = path.rpartition("~")
            if side == "HEAD" and found == {OURS} and not os.path.lexists(self._work / own):
                (self._work / path).rename(self._work / own)
                self.git("rm", "--quiet", "--cached", "--", path)
                self.git("add", "--force", "--", own)

    def changed(self, last: str) -> list[tuple[str, Entry, Entry]]:
        """What the index has otherwise than a tree: status, old and new entry."""
        command = ("diff-index", "--cached", "--raw", "-z", "--no-renames", "--abbrev=64", last)
        words = iter(null_separated(self.git(*command)))
        found = []
        for described in words:
            old_mode, mode, old_name, name, status = described.removeprefix(":").split(" ")
            path = next(words)
            before = Entry(old_mode, old_name, "0", path)
            entry = Entry("0" if status == "D" else mode, name, "0", path)
            # A changed kind of file, such as a link instead of a text, is a change too.
            found.append((status.replace("T", "M"), before, entry))
        return found


def attribute_pattern(path: str) -> str:
    """A path as git's attributes name it."""
    return json.dumps(path_pattern(path), ensure_ascii=False)
