"""Creates a project: all of it, or nothing."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from genai_scaffold.answers.files import to_file
from genai_scaffold.answers.spelling import shell_line
from genai_scaffold.create.destination import (
    destination_at,
    entries_of_a_clone,
    explained_writes,
    parents_made,
    refuse_what_a_clone_has,
    staged_beside,
    unwritable,
)
from genai_scaffold.create.moving import move_into_place
from genai_scaffold.create.placement import check_placement
from genai_scaffold.create.plan import Plan
from genai_scaffold.create.repository import keep_for_updates, make_repository
from genai_scaffold.errors import EnvironmentFailure, OccupiedError, UsageError
from genai_scaffold.project.neighbours import refuse_a_namesake
from genai_scaffold.project.soundness import refuse_unsound
from genai_scaffold.project.workspace import workspace_around
from genai_scaffold.system.git import ignored_paths
from genai_scaffold.system.paths import first_of
from genai_scaffold.system.staging import staged_directory, sweep_stages
from genai_scaffold.template.render import render_project

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Created:
    """A finished project."""

    plan: Plan
    files: tuple[str, ...]
    notes: tuple[str, ...]
    repository: bool


def planned_files(planned: Plan) -> tuple[str, ...]:
    """Render the project where it is thrown away, and list its files.

    Raises:
        DestinationError: the real thing would find something in its way.
    """
    _check_place(planned)
    with (
        explained_writes(planned.destination),
        staged_directory(Path(tempfile.gettempdir()), "genai-scaffold") as stage,
    ):
        return _rendered(planned, stage / planned.destination.name)


def create_project(
    planned: Plan, *, git: bool | None = None, progress: Progress = lambda _: None
) -> Created:
    """Create the project: all of it, or nothing.

    Args:
        planned: what to create, and where.
        git: True insists on a repository, False wants none, None takes one if it is possible.
        progress: told what is being done.

    Raises:
        ScaffoldError: it could not be created, and the destination is as it was.
    """
    destination = planned.destination
    with explained_writes(destination):
        if destination.is_dir() and not destination.is_symlink():
            sweep_stages(destination)
    _check_place(planned)
    notes = list(planned.answers.notes)
    with staged_beside(destination) as stage:
        project = stage / destination.name
        progress("Rendering")
        files = _rendered(planned, project)
        progress("Setting up git")
        repository, remarks = make_repository(project, destination, git)
        around = workspace_around(destination)
        notes += [_is_found_by(around)] if around else remarks
        if planned.place and not around:
            notes += _belongs_to_the_root(planned)
        is_shared = bool(planned.place or entries_of_a_clone(destination))
        progress("Moving it into place")
        with parents_made(destination.parent):
            move_into_place(project, destination, among=planned.answers.is_workspace)
    notes += _left_out(destination, files) if is_shared else ()
    if git is not False:
        keep_for_updates(destination)
    return Created(planned, files, tuple(notes), repository)


@contextlib.contextmanager
def saved_answers(planned: Plan, path: Path | None) -> Iterator[None]:
    """Write the answers to a new file, and take it away again if what follows fails.

    Raises:
        UsageError: the file would be in the project's own directory.
        DestinationError: there is a file of that name.
    """
    if path is None:
        yield
        return
    if destination_at(str(path)).is_relative_to(planned.destination):
        raise UsageError(
            f"--save-answers {path} is inside the project",
            why="its directory has to be empty until it is complete",
            fix="save them elsewhere, and move the file afterwards",
        )
    try:
        file = path.open("x", encoding="utf-8")
    except FileExistsError:
        raise OccupiedError(
            f"{path} is in the way",
            why="there is a file of that name",
            fix="choose another name for --save-answers",
            taken=destination_at(str(path)),
        ) from None
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        with file, explained_writes(path):
            file.write(to_file(planned.answers))
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _rendered(planned: Plan, project: Path) -> tuple[str, ...]:
    """Render into a directory and verify the result."""
    recommendation = planned.recommendation.as_dict()
    files = render_project(project, planned.for_template(), recommendation)
    refuse_unsound(project, (*planned.answers.texts(), planned.place))
    refuse_what_a_clone_has(planned.destination, files)
    return files


def _check_place(planned: Plan) -> None:
    """Refuse a place where something is in the way, or where it would not work."""
    check_placement(planned.directory, workspace=planned.answers.is_workspace)
    if planned.place:
        refuse_a_namesake(planned.destination, planned.answers.text("name"), "--name ")


def _is_found_by(workspace: Path) -> str:
    update = shell_line(["genai-scaffold", "update", str(workspace)])
    return (
        f"The workspace finds it by its place. To list it there, and then to commit both: {update}"
    )


def _belongs_to_the_root(planned: Plan) -> tuple[str, ...]:
    """What a project below a repository's root leaves to the root."""
    features = planned.answers["feature"]
    if not (isinstance(features, tuple) and "ci" in features):
        return ()
    note = f"GitHub reads .github/ at a repository's root alone, so {planned.place} has none"
    return (f"{note}: its README says what a job there runs.",)


def _left_out(project: Path, files: tuple[str, ...]) -> tuple[str, ...]:
    """What the rules of a repository that was there keep out of it."""
    try:
        rules = ignored_paths(project, files)
    except EnvironmentFailure:  # without git nothing is kept at all
        return ()
    if not rules:
        return ()
    found = first_of(dict.fromkeys(rules.values()))
    note = (
        f"The repository ignores {len(rules)} of the project's {len(files)} files, and a commit "
        f"would lack them: {found}. Change these rules, or say git add --force."
    )
    return (note,)
