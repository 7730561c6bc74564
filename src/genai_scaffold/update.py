"""Updates a project: renders what it was made from and what it would be, and merges the change."""

import contextlib
import os
import shlex
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from genai_scaffold import (
    answers,
    criteria,
    git,
    handwork,
    kept,
    merge,
    names,
    origin,
    record,
    render,
    requirements,
    staging,
    template,
    verify,
)
from genai_scaffold.answers import Answers, Given, Givens
from genai_scaffold.errors import EnvironmentFailure, UsageError, closest
from genai_scaffold.handwork import Handwork
from genai_scaffold.merge import Change, Conflict, Place, Snapshot
from genai_scaffold.record import ANSWERS_FILE, Record
from genai_scaffold.template import Value

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
class Plan:
    """What will be merged into which project; nothing is rendered yet.

    Args:
        project: its directory.
        record: what it was generated from.
        answers: what it will be generated from.
        directory: where in its repository it lies.
        edits: the answers that change.
        unanswered: the keys of what only today's template asks.
        base: a commit that has the project as it was generated, if the user named one.
        notes: what else is worth saying.
    """

    project: Path
    record: Record
    answers: Answers
    directory: str
    edits: tuple[Edit, ...]
    unanswered: tuple[str, ...]
    base: str | None
    notes: tuple[str, ...]

    @property
    def is_current(self) -> bool:
        """Whether the project is what it would be made as now."""
        unedited = not self.edits and self.base is None
        return unedited and self.record.version == template.version()


class Ignored(NamedTuple):
    """A file that the template changed, and git does not keep here.

    Args:
        path: of the file.
        rule: which says that; none where it is in a submodule.
        is_written: whether it was merged all the same, as git merges what is new to a branch.
    """

    path: str
    rule: str
    is_written: bool


@dataclass(frozen=True)
class Outcome:
    """What a merge changed, or would change.

    Args:
        plan: what was merged.
        changes: file by file; those in conflict are among them.
        conflicts: what the user has to decide.
        kept_deleted: what the template changed, and stays deleted.
        ignored: what the template changed, and git ignores or keeps in a submodule.
        handwork: what the merge cannot do.
        compiling: the commands that complete the lock files, which have something of the user's.
        diff: the changes as text, of a preview.
        undo: the command that takes all of it back.
    """

    plan: Plan
    changes: tuple[Change, ...]
    conflicts: tuple[Conflict, ...]
    kept_deleted: tuple[str, ...]
    ignored: tuple[Ignored, ...]
    handwork: Handwork
    compiling: tuple[str, ...]
    diff: str
    undo: tuple[str, ...]


def plan(project: Path, wish: Wish, base: str | None = None) -> Plan:
    """Decide what a project will be generated from.

    Args:
        project: its directory.
        wish: the answers to change.
        base: a commit that has the project as it was generated.

    Raises:
        UsageError: the project or an answer is not accepted.
    """
    with _explained(project):
        recorded = record.read(project)
        generated = recorded if base else origin.generated(project, recorded)
    given = _checked(wish.answers)
    resolved = answers.resolve({**recorded.given, **given}, recommended="")
    before = generated.recorded
    edits = [
        Edit(key, before.get(key), resolved[key])
        for key in answers.project_fields()
        if before.get(key) != resolved[key]
    ]
    directory = git.below_root(project.resolve())
    if directory != recorded.directory:
        edits.append(Edit("directory", recorded.directory or ".", directory or "."))
    unanswered = [edit.key for edit in edits if edit.before is None and edit.key not in given]
    gone = [
        f"{key}: {', '.join(values)} is not offered any more, and is left out."
        for key, values in recorded.unknown.items()
    ]
    if by_hand := [edit.key for edit in edits if recorded.recorded.get(edit.key) != edit.before]:
        gone.append(f"Changed by hand in {ANSWERS_FILE}, and merged now: {', '.join(by_hand)}.")
    return Plan(
        project=project,
        record=generated,
        answers=resolved,
        directory=directory,
        edits=tuple(edits),
        unanswered=tuple(unanswered),
        base=base,
        notes=(*wish.already, *gone, *_offer(edits, {**recorded.given, **given}), *resolved.notes),
    )


def _offer(edits: Sequence[Edit], given: Givens) -> tuple[str, ...]:
    """What a new project of the preset would have, where the preset changes."""
    if not any(edit.key == "preset" for edit in edits):
        return ()
    resolved = answers.resolve(given, recommended="")
    unlisted = {key: value for key, value in given.items() if key not in LISTS}
    fresh = answers.resolve(unlisted, recommended="")
    more = [
        name for key in LISTS for name in _names(fresh[key]) if name not in _names(resolved[key])
    ]
    add = f"`genai-scaffold add {' '.join(more)}`"
    offer = f"A new {fresh['preset']} has {', '.join(more)}, too: {add}."
    return (f"{offer} `genai-scaffold list` shows what else there is.",) if more else ()


def unanswered(planned: Plan) -> UsageError:
    """Say what today's template asks, where nobody can be asked."""
    said = [word for key in planned.unanswered for word in ("--set", f"{key}=…")]
    return UsageError(
        f"{planned.project} has no answer to {', '.join(planned.unanswered)}",
        why="the template asks that since it was made, and there is no terminal to ask on",
        fix=f"--yes takes the defaults; or update with {' '.join(said)}",
    )


def frameworks() -> list[str]:
    """What a project can be switched to."""
    return [name for name in answers.fields()["framework"].values if name != answers.AUTO]


def switching(project: Path, framework: str) -> Wish:
    """The answers of a project with another framework."""
    if framework not in frameworks():
        meant = closest(framework, frameworks())
        raise UsageError(
            f"{framework!r} is no framework to switch to",
            why=f"there are {', '.join(frameworks())}",
            fix=f"did you mean {meant}?" if meant else "name one of them",
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
    lists = {name: _list_of(name) for name in unwanted}
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
    return [name for key in LISTS for name in _current(project, key)]


def preview(planned: Plan) -> Outcome:
    """Merge where it is thrown away; nothing of the user's is touched."""
    return _merged(planned, apply=False)


def apply(planned: Plan) -> Outcome:
    """Merge into the project, staged and not committed; all of it, or nothing.

    Raises:
        ScaffoldError: it could not be merged, and the project is as it was.
    """
    return _merged(planned, apply=True)


def _checked(given: Givens) -> dict[str, Given]:
    """Check the framework, the name and the texts among the answers."""
    if "framework" in given and given["framework"].value == answers.AUTO:
        raise UsageError(
            "A project needs a framework, and auto is none",
            why="its recommendation was made when it was created",
            fix="see `genai-scaffold recommend`, and name the one you want",
        )
    checked = answers.with_texts(given)
    if name := given.get("name"):
        value = names.check_name(str(name.value), fix="--set name={}")
        checked["name"] = name._replace(value=value)
    return checked


def _offered() -> dict[str, str]:
    """Each feature and deploy target, and which list it belongs to."""
    return {
        value: key
        for key in LISTS
        for value in answers.fields()[key].values
        if value != answers.NONE
    }


def _list_of(name: str) -> str:
    """Which list a feature or deploy target belongs to."""
    offered = _offered()
    if name not in offered:
        meant = closest(name, offered)
        raise UsageError(
            f"{name!r} is neither a feature nor a deploy target",
            why=f"there are {', '.join(offered)}",
            fix=_meant(name, meant),
        )
    return offered[name]


def _meant(name: str, closest: str | None) -> str:
    if closest:
        return f"did you mean {closest}?"
    if Path(name).is_dir():
        return f"the project that it is meant for: --project {shlex.quote(name)}"
    return "`genai-scaffold list` explains them all"


def _current(project: Path, key: str) -> tuple[str, ...]:
    return _names(_recorded(project).get(key))


def _names(value: Value | None) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _recorded(project: Path) -> Mapping[str, Value]:
    with _explained(project):
        return record.read(project).recorded


@contextlib.contextmanager
def _explained(project: Path) -> Iterator[None]:
    """Turn what the file system says into one of our errors."""
    try:
        yield
    except OSError as error:
        raise EnvironmentFailure(
            f"{project} cannot be updated; it is as it was",
            why=f"{error.strerror or error} ({error.filename or project})",
            fix="make room, or change the permissions of what is named",
        ) from error


def _merged(planned: Plan, *, apply: bool) -> Outcome:
    with _explained(planned.project):
        return _merged_into(planned, apply=apply)


def _merged_into(planned: Plan, *, apply: bool) -> Outcome:
    here = merge.place(planned.project, ANSWERS_FILE)
    undo = tuple(here.undo)
    if planned.is_current:
        if apply:
            kept.keep(here.project)
        return Outcome(planned, (), (), (), (), Handwork((), ()), (), "", undo)
    temporary = Path(tempfile.gettempdir())
    with staging.directory(temporary, "genai-scaffold") as stage, render.source() as current:
        old, new = stage / "old", stage / "new"
        base: Path | Snapshot = old
        _render_old(planned, here, current, old)
        _render_new(planned, current, new)
        _keep_own_answers(here, old, new)
        _leave_to_the_user(here, old, new)
        if planned.base is not None:
            base = origin.snapshot(planned.base, here, planned.record, old, new)
        ignored = _leave_out_ignored(here, base, old, new)
        locks = _merge_requirements(here, old, new) if base == old else ()
        name = f"genai-scaffold-{template.version()}"
        theirs = merge.Template(new, name, ANSWERS_FILE, template.moved())
        with merge.three_way(here, base, theirs) as merged:
            places = (new, merged.work, here.project)
            left = handwork.find(old, *places)
            unread = handwork.find_variables(_unread(planned), *places, merged.conflicts)
            outcome = Outcome(
                plan=planned,
                changes=merged.changes,
                conflicts=merged.conflicts,
                kept_deleted=merged.kept_deleted,
                ignored=tuple(_that_matter(ignored, merged.changes)),
                handwork=Handwork(left.uses + unread.uses, left.settings + unread.settings),
                compiling=locks,
                diff="" if apply else merged.diff(),
                undo=undo,
            )
            if apply:
                kept.keep(here.project)
                merged.apply()
            else:
                merged.refuse_what_is_in_the_way()
            return outcome


def _merge_requirements(here: Place, old: Path, new: Path) -> tuple[str, ...]:
    """Give the renderings the user's lock files, so that git finds them merged already.

    Returns:
        The commands that complete them.
    """
    commands = []
    for path in requirements.FILES:
        ours = merge.committed(here, path)
        base, theirs = (_text(rendering / path) for rendering in (old, new))
        if not (ours and base and theirs) or base in (ours, theirs):
            continue
        merged = requirements.merge(base, ours, theirs)
        if merged is not None:
            for rendering, text in ((old, ours), (new, merged)):
                (rendering / path).write_bytes(text.encode("utf-8", "surrogateescape"))
            commands.append(requirements.command(theirs))
    return tuple(command for command in commands if command)


def _text(file: Path) -> str:
    return file.read_bytes().decode() if file.is_file() else ""


def _unread(planned: Plan) -> tuple[str, ...]:
    """With which prefixes the variables begin that only the server of before has read."""
    read = {framework.key: framework.variables for framework in criteria.load().frameworks}
    edits = [edit for edit in planned.edits if edit.key == "framework"]
    return tuple(
        prefix
        for edit in edits
        for prefix in read.get(str(edit.before), ())
        if prefix not in read.get(str(edit.after), ())
    )


def _render_old(planned: Plan, here: Place, current: Path, destination: Path) -> None:
    """Render what the project was made from; or, of an unknown version, what it would be now."""
    made, source = planned.record.version, current
    if planned.base is None:
        template_ = destination.with_name("old-template")
        source = origin.source(here.project, made, current, template_)
    elif origin.is_known(here.project, made):
        raise UsageError(
            f"--base {planned.base} is not needed",
            why=f"the template of {made} is at hand, and says better what was generated",
            fix="leave --base out",
        )
    origin.render_from(source, planned.record, planned.project, destination)


def _keep_own_answers(here: Place, old: Path, new: Path) -> None:
    """Let the new rendering of the answers file have what else the user's has."""
    own, before, after = (
        (root / ANSWERS_FILE).read_text("utf-8") for root in (here.project, old, new)
    )
    (new / ANSWERS_FILE).write_text(record.merged(own, before, after), "utf-8")


def _render_new(planned: Plan, current: Path, destination: Path) -> None:
    given = {**planned.answers.for_template(), "directory": planned.directory}
    data = origin.data(planned.record, given, template.version())
    render.render_from(current, destination, data)
    verify.refuse_unsound(destination, (*planned.answers.texts(), planned.directory))


def _leave_to_the_user(here: Place, *renderings: Path) -> None:
    """Take out of the renderings what is the user's since it was made."""
    for path in template.left_to_the_user():
        if os.path.lexists(here.project / path):
            for rendering in renderings:
                (rendering / path).unlink(missing_ok=True)


def _leave_out_ignored(
    here: Place, base: Path | Snapshot, *renderings: Path
) -> tuple[Ignored, ...]:
    """Take out of the renderings what git does not keep here; name what would have changed.

    What only the new one has stays in it: other files need it, and git merges it, too.
    """
    known = base.paths if isinstance(base, Snapshot) else frozenset(render.files(base))
    paths = sorted({path for rendering in renderings for path in render.files(rendering)})
    ignored = []
    for path, rule in merge.elsewhere(here, paths).items():
        found = [rendering / path for rendering in renderings]
        is_new = bool(rule) and path not in known
        contents = {file.read_bytes() if file.exists() else None for file in found}
        if is_new or len(contents) > 1:
            ignored.append(Ignored(path, rule, is_new))
        for file in () if is_new else found:
            file.unlink(missing_ok=True)
    return tuple(ignored)


def _that_matter(ignored: Iterable[Ignored], changes: Iterable[Change]) -> Iterator[Ignored]:
    changed = {change.path for change in changes}
    return (file for file in ignored if file.path in changed or not file.is_written)
