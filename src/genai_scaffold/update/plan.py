"""Which answers of a project change."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from genai_scaffold.answers.fields import AUTO, project_fields
from genai_scaffold.answers.given import Answers, Given, Givens
from genai_scaffold.answers.names import check_name
from genai_scaffold.answers.resolution import of_its_preset, settle, with_texts
from genai_scaffold.errors import UsageError
from genai_scaffold.project.neighbours import refuse_a_namesake
from genai_scaffold.project.record import ANSWERS_FILE, Record, read_record
from genai_scaffold.project.workspace import is_workspace
from genai_scaffold.template.packaged import template_version
from genai_scaffold.template.questions import Value
from genai_scaffold.update.origin import as_generated
from genai_scaffold.update.seen import look_around
from genai_scaffold.update.wishes import LISTS, Wish, explained_failures, listed_names

TABLES = {
    "history": "conversations, turns and items",
    "documents": "files, passages, stores and store_files",
}


class Edit(NamedTuple):
    """An answer that becomes another one; None where the template did not ask it before."""

    key: str
    before: Value | None
    after: Value


@dataclass(frozen=True)
class Update:
    """What will be merged into which project; nothing is rendered yet.

    Args:
        project: its directory.
        record: what it was generated from.
        answers: what it will be generated from.
        seen: what nobody is asked: where a project lies, or which services a workspace has.
        edits: the answers that change.
        unanswered: the keys of what only today's template asks.
        base: a commit that has the project as it was generated, if the user named one.
        notes: what else is worth saying.
        is_so: whether all that was wished is so already: then nothing else is merged, either.
    """

    project: Path
    record: Record
    answers: Answers
    seen: Mapping[str, Any]
    edits: tuple[Edit, ...]
    unanswered: tuple[str, ...]
    base: str | None
    notes: tuple[str, ...]
    is_so: bool = False

    @property
    def is_current(self) -> bool:
        """Whether the project is what it would be made as now."""
        if self.is_so:
            return True
        unedited = not self.edits and self.base is None
        return unedited and self.record.version == template_version()


def plan_update(project: Path, wish: Wish, base: str | None = None) -> Update:
    """Decide what a project will be generated from.

    Args:
        project: its directory.
        wish: the answers to change.
        base: a commit that has the project as it was generated.

    Raises:
        UsageError: the project or an answer is not accepted.
    """
    with explained_failures(project):
        recorded = read_record(project)
        generated = recorded if base else as_generated(project, recorded)
    given = _checked(wish.answers)
    wanted = of_its_preset({**recorded.given, **given})
    resolved = settle(wanted).answers
    if resolved.is_workspace != is_workspace(recorded):
        raise _no_other_root(project)
    before = generated.recorded
    as_wished = all(before.get(key) == answer.value for key, answer in given.items())
    if wish.already and as_wished and base is None:
        return _so_already(project, generated, resolved, wish.already)
    edits = [
        Edit(key, before.get(key), resolved[key])
        for key in project_fields()
        if key in resolved.by_key and before.get(key) != resolved[key]
    ]
    by_hand = [edit.key for edit in edits if recorded.recorded.get(edit.key) != edit.before]
    seen = look_around(project, recorded)
    edits += [Edit(*learnt) for learnt in seen.learnt]
    if "name" in given:
        refuse_a_namesake(project, resolved.text("name"), "--set name=")
    unanswered = [edit.key for edit in edits if edit.before is None and edit.key not in given]
    return Update(
        project=project,
        record=generated,
        answers=resolved,
        seen=seen.now,
        edits=tuple(edits),
        unanswered=tuple(unanswered),
        base=base,
        notes=(
            *wish.already,
            *_read_otherwise(recorded, by_hand),
            *seen.notes,
            *_offer(edits, wanted, resolved),
            *_what_stays(edits),
            *resolved.notes,
        ),
    )


def _so_already(project: Path, record: Record, answers: Answers, said: Sequence[str]) -> Update:
    """An update of nothing, which says where there is one."""
    is_newest = record.version == template_version()
    offer = "The template has changed since: `genai-scaffold update` merges that."
    return Update(
        project=project,
        record=record,
        answers=answers,
        seen={},
        edits=(),
        unanswered=(),
        base=None,
        notes=(*said, *(() if is_newest else (offer,))),
        is_so=True,
    )


def _no_other_root(project: Path) -> UsageError:
    return UsageError(
        f"{project} cannot become a workspace, nor a workspace something else",
        why="a workspace is the root of services, and has no service of its own",
        fix="move the project into services/NAME, then `genai-scaffold new . --preset workspace`",
    )


def _read_otherwise(recorded: Record, by_hand: Sequence[str]) -> Iterator[str]:
    """What of a record is not taken as it stands there."""
    for key, values in recorded.unknown.items():
        yield f"{key}: {', '.join(values)} is not offered any more, and is left out."
    if by_hand:
        yield f"Changed by hand in {ANSWERS_FILE}, and merged now: {', '.join(by_hand)}."


def _what_stays(edits: Sequence[Edit]) -> tuple[str, ...]:
    """What a feature has made elsewhere, which no merge deletes."""
    gone = [{*listed_names(edit.before)} - {*listed_names(edit.after)} for edit in edits]
    return tuple(
        f"The database stays as it is, with its tables {tables}."
        for name, tables in TABLES.items()
        if any(name in names for names in gone)
    )


def _offer(edits: Sequence[Edit], given: Givens, resolved: Answers) -> tuple[str, ...]:
    """What a new project of the preset would have, where the preset changes."""
    if not any(edit.key == "preset" for edit in edits):
        return ()
    fresh = settle({key: value for key, value in given.items() if key not in LISTS}).answers
    more = [
        name
        for key in LISTS
        for name in listed_names(fresh[key])
        if name not in listed_names(resolved[key])
    ]
    add = f"`genai-scaffold add {' '.join(more)}`"
    offer = f"A new {fresh['preset']} has {', '.join(more)}, too: {add}."
    return (f"{offer} `genai-scaffold list` shows what else there is.",) if more else ()


def unanswered_questions(planned: Update) -> UsageError:
    """Say what today's template asks, where nobody can be asked."""
    said = [word for key in planned.unanswered for word in ("--set", f"{key}=…")]
    return UsageError(
        f"{planned.project} has no answer to {', '.join(planned.unanswered)}",
        why="the template asks that since it was made, and there is no terminal to ask on",
        fix=f"--yes takes the defaults; or update with {' '.join(said)}",
    )


def _checked(given: Givens) -> dict[str, Given]:
    """Check the framework, the name and the texts among the answers."""
    if "framework" in given and given["framework"].value == AUTO:
        raise UsageError(
            "A project needs a framework, and auto is none",
            why="its recommendation was made when it was created",
            fix="see `genai-scaffold recommend`, and name the one you want",
        )
    checked = with_texts(given)
    if name := given.get("name"):
        value = check_name(str(name.value), fix="--set name={}")
        checked["name"] = name._replace(value=value)
    return checked
