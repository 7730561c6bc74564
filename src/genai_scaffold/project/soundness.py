"""What holds for every file of a project, each on its own."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from genai_scaffold.errors import RenderError
from genai_scaffold.project.files import File, Project, every_file
from genai_scaffold.project.finding import Fault, Finding
from genai_scaffold.project.parsing import parses
from genai_scaffold.project.record import ANSWERS_FILE

MAY_BE_EMPTY = frozenset({"__init__.py", "py.typed"})
VENDORED = frozenset({".css", ".js"})

# GitHub's workflows have `${{ … }}`, which is theirs.
TAG = re.compile(r"(?<!\$)\{\{-? .*? -?\}\}|\{%-? .*? -?%\}")
CONFLICT_MARKER = re.compile(r"^([<>|]{7} |={7}$)", re.MULTILINE)
UNDERLINE = "======="  # of a heading, where no other marker is

# What Helm, Jinja and their like fill in, and where it is kept.
TEMPLATE = re.compile(r"(?<!\$)\{\{|\{%")
TEMPLATED = re.compile(r"\.ya?ml$|(^|/)templates/")


def _is_readable(file: File) -> Iterator[Fault]:
    """What does not parse of a user's; a conflict is said elsewhere, a template is its tool's."""
    may_be_template = TEMPLATED.search(file.path) and file.path != ANSWERS_FILE
    is_template = may_be_template and TEMPLATE.search(file.text or "")
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
    markers = list(CONFLICT_MARKER.finditer(file.text or ""))
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
    find: Callable[[File], Iterator[Fault]]


PARSES = FileCheck("parses", parses)
MERGED = FileCheck("no-conflict", _has_no_conflict)
CHECKS_OF_TEXT = (PARSES._replace(find=_is_readable), MERGED)
UNFILLED = "rendered"
CHECKS_OF_RENDERING = (
    PARSES,
    MERGED,
    FileCheck(UNFILLED, _has_no_tag),
    FileCheck("not-empty", _is_not_empty),
    FileCheck("newline", _ends_with_a_newline),
    FileCheck("source", _is_source),
)


def faults_of_rendering(root: Path) -> list[Finding]:
    """What is wrong with a project that was just rendered."""
    return list(in_files(Project.read(root, every_file(root)), CHECKS_OF_RENDERING))


def refuse_unsound(root: Path, texts: Iterable[str]) -> None:
    """Refuse a project that was just rendered and is not sound.

    Args:
        root: the project.
        texts: what users wrote that is in it; a tag may be part of it.

    Raises:
        RenderError: something is wrong with it, which is a bug of ours.
    """
    own_tags = any(TAG.search(text) for text in texts)
    found = [
        finding
        for finding in faults_of_rendering(root)
        if not (own_tags and finding.check == UNFILLED)
    ]
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
