"""Checks that the files of a project are sound, each on its own."""

import ast
import json
import os
import re
import tomllib
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from genai_scaffold import git, record
from genai_scaffold.errors import EnvironmentFailure, RenderError

# Directories that hold what the user's tools made, not what the project is.
FOREIGN = frozenset(
    {".git", ".venv", "node_modules", ".tox", ".nox", ".idea", ".vscode"}
    | {".mypy_cache", ".pytest_cache", ".ruff_cache"}
)
FOREIGN_AT_THE_TOP = frozenset({"build", "dist"})  # deeper they may be packages
LARGEST = 10_000_000  # bytes: what is larger is data
MAY_BE_EMPTY = frozenset({"__init__.py", "py.typed"})

VENDORED = frozenset({".css", ".js"})

# GitHub's workflows have `${{ … }}`, which is theirs.
TAG = re.compile(r"(?<!\$)\{\{-? .*? -?\}\}|\{%-? .*? -?%\}")
CONFLICT = re.compile(r"^([<>|]{7} |={7}$)", re.MULTILINE)
UNDERLINE = "======="  # of a heading, where no other marker is

# What Helm, Jinja and their like fill in, and where it is kept.
TEMPLATE = re.compile(r"(?<!\$)\{\{|\{%")
TEMPLATED = re.compile(r"\.ya?ml$|(^|/)templates/")
# Of JSON with comments: what to leave as it is, or what to leave out.
COMMENT = re.compile(r'("(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
TRAILING_COMMA = re.compile(r'("(?:\\.|[^"\\\n])*")|,(?=\s*[}\]])')
WITH_COMMENTS = re.compile(r"(devcontainer|[jt]sconfig(\..+)?)\.json")
# How parsers say that numbers have too many digits, or that all is nested too deeply.
TOO_MUCH = (ValueError, RecursionError, MemoryError)


Severity: TypeAlias = Literal["error", "warning"]


class Finding(NamedTuple):
    """Something wrong, and where; a warning is of what may be right by what no file says."""

    check: str
    path: str
    line: int
    problem: str
    severity: Severity = "error"

    @property
    def is_error(self) -> bool:
        return self.severity == "error"


class Fault(NamedTuple):
    """What a check found in a file."""

    line: int
    problem: str


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
    listed = git.run(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    paths = set(listed.output.split("\0")) if listed.code == 0 else set()
    if record.ANSWERS_FILE not in paths:
        return _all(root)
    environments = tuple(
        path.removesuffix("pyvenv.cfg") for path in paths if path.endswith("/pyvenv.cfg")
    )
    return sorted(
        path
        for path in paths
        if FOREIGN.isdisjoint(path.split("/")) and not path.startswith(environments)
    )


def _all(root: Path) -> list[str]:
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
        record.require(path)
        return Project.read(path, _kept(path))
    except OSError as error:
        raise EnvironmentFailure(
            f"{path} cannot be checked",
            why=f"{error.strerror or error} ({error.filename or path})",
            fix="make what is named readable",
        ) from error


def _is_python(file: File) -> Iterator[Fault]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what the user wrote, and who runs it is told
            compile(file.content, file.path, "exec", dont_inherit=True)
    except SyntaxError as error:
        yield Fault(error.lineno or 1, error.msg)
    except TOO_MUCH as error:
        yield Fault(1, str(error) or "it is nested too deeply")


def _is_toml(file: File) -> Iterator[Fault]:
    try:
        tomllib.loads(file.text or "")
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        yield Fault(int(line[1]) if line else 1, str(error))
    except TOO_MUCH as error:
        yield Fault(1, str(error))


def _is_json(file: File) -> Iterator[Fault]:
    try:
        json_document(file)
    except json.JSONDecodeError as error:
        yield Fault(error.lineno, error.msg)
    except RecursionError:
        yield Fault(1, "it is nested too deeply")
    except TOO_MUCH as error:
        yield Fault(1, str(error))


def json_document(file: File) -> Any:  # noqa: ANN401 - it may be anything
    """What a JSON file holds; who writes comments has a tool that reads them.

    Raises:
        ValueError: it is no JSON.
    """
    text = file.text or ""
    plain = COMMENT.sub(lambda found: found[1] or "\n" * found[0].count("\n"), text)
    if plain != text or WITH_COMMENTS.fullmatch(file.name):
        plain = TRAILING_COMMA.sub(r"\1", plain)
    return json.loads(plain)


def _is_yaml(file: File) -> Iterator[Fault]:
    import yaml  # only where something is verified

    try:
        yaml_documents(file)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        yield Fault(mark.line + 1 if mark else 1, error.problem or str(error))
    except (yaml.YAMLError, *TOO_MUCH) as error:
        yield Fault(1, str(error).partition("\n")[0])
    except (LookupError, AttributeError, TypeError):
        # So PyYAML says that `!!bool maybe` is none.
        yield Fault(1, "a value is not what its tag says")


def yaml_documents(file: File) -> list[Any]:
    """What a YAML file holds; a value with an application's own tag is None.

    Raises:
        Exception: it is no YAML, which PyYAML says in many ways; `parses` finds them all.
    """
    import yaml

    return list(yaml.load_all(file.text or "", _yaml_loader()))


@cache
def _yaml_loader() -> Any:  # noqa: ANN401 - a class of one of two bases, of which one is compiled
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    for theirs in ("!", "tag:yaml.org,2002:python/"):
        Loader.add_multi_constructor(theirs, lambda *_: None)
    return Loader


PARSERS: dict[str, Callable[[File], Iterator[Fault]]] = {
    ".py": _is_python,
    ".toml": _is_toml,
    ".json": _is_json,
    ".yaml": _is_yaml,
    ".yml": _is_yaml,
}


def parses(file: File) -> Iterator[Fault]:
    parser = PARSERS.get(file.suffix)
    if parser and parser is not _is_python and not file.is_utf8:
        yield Fault(1, "it is not text in UTF-8")
    elif parser:
        yield from parser(file)


def _is_readable(file: File) -> Iterator[Fault]:
    """What does not parse of a user's; a conflict is said elsewhere, a template is its tool's."""
    is_template = TEMPLATED.search(file.path) and TEMPLATE.search(file.text or "")
    if not is_template and not list(_has_no_conflict(file)):
        yield from parses(file)


def is_sound(file: File) -> bool:
    """Whether a file can be read for what it says."""
    return not (list(parses(file)) or list(_has_no_conflict(file)))


def _has_no_tag(file: File) -> Iterator[Fault]:
    text = "" if file.suffix in VENDORED else file.text or ""
    for tag in TAG.finditer(text):
        yield Fault(file.line_of(tag.start()), f"{tag[0]} was not rendered")


def _has_no_conflict(file: File) -> Iterator[Fault]:
    markers = list(CONFLICT.finditer(file.text or ""))
    if all(marker[0] == UNDERLINE for marker in markers):
        return
    for marker in markers:
        yield Fault(file.line_of(marker.start()), "a conflict marker is left")


def _is_not_empty(file: File) -> Iterator[Fault]:
    if not file.content.strip() and file.name not in MAY_BE_EMPTY:
        yield Fault(1, "the file is empty")


def _ends_with_a_newline(file: File) -> Iterator[Fault]:
    text = None if file.suffix in VENDORED else file.text
    if text and (not text.endswith("\n") or text.endswith(("\n\n", "\r\n\r\n"))):
        yield Fault(text.rstrip("\n").count("\n") + 1, "the file does not end with one newline")


def _is_source(file: File) -> Iterator[Fault]:
    if "__pycache__" in file.path.split("/") or file.suffix in (".pyc", ".pyo"):
        yield Fault(1, "a compiled file is no part of a project")


class FileCheck(NamedTuple):
    """Something that holds for every file of a fresh project."""

    title: str
    reason: str
    find: Callable[[File], Iterator[Fault]]


PARSES = FileCheck("parses", "A file that does not parse breaks the first command.", parses)
MERGED = FileCheck("no-conflict", "A conflict marker is an unfinished merge.", _has_no_conflict)
PARSING = (PARSES._replace(find=_is_readable), MERGED)
UNFILLED = "rendered"
RENDERING = (
    PARSES,
    MERGED,
    FileCheck(UNFILLED, "A template tag in the output was never filled in.", _has_no_tag),
    FileCheck("not-empty", "A file without content was not asked for.", _is_not_empty),
    FileCheck("newline", "Linters and diffs want one final newline.", _ends_with_a_newline),
    FileCheck("source", "Compiled files belong to one machine.", _is_source),
)


def rendering(root: Path) -> list[Finding]:
    """What is wrong with a project that was just rendered."""
    return list(in_files(Project.read(root, _all(root)), RENDERING))


def refuse_unsound(root: Path, texts: Iterable[str]) -> None:
    """Refuse a project that was just rendered and is not sound.

    Args:
        root: the project.
        texts: what users wrote that is in it; a tag may be part of it.

    Raises:
        RenderError: something is wrong with it, which is a bug of ours.
    """
    own_tags = any(TAG.search(text) for text in texts)
    found = [finding for finding in rendering(root) if not (own_tags and finding.check == UNFILLED)]
    if found:
        first = found[0]
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise RenderError(
            "The rendered project is not sound; nothing was written",
            why=f"{first.path}, line {first.line}: {first.problem}{more}",
            fix="report this as a bug, with the command that you ran",
        )


def in_files(checked: Project, checks: tuple[FileCheck, ...]) -> Iterator[Finding]:
    """Look for what is wrong with each file on its own."""
    for file in checked.files.values():
        for check in checks:
            for line, problem in check.find(file):
                yield Finding(check.title, file.path, line, problem)
