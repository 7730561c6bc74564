"""Reads what a project was generated from: its version, its answers, and the recommendation."""

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genai_scaffold.answers.files import mapping_in
from genai_scaffold.answers.given import Given, Givens
from genai_scaffold.errors import NoProjectError, UsageError
from genai_scaffold.system.git import is_repository
from genai_scaffold.system.paths import mode_of
from genai_scaffold.template.questions import Question, Value, template_questions

ANSWERS_FILE = ".copier-answers.yml"


@dataclass(frozen=True)
class Record:
    """What the answers file of a project says.

    Args:
        version: of the template that it was last rendered from, without a `v`.
        source: where plain Copier finds the template, if it made the project.
        directory: where in its repository the project lay; empty at the root.
        recommendation: why this framework; None where it was chosen by hand.
        raw: every answer as it stands there, for the template that asked for it.
        recorded: the answers that today's template asks for, too.
        given: the same as they were wished.
        unknown: what of a list today's template does not offer any more, by key.
    """

    version: str
    source: str
    directory: str
    recommendation: Mapping[str, Any] | None
    raw: Mapping[str, Any]
    recorded: Mapping[str, Value]
    given: Givens
    unknown: Mapping[str, tuple[str, ...]]


def find_project(path: Path) -> Path:
    """Find the project that a directory is in: upward, and not beyond its repository, as git does.

    Returns:
        The directory itself where it has no project around it: what reads it says so.
    """
    try:
        inside = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return path
    if is_project(inside) or not inside.is_dir():
        return path
    for folder in (inside, *inside.parents):
        if is_project(folder):
            return folder
        if is_repository(folder):
            break
    return path


def is_project(folder: Path) -> bool:
    """Whether a directory is a project, so far as can be told."""
    try:
        return stat.S_ISREG(mode_of(folder / ANSWERS_FILE))
    except OSError:
        return False


def require_project(project: Path) -> Path:
    """Find the answers file of a project.

    Raises:
        UsageError: there is none.
    """
    path = project / ANSWERS_FILE
    if not stat.S_ISREG(mode_of(path)):
        lack = "it is a file" if project.exists() else "there is no such directory"
        raise NoProjectError(project, why=f"it has no {ANSWERS_FILE}" if project.is_dir() else lack)
    return path


def read_record(project: Path) -> Record:
    """Read the answers file of a project.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    return parse_record(require_project(project).read_bytes(), project)


def parse_record(content: bytes, project: Path) -> Record:
    """Read what an answers file holds.

    Args:
        content: of the file.
        project: whose file it is, for what is said about it.

    Raises:
        UsageError: it cannot be read.
    """
    document = mapping_in(content, ANSWERS_FILE)
    raw = {key: value for key, value in document.items() if not key.startswith("_")}
    recommendation = raw.pop("recommendation", None)
    reasons = recommendation if isinstance(recommendation, Mapping) else None
    given: dict[str, Given] = {}
    unknown: dict[str, tuple[str, ...]] = {}
    _check_names(raw, project)
    for question in template_questions().values():
        if question.key in raw:
            key = question.name
            value, refused = _accepted(question, raw[question.key])
            given[key] = Given(value, "project", ANSWERS_FILE)
            if refused:
                unknown[key] = refused
    recorded = {key: answer.value for key, answer in given.items()}
    # Docs that fell away were still wanted: with another framework they may come back.
    needs = (reasons or {}).get("needs")
    if isinstance(needs, Mapping) and needs.get("docs") is True and "docs" in given:
        given["docs"] = given["docs"]._replace(value=True)
    return Record(
        version=recorded_version(document),
        source=_text(document.get("_src_path")),
        directory=_text(raw.get("directory")),
        recommendation=reasons,
        raw=raw,
        recorded=recorded,
        given=given,
        unknown=unknown,
    )


def _check_names(raw: Mapping[str, Any], project: Path) -> None:
    """Refuse a record that does not say what the project is made from, or called."""
    framework = template_questions()["framework"]
    if "framework" not in raw and framework.is_asked({"preset": raw.get("preset")}):
        raise UsageError(
            f"{ANSWERS_FILE} names no framework",
            why="then nothing says what the project was made from",
            fix=f"bring the file back: `git -C {project} log -- {ANSWERS_FILE}`",
        )
    if raw.get("project_name") == "":
        raise UsageError(
            f"{ANSWERS_FILE} says that the project has no name",
            why="project_name is empty",
            fix="write its name there",
        )


def recorded_version(document: Mapping[str, Any]) -> str:
    """The version in an answers file: a release, or of plain Copier perhaps a commit."""
    return _text(document.get("_commit")).removeprefix("v")


def _accepted(question: Question, raw: object) -> tuple[Value, tuple[str, ...]]:
    """What today's template accepts of an answer; and of a list, what it does not."""
    values = [choice.value for choice in question.choices]
    match question.kind, raw:
        case "list", list() if all(isinstance(item, str) for item in raw):
            kept = tuple(item for item in raw if item in values)
            return kept, tuple(item for item in raw if item not in values)
        case "boolean", bool(answer):
            return answer, ()
        case "text", str(answer):
            return answer, ()
        case "choice", str(answer) if answer in values:
            return answer, ()
        case _:
            takes = ", ".join(values) or {"boolean": "true or false"}.get(question.kind, "text")
            raise UsageError(
                f"{ANSWERS_FILE} says {question.key}: {_shown(raw)}",
                why=f"it takes {takes}",
                fix="correct it; if it was right once, say it anew as it is offered today",
            )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _shown(value: object) -> str:
    """A value in words: a few lines of YAML can be lists in lists without end."""
    match value:
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return str(value)
