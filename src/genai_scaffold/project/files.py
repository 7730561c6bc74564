"""The files of a project."""

import ast
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from genai_scaffold.errors import EnvironmentFailure
from genai_scaffold.project.record import ANSWERS_FILE, require_project
from genai_scaffold.system import git

# Directories that hold what the user's tools made, not what the project is.
FOREIGN = frozenset(
    {".git", ".venv", "node_modules", ".tox", ".nox", ".idea", ".vscode"}
    | {".mypy_cache", ".pytest_cache", ".ruff_cache"}
)
FOREIGN_AT_THE_TOP = frozenset({"build", "dist"})  # deeper they may be packages
LARGEST = 10_000_000  # bytes: what is larger is data
# How parsers say that numbers have too many digits, or that all is nested too deeply.
TOO_MUCH = (ValueError, RecursionError, MemoryError)


@dataclass(frozen=True)
class File:
    """A file of the project, read once."""

    path: str
    content: bytes

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        return Path(self.path).suffix

    @cached_property
    def text(self) -> str | None:
        """The file as text, or None for a binary one; what is not UTF-8 in it is replaced."""
        return None if b"\0" in self.content else self.content.decode("utf-8", errors="replace")

    @property
    def is_utf8(self) -> bool:
        """Whether it is text, and all of it in UTF-8."""
        return self.text is not None and self.text.encode() == self.content

    @cached_property
    def tree(self) -> ast.Module | None:
        """The file as Python, or None if it is none."""
        try:
            return ast.parse(self.content)
        except (SyntaxError, *TOO_MUCH):
            return None

    def line_of(self, offset: int) -> int:
        return (self.text or "").count("\n", 0, offset) + 1

    def line_with(self, fragment: str) -> int:
        """The first line that holds a fragment; the file's first, if none does."""
        return self.line_of(max((self.text or "").find(fragment), 0))


@dataclass(frozen=True)
class Project:
    """A rendered project: its files by their relative paths."""

    files: dict[str, File] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path, paths: Iterable[str]) -> "Project":
        files = {}
        for path in paths:
            file = root / path
            if file.is_file() and not file.is_symlink() and file.stat().st_size <= LARGEST:
                files[path] = File(path, file.read_bytes())
        return cls(files)


def _kept(root: Path) -> list[str]:
    """The files that git keeps, or would keep; without git, those that no tool makes."""
    listed = git.run_git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    paths = set(listed.output.split("\0")) if listed.code == 0 else set()
    if ANSWERS_FILE not in paths:
        return every_file(root)
    environments = tuple(
        path.removesuffix("pyvenv.cfg") for path in paths if path.endswith("/pyvenv.cfg")
    )
    others = tuple(
        path.removesuffix(ANSWERS_FILE) for path in paths if path.endswith(f"/{ANSWERS_FILE}")
    )
    return sorted(
        path
        for path in paths
        if FOREIGN.isdisjoint(path.split("/")) and not path.startswith((*environments, *others))
    )


def every_file(root: Path) -> list[str]:
    paths = []
    for folder, inner, names in os.walk(root):
        at = Path(folder)
        inner[:] = [name for name in inner if not _is_foreign(at / name, root)]
        paths += [(at / name).relative_to(root).as_posix() for name in names]
    return sorted(paths)


def _is_foreign(folder: Path, root: Path) -> bool:
    at_the_top = folder.parent == root and folder.name in FOREIGN_AT_THE_TOP
    return at_the_top or folder.name in FOREIGN or (folder / "pyvenv.cfg").exists()


def project_at(path: Path) -> Project:
    """Read a project that this tool generated.

    Raises:
        UsageError: there is none at that path.
        EnvironmentFailure: it, or a file of it, cannot be read.
    """
    try:
        require_project(path)
        return Project.read(path, _kept(path))
    except OSError as error:
        raise EnvironmentFailure(
            f"{path} cannot be checked",
            why=f"{error.strerror or error} ({error.filename or path})",
            fix="make what is named readable",
        ) from error
