"""Updates a project: renders what it was made from and what it would be, and merges the change."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from genai_scaffold.errors import SpareError
from genai_scaffold.merge.change import Change, Conflict, Snapshot
from genai_scaffold.merge.place import Place, committed_text, kept_elsewhere
from genai_scaffold.merge.refusals import find_place
from genai_scaffold.merge.requirements import (
    REQUIREMENTS_FILES,
    compile_command,
    merge_requirements,
)
from genai_scaffold.merge.three_way import Template, three_way
from genai_scaffold.project.answers_file import merge_answers_files
from genai_scaffold.project.record import ANSWERS_FILE
from genai_scaffold.project.soundness import refuse_unsound
from genai_scaffold.recommendation.criteria import load_criteria
from genai_scaffold.system.staging import staged_directory
from genai_scaffold.template.packaged import moved_files, template_version
from genai_scaffold.template.questions import left_to_the_user
from genai_scaffold.template.render import generated_files, render_from, template_source
from genai_scaffold.template.unreleased import keep_template
from genai_scaffold.update.code import defined_in, names_taken_from
from genai_scaffold.update.leftovers import Leftovers, find_leftovers, find_variables
from genai_scaffold.update.origin import (
    is_known,
    original_template,
    render_recorded,
    snapshot_of,
    template_data,
)
from genai_scaffold.update.plan import Update
from genai_scaffold.update.uses import same_content
from genai_scaffold.update.wishes import explained_failures


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
        leftovers: what the merge cannot do.
        compiling: the commands that complete the lock files, which have something of the user's.
        diff: the changes as text, of a preview.
        undo: the command that takes all of it back.
    """

    plan: Update
    changes: tuple[Change, ...]
    conflicts: tuple[Conflict, ...]
    kept_deleted: tuple[str, ...]
    ignored: tuple[Ignored, ...]
    leftovers: Leftovers
    compiling: tuple[str, ...]
    diff: str
    undo: tuple[str, ...]


def preview_update(planned: Update) -> Outcome:
    """Merge where it is thrown away; nothing of the user's is touched."""
    return _merged(planned, apply=False)


def apply_update(planned: Update) -> Outcome:
    """Merge into the project, staged and not committed; all of it, or nothing.

    Raises:
        ScaffoldError: it could not be merged, and the project is as it was.
    """
    return _merged(planned, apply=True)


def _merged(planned: Update, *, apply: bool) -> Outcome:
    with explained_failures(planned.project):
        return _merged_into(planned, apply=apply)


def _merged_into(planned: Update, *, apply: bool) -> Outcome:
    here = find_place(planned.project, ANSWERS_FILE)
    undo = tuple(here.undo)
    if planned.is_current:
        if apply and not planned.is_so:
            keep_template(here.project)
        return Outcome(planned, (), (), (), (), Leftovers((), ()), (), "", undo)
    temporary = Path(tempfile.gettempdir())
    with staged_directory(temporary, "genai-scaffold") as stage, template_source() as current:
        old, new = stage / "old", stage / "new"
        base: Path | Snapshot = old
        _render_old(planned, here, current, old)
        _render_new(planned, current, new)
        _keep_own_answers(here, old, new)
        _leave_to_the_user(planned, here, old, new)
        if planned.base is not None:
            base = snapshot_of(planned.base, here, planned.record, old, new)
        ignored = _leave_out_ignored(here, base, old, new)
        locks = _merge_requirements(here, old, new) if base == old else ()
        name = f"genai-scaffold-{template_version()}"
        theirs = Template(new, name, ANSWERS_FILE, moved_files())
        with three_way(here, base, theirs) as merged:
            places = (new, merged.work, here.project)
            left = find_leftovers(old, *places)
            unread = find_variables(_unread(planned), *places, merged.conflicts)
            outcome = Outcome(
                plan=planned,
                changes=merged.changes,
                conflicts=merged.conflicts,
                kept_deleted=merged.kept_deleted,
                ignored=tuple(_that_matter(ignored, merged.changes)),
                leftovers=Leftovers(left.uses + unread.uses, left.settings + unread.settings),
                compiling=locks,
                diff="" if apply else merged.diff(),
                undo=undo,
            )
            if apply:
                keep_template(here.project)
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
    for path in REQUIREMENTS_FILES:
        ours = committed_text(here, path)
        base, theirs = (_text(rendering / path) for rendering in (old, new))
        if not (ours and base and theirs) or base in (ours, theirs):
            continue
        merged = merge_requirements(base, ours, theirs)
        if merged is not None:
            for rendering, text in ((old, ours), (new, merged)):
                (rendering / path).write_bytes(text.encode("utf-8", "surrogateescape"))
            commands.append(compile_command(theirs))
    return tuple(command for command in commands if command)


def _text(file: Path) -> str:
    return file.read_bytes().decode() if file.is_file() else ""


def _unread(planned: Update) -> tuple[str, ...]:
    """With which prefixes the variables begin that only the server of before has read."""
    read = {framework.key: framework.variables for framework in load_criteria().frameworks}
    edits = [edit for edit in planned.edits if edit.key == "framework"]
    return tuple(
        prefix
        for edit in edits
        for prefix in read.get(str(edit.before), ())
        if prefix not in read.get(str(edit.after), ())
    )


def _render_old(planned: Update, here: Place, current: Path, destination: Path) -> None:
    """Render what the project was made from; or, of an unknown version, what it would be now."""
    made, source = planned.record.version, current
    if planned.base is None:
        template = destination.with_name("old-template")
        source = original_template(here.project, made, current, template)
    elif is_known(here.project, made):
        raise SpareError(
            f"--base {planned.base} is not needed",
            why=f"the template of {made} is at hand, and says better what was generated",
            fix="leave --base out",
            spare=("--base", planned.base),
        )
    render_recorded(source, planned.record, planned.project, destination)


def _keep_own_answers(here: Place, old: Path, new: Path) -> None:
    """Let the new rendering of the answers file have what else the user's has."""
    own, before, after = (
        (root / ANSWERS_FILE).read_text("utf-8") for root in (here.project, old, new)
    )
    (new / ANSWERS_FILE).write_text(merge_answers_files(own, before, after), "utf-8")


def _render_new(planned: Update, current: Path, destination: Path) -> None:
    given = {**planned.answers.for_template(), **planned.seen}
    data = template_data(planned.record, given, template_version())
    render_from(current, destination, data)
    refuse_unsound(destination, (*planned.answers.texts(), *map(str, planned.seen.values())))


def _leave_to_the_user(planned: Update, here: Place, old: Path, new: Path) -> None:
    """Let the renderings change nothing in what is the user's since it was made.

    What only happens to have such a file's name does not have what others import from it: git says
    that both have added it.
    """
    for path in left_to_the_user():
        own = here.project / path
        if not os.path.lexists(own):
            continue
        is_removed = not (new / path).exists()
        if is_removed and own.is_file() and same_content(old / path, own):
            continue  # it goes with what it belongs to, since nobody has written in it
        if planned.base is None and (old / path).is_file():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            # What was generated in it is known so from the user's own lines.
            shutil.copyfile(old / path, new / path)
        elif names_taken_from(new, path) <= defined_in(own):
            for rendering in (old, new):
                (rendering / path).unlink(missing_ok=True)


def _leave_out_ignored(
    here: Place, base: Path | Snapshot, *renderings: Path
) -> tuple[Ignored, ...]:
    """Take out of the renderings what git does not keep here; name what would have changed.

    What only the new one has stays in it: other files need it, and git merges it, too.
    """
    known = base.paths if isinstance(base, Snapshot) else frozenset(generated_files(base))
    paths = sorted({path for rendering in renderings for path in generated_files(rendering)})
    ignored = []
    for path, rule in sorted(kept_elsewhere(here, paths).items()):
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
