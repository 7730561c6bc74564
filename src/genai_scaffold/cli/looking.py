"""The commands `list`, `check` and `doctor`."""

from pathlib import Path
from typing import Annotated

import typer

from genai_scaffold.cli.options import Exclude, Json, ProjectPath, Quiet, Verbose, offering
from genai_scaffold.cli.shared import FAILED, MISSING, found_project
from genai_scaffold.errors import MisspeltError


def list_kinds() -> list[str]:
    from genai_scaffold.answers.fields import LISTED_AS

    return [*LISTED_AS.values(), "needs"]


def list_(
    kind: Annotated[
        str | None,
        typer.Argument(
            autocompletion=offering(list_kinds),
            help="frameworks, presets, providers, features, deploy, needs, licenses or pythons.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """List what can be chosen."""
    from genai_scaffold.report.lists import show_list
    from genai_scaffold.report.output import Output

    if kind is not None and kind not in list_kinds():
        raise MisspeltError(
            f"There is no list of {kind!r}",
            why=f"the lists are {', '.join(list_kinds())}",
            fix="leave it out to see them all",
        )
    show_list(kind, Output(json=json))


def check(
    path: ProjectPath = Path(),
    exclude: Exclude = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Verify a project offline: files parse, deploy files agree with the app."""
    from genai_scaffold.check.checks import check_project
    from genai_scaffold.project.workspace import workspace_around
    from genai_scaffold.report.lists import SOUND, TOGETHER, show_findings
    from genai_scaffold.report.output import Output

    output = Output(json=json, quiet=quiet)
    project = found_project(path, output)
    found = check_project(project, exclude or ())
    root = project.resolve()
    praise = TOGETHER if workspace_around(root) == root else SOUND
    show_findings(str(project), found, output, praise)
    if any(finding.is_error for finding in found):
        raise typer.Exit(FAILED)


def doctor(json: Json = False, verbose: Verbose = False) -> None:
    """Examine this machine: what works, and how to fix the rest."""
    from genai_scaffold.check.machine import examine_machine
    from genai_scaffold.report.lists import show_diagnoses
    from genai_scaffold.report.output import Output

    found = examine_machine()
    show_diagnoses(found, Output(json=json))
    if any(diagnosis.required and not diagnosis.works for diagnosis in found):
        raise typer.Exit(MISSING)
