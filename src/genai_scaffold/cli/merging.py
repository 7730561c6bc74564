"""The commands `update`, `switch`, `add` and `remove`."""

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genai_scaffold.cli.options import (
    Base,
    Json,
    Named,
    Plain,
    Preview,
    ProjectPath,
    Quiet,
    Set,
    Verbose,
    Yes,
    extra_names,
    offering,
)
from genai_scaffold.cli.shared import CONFLICT, can_ask, found_project, noting

if TYPE_CHECKING:
    from genai_scaffold.report.output import Output
    from genai_scaffold.update.plan import Update
    from genai_scaffold.update.wishes import Wish


def update(
    path: ProjectPath = Path(),
    set_: Set = None,
    dry_run: Preview = False,
    base: Base = None,
    yes: Yes = False,
    plain: Plain = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Merge what changed in the template since the project was made."""
    from genai_scaffold.answers.sources import from_settings
    from genai_scaffold.report.output import Output
    from genai_scaffold.update.wishes import Wish

    output = Output(json=json, quiet=quiet, plain=plain)
    wish = Wish(from_settings(set_ or []))
    _merge(found_project(path, output), wish, base, output, dry_run=dry_run, yes=yes)


def _frameworks() -> Iterable[str]:
    from genai_scaffold.update.wishes import frameworks

    return frameworks()


def switch(
    framework: Annotated[
        str,
        typer.Argument(
            help="The framework to have.",
            metavar="fastapi|flask",
            show_default=False,
            autocompletion=offering(_frameworks),
        ),
    ],
    path: ProjectPath = Path(),
    dry_run: Preview = False,
    base: Base = None,
    yes: Yes = False,
    plain: Plain = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Change the framework of a project: your own changes are merged."""
    from genai_scaffold.report.output import Output
    from genai_scaffold.update.wishes import switching

    output = Output(json=json, quiet=quiet, plain=plain)
    project = found_project(path, output)
    wish = switching(project, framework)
    _merge(project, wish, base, output, dry_run=dry_run, yes=yes)


def _addable() -> Iterable[str]:
    from genai_scaffold.project.record import find_project
    from genai_scaffold.update.wishes import addable

    return addable(find_project(Path()))


def _removable() -> Iterable[str]:
    from genai_scaffold.project.record import find_project
    from genai_scaffold.update.wishes import removable

    return removable(find_project(Path()))


def add(
    names: Annotated[list[str], extra_names(_addable)],
    path: Named = Path(),
    dry_run: Preview = False,
    base: Base = None,
    yes: Yes = False,
    plain: Plain = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Add features or deploy targets to a project."""
    from genai_scaffold.report.output import Output
    from genai_scaffold.update.wishes import adding

    output = Output(json=json, quiet=quiet, plain=plain)
    project = found_project(path, output)
    wish = adding(project, _separate(names))
    _merge(project, wish, base, output, dry_run=dry_run, yes=yes)


def remove(
    names: Annotated[list[str], extra_names(_removable)],
    path: Named = Path(),
    dry_run: Preview = False,
    base: Base = None,
    yes: Yes = False,
    plain: Plain = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Remove features or deploy targets from a project."""
    from genai_scaffold.report.output import Output
    from genai_scaffold.update.wishes import removing

    output = Output(json=json, quiet=quiet, plain=plain)
    project = found_project(path, output)
    wish = removing(project, _separate(names))
    _merge(project, wish, base, output, dry_run=dry_run, yes=yes)


def _separate(names: Iterable[str]) -> list[str]:
    """Names with blanks or commas between them, as `--feature` takes them."""
    return [name for word in names for name in word.split(",") if name]


def _merge(
    project: Path,
    wish: "Wish",
    base: str | None,
    output: "Output",
    *,
    dry_run: bool,
    yes: bool,
) -> None:
    """Merge changed answers, and today's template, into a project."""
    from genai_scaffold.answers.spelling import shell_line
    from genai_scaffold.report.merged import show_outcome
    from genai_scaffold.update.plan import plan_update
    from genai_scaffold.update.project import apply_update, preview_update

    with contextlib.suppress(FileNotFoundError):
        project = project.absolute()  # while that can be told: the merge may delete where we are
    planned = plan_update(project, wish, base)
    if planned.unanswered and not yes:
        planned = plan_update(project, _completed(planned, wish, output), base)
    with output.progress() as progress:
        progress("Merging")
        result = preview_update(planned) if dry_run else apply_update(planned)
    note = f"The merge is complete. To take it back: {shell_line(list(result.undo))}"
    changed = result.changes and not dry_run
    with noting(note) if changed else contextlib.nullcontext():
        show_outcome(result, output, dry_run=dry_run)
    if result.conflicts and not dry_run:
        raise typer.Exit(CONFLICT)


def _completed(planned: "Update", wish: "Wish", output: "Output") -> "Wish":
    """Ask what only today's template asks; few updates need what asks."""
    from genai_scaffold.update.plan import unanswered_questions
    from genai_scaffold.wizard.conversation import complete_answers
    from genai_scaffold.wizard.prompts import choose_prompter

    if not can_ask(None):
        raise unanswered_questions(planned)
    current = {key: planned.answers[key] for key in planned.unanswered}
    prompter = choose_prompter(plain=output.plain)
    answered = complete_answers(planned.unanswered, current, prompter)
    return wish._replace(answers={**wish.answers, **answered})
