"""Which answers of a project change."""

import contextlib
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from genai_scaffold.answers.fields import AUTO, NONE, closest_value, fields, project_fields
from genai_scaffold.answers.given import Answers, Given, Givens
from genai_scaffold.answers.names import check_name
from genai_scaffold.answers.resolution import of_its_preset, settle, with_texts
from genai_scaffold.errors import EnvironmentFailure, MisspeltError, UsageError
from genai_scaffold.project.neighbours import refuse_a_namesake
from genai_scaffold.project.record import ANSWERS_FILE, Record, read_record
from genai_scaffold.project.workspace import is_workspace
from genai_scaffold.template.packaged import template_version
from genai_scaffold.template.questions import Value
from genai_scaffold.update.origin import as_generated
from genai_scaffold.update.seen import look_around

# The questions whose answers are lists that `add` and `remove` lengthen and shorten.
LISTS = ("feature", "deploy")


class Edit(NamedTuple):
    """An answer that becomes another one; None where the template did not ask it before."""

    key: str
    before: Value | None
    after: Value


class Wish(NamedTuple):
    """The answers that a command changes, and what of its wish is so already."""

    answers: Givens
    already: tuple[str, ...] = ()


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
    """

    project: Path
    record: Record
    answers: Answers
    seen: Mapping[str, Any]
    edits: tuple[Edit, ...]
    unanswered: tuple[str, ...]
    base: str | None
    notes: tuple[str, ...]

    @property
    def is_current(self) -> bool:
        """Whether the project is what it would be made as now."""
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
    gone = [{*_listed_names(edit.before)} - {*_listed_names(edit.after)} for edit in edits]
    stays = "The database stays as it is, with its tables conversations, turns and items."
    return (stays,) if any("history" in names for names in gone) else ()


def _offer(edits: Sequence[Edit], given: Givens, resolved: Answers) -> tuple[str, ...]:
    """What a new project of the preset would have, where the preset changes."""
    if not any(edit.key == "preset" for edit in edits):
        return ()
    fresh = settle({key: value for key, value in given.items() if key not in LISTS}).answers
    more = [
        name
        for key in LISTS
        for name in _listed_names(fresh[key])
        if name not in _listed_names(resolved[key])
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


def frameworks() -> list[str]:
    """What a project can be switched to."""
    return [name for name in fields()["framework"].values if name != AUTO]


def switching(project: Path, framework: str) -> Wish:
    """The answers of a project with another framework."""
    if framework not in frameworks():
        raise MisspeltError(
            f"{framework!r} is no framework to switch to",
            why=f"there are {', '.join(frameworks())}",
            fix="name one of them",
        )
    current = _recorded(project).get("framework")
    already = (f"The framework is {framework} already.",) if current == framework else ()
    return Wish({"framework": Given(framework, "flag", f"switch {framework}")}, already)


def adding(project: Path, wanted: Sequence[str]) -> Wish:
    """The answers of a project with more features or deploy targets."""
    lists = {name: _list_of(name) for name in wanted}
    present = removable(project)
    missing = [name for name in lists if name not in present]
    given = _given([*present, *missing], lists.values(), f"add {' '.join(wanted)}")
    return Wish(given, _already("has", [name for name in lists if name in present]))


def removing(project: Path, unwanted: Sequence[str]) -> Wish:
    """The answers of a project with fewer features or deploy targets."""
    lists = {name: _list_of(name, remove=True) for name in unwanted}
    present = removable(project)
    kept = [name for name in present if name not in lists]
    given = _given(kept, lists.values(), f"remove {' '.join(unwanted)}")
    return Wish(given, _already("has no", [name for name in lists if name not in present]))


def _given(names: Sequence[str], lists: Iterable[str], flag: str) -> dict[str, Given]:
    return {
        key: Given(tuple(name for name in names if _list_of(name) == key), "flag", flag)
        for key in lists
    }


def _already(has: str, names: Sequence[str]) -> tuple[str, ...]:
    return (f"The project {has} {', '.join(names)} already.",) if names else ()


def addable(project: Path) -> list[str]:
    """The features and deploy targets that a project does not have."""
    present = set(removable(project))
    return [name for name in _offered() if name not in present]


def removable(project: Path) -> list[str]:
    """The features and deploy targets that a project has."""
    recorded = _recorded(project)
    return [name for key in LISTS for name in _listed_names(recorded.get(key))]


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


def _offered() -> dict[str, str]:
    """Each feature and deploy target, and which list it belongs to."""
    return {value: key for key in LISTS for value in fields()[key].values if value != NONE}


def _list_of(name: str, *, remove: bool = False) -> str:
    """Which list a feature or deploy target belongs to."""
    offered = _offered()
    if name not in offered:
        raise (MisspeltError if closest_value(name, offered) else UsageError)(
            f"{name!r} is neither a feature nor a deploy target",
            why=f"there are {', '.join(offered)}",
            fix=_meant(name, offered, remove=remove),
        )
    return offered[name]


def _meant(name: str, offered: Collection[str], *, remove: bool) -> str:
    if meant := closest_value(name, offered):
        return f"did you mean {meant}?"
    if name in frameworks():
        wanted = [other for other in frameworks() if (other != name) == remove]
        return f"did you mean `genai-scaffold switch {wanted[0]}`?"
    for field in project_fields().values():
        if name in field.values and name not in (AUTO, NONE) and not remove:
            setting = f"--set {field.key}={name}"
            return f"did you mean `genai-scaffold update {setting}`?"
    if Path(name).is_dir():
        return f"the project that it is meant for: --project {shlex.quote(name)}"
    return "`genai-scaffold list` explains them all"


def _listed_names(value: Value | None) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _recorded(project: Path) -> Mapping[str, Value]:
    with explained_failures(project):
        return read_record(project).recorded


@contextlib.contextmanager
def explained_failures(project: Path) -> Iterator[None]:
    """Turn what the file system says into one of our errors."""
    try:
        yield
    except OSError as error:
        raise EnvironmentFailure(
            f"{project} cannot be updated; it is as it was",
            why=f"{error.strerror or error} ({error.filename or project})",
            fix="make room, or change the permissions of what is named",
        ) from error
