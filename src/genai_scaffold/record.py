"""Reads what a project was generated from: its version, its answers, and the recommendation."""

import os
import re
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genai_scaffold import answers, files, template
from genai_scaffold.answers import Given
from genai_scaffold.errors import UsageError
from genai_scaffold.template import Question, Value

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
    given: answers.Givens
    unknown: Mapping[str, tuple[str, ...]]


def find(path: Path) -> Path:
    """Find the project that a directory is in: upward, and not beyond its repository, as git does.

    Returns:
        The directory itself where it has no project around it: what reads it says so.
    """
    try:
        inside = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return path
    if _is_project(inside) or not inside.is_dir():
        return path
    for folder in (inside, *inside.parents):
        if _is_project(folder):
            return folder
        if os.path.lexists(folder / ".git"):
            break
    return path


def _is_project(folder: Path) -> bool:
    try:
        return stat.S_ISREG(files.mode(folder / ANSWERS_FILE))
    except OSError:
        return False


def require(project: Path) -> Path:
    """Find the answers file of a project.

    Raises:
        UsageError: there is none.
    """
    path = project / ANSWERS_FILE
    if not stat.S_ISREG(files.mode(path)):
        raise UsageError(
            f"{project} is not a generated project",
            why=f"it has no {ANSWERS_FILE}" if project.is_dir() else "there is no such directory",
            fix="name the directory that `genai-scaffold new` created, or one inside of it",
        )
    return path


def read(project: Path) -> Record:
    """Read the answers file of a project.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    return parse(require(project).read_bytes(), project)


def parse(content: bytes, project: Path) -> Record:
    """Read what an answers file holds.

    Args:
        content: of the file.
        project: whose file it is, for what is said about it.

    Raises:
        UsageError: it cannot be read.
    """
    document = answers.mapping(content, ANSWERS_FILE)
    raw = {key: value for key, value in document.items() if not key.startswith("_")}
    recommendation = raw.pop("recommendation", None)
    reasons = recommendation if isinstance(recommendation, Mapping) else None
    given: dict[str, Given] = {}
    unknown: dict[str, tuple[str, ...]] = {}
    if "framework" not in raw:
        raise UsageError(
            f"{ANSWERS_FILE} names no framework",
            why="then nothing says what the project was made from",
            fix=f"bring the file back: git -C {project} log -- {ANSWERS_FILE}",
        )
    if raw.get("project_name") == "":
        raise UsageError(
            f"{ANSWERS_FILE} says that the project has no name",
            why="project_name is empty",
            fix="write its name there",
        )
    for question in template.questions().values():
        if question.key in raw:
            key = answers.FLAG_NAMES.get(question.key, question.key)
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
        version=version(document),
        source=_text(document.get("_src_path")),
        directory=_text(raw.get("directory")),
        recommendation=reasons,
        raw=raw,
        recorded=recorded,
        given=given,
        unknown=unknown,
    )


def merged(own: str, before: str, after: str) -> str:
    """Change what a user's answers file says into what a rendering of it says.

    Whatever else is in it stays as it is: comments, keys of others, the order, and the spelling.

    Args:
        own: the user's file.
        before: what it was rendered as.
        after: what it is to say.
    """
    known, wanted, have = (answers.mapping(t.encode(), ANSWERS_FILE) for t in (before, after, own))
    foreign = {key: value for key, value in have.items() if key not in {*known, *wanted}}
    try:
        result = _rewritten(own, after, have, wanted, dropped=known.keys() - wanted.keys())
        understood = same(answers.mapping(result.encode(), ANSWERS_FILE), {**foreign, **wanted})
    except UsageError:
        understood = False
    # One line of YAML can be the whole file: it has no lines of its own for a key.
    return result if understood else after


def same(one: object, other: object) -> bool:
    """Whether two documents say the same; in YAML, lists of lists can be endless to compare."""
    import yaml

    return yaml.safe_dump(one) == yaml.safe_dump(other)


def _rewritten(
    own: str,
    after: str,
    have: Mapping[str, Any],
    wanted: Mapping[str, Any],
    dropped: Collection[str],
) -> str:
    head, kept = _entries(own)
    _, rendered = _entries(after)
    for key, (said, between) in kept.items():
        if key in dropped:
            kept[key] = ("", between)
        elif key in wanted and not same(have[key], wanted[key]):
            kept[key] = (_with_comment(rendered[key][0], said), between)
    order = list(kept)
    for key, previous in zip(rendered, ["", *rendered], strict=False):
        if key not in kept:
            order.insert(order.index(previous) + 1 if previous in order else len(order), key)
            kept[key] = (rendered[key][0], "")
    return head + "".join(f"{_ended(kept[key][0])}{kept[key][1]}" for key in order)


def _ended(entry: str) -> str:
    return entry if not entry or entry.endswith("\n") else f"{entry}\n"


def _entries(text: str) -> tuple[str, dict[str, tuple[str, str]]]:
    """What stands above the first key; and of each key its lines, and those up to the next one."""
    import yaml

    node = yaml.compose(text, yaml.SafeLoader)
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    starts = [key.start_mark.index for key, _ in pairs]
    entries = {}
    for (key, _), start, end in zip(pairs, starts, [*starts[1:], len(text)], strict=True):
        lines = text[start:end].splitlines(keepends=True)
        size = len(lines)
        while size > 1 and lines[size - 1].lstrip()[:1] in {"", "#"}:
            size -= 1
        entries[key.value] = ("".join(lines[:size]), "".join(lines[size:]))
    return text[: starts[0]] if starts else text, entries


def _with_comment(entry: str, before: str) -> str:
    """An entry with the comment at the end of the line that it replaces."""
    comment = re.search(r"[ \t]#[^'\"\n]*$", before.rstrip("\n"))
    if not comment or "\n" in before.rstrip("\n") or "\n" in entry.rstrip("\n"):
        return entry
    return f"{entry.rstrip()} {comment[0].strip()}\n"


def version(document: Mapping[str, Any]) -> str:
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
