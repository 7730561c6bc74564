"""The commands `new` and `recommend`."""

import os
from typing import TYPE_CHECKING

import typer

from genai_scaffold.cli.options import (
    AnswersFile,
    AppKind,
    AskNothing,
    Async,
    Author,
    Deploy,
    Description,
    Directory,
    Docs,
    Extensions,
    Feature,
    FrameworkName,
    Git,
    Hosting,
    Install,
    Json,
    License,
    ListOnly,
    Name,
    NumberedLinesOnly,
    Preset,
    Provider,
    Python,
    Quiet,
    SaveAnswers,
    Scale,
    Team,
    Validation,
    Verbose,
    WholeReasons,
    answered,
    flags_given,
)
from genai_scaffold.cli.shared import can_ask, noting
from genai_scaffold.errors import InstallError, SpareError, UsageError

if TYPE_CHECKING:
    from genai_scaffold.answers.given import Givens
    from genai_scaffold.report.output import Output


def new(
    context: typer.Context,
    directory: Directory = None,
    async_: Async = None,
    docs: Docs = None,
    validation: Validation = None,
    scale: Scale = None,
    team: Team = None,
    app_kind: AppKind = None,
    extensions: Extensions = None,
    hosting: Hosting = None,
    framework: FrameworkName = None,
    preset: Preset = None,
    name: Name = None,
    description: Description = None,
    author: Author = None,
    provider: Provider = None,
    feature: Feature = None,
    deploy: Deploy = None,
    license_: License = None,
    python: Python = None,
    answers_file: AnswersFile = None,
    save_answers: SaveAnswers = None,
    yes: AskNothing = False,
    dry_run: ListOnly = False,
    git: Git = None,
    install: Install = None,
    plain: NumberedLinesOnly = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Create a project."""
    from genai_scaffold.create.install import install_dependencies
    from genai_scaffold.create.plan import plan_project
    from genai_scaffold.create.project import create_project, planned_files, saved_answers
    from genai_scaffold.create.serving import can_serve, serve_project
    from genai_scaffold.report.created import show_created, show_dry_run, show_running
    from genai_scaffold.report.output import Output
    from genai_scaffold.wizard.conversation import INSTALL_AND_START, START, ask_for_plan
    from genai_scaffold.wizard.prompts import choose_prompter

    output = Output(json=json, quiet=quiet, plain=plain)
    given = _given(context, answers_file, output)
    if yes:
        plan = plan_project(given, directory)
    elif can_ask(answers_file):
        offered = install is not False and not (json or quiet) and can_serve()
        offer = (START if install else INSTALL_AND_START) if offered else ""
        prompter = choose_prompter(plain=plain)
        plan = ask_for_plan(given, directory, prompter, confirm=not dry_run, offer=offer)
    else:
        raise _nobody_to_ask(given, directory, flags_given(context))
    if install and plan.answers.is_workspace:
        raise _nothing_to_install()
    if dry_run:
        show_dry_run(plan, planned_files(plan), output)
        return
    with saved_answers(plan, save_answers), output.progress() as progress:
        created = create_project(plan, git=git, progress=progress)
    installed = False
    with noting("The project is complete and kept."):
        try:
            if install or plan.start:
                with output.progress() as progress:
                    progress("Installing the dependencies")
                    install_dependencies(plan.destination, plan.directory)
                installed = True
            if plan.start:
                framework = plan.answers.text("framework")
                serve_project(plan.destination, framework, lambda url: show_running(plan, url))
        except InstallError:
            show_created(created, output, installed=installed)
            raise
        show_created(created, output, installed=installed)


def recommend(
    context: typer.Context,
    async_: Async = None,
    docs: Docs = None,
    validation: Validation = None,
    scale: Scale = None,
    team: Team = None,
    app_kind: AppKind = None,
    extensions: Extensions = None,
    hosting: Hosting = None,
    answers_file: AnswersFile = None,
    json: Json = False,
    verbose: WholeReasons = False,
) -> None:
    """Recommend a framework, with the reasons; write nothing."""
    from genai_scaffold.answers.resolution import settle, sources_of
    from genai_scaffold.report.output import Output
    from genai_scaffold.report.recommended import show_recommendation

    output = Output(json=json)
    given = _given(context, answers_file, output)
    # Whatever framework was asked for: what the needs speak for.
    settled = settle({key: answer for key, answer in given.items() if key != "framework"})
    sources = sources_of(settled.implied)
    show_recommendation(settled.recommendation, sources, output, verbose=verbose)


def _given(context: typer.Context, file: str | None, output: "Output") -> "Givens":
    """The answers from all sources; a variable that looks misspelt is named."""
    from genai_scaffold.answers.sources import from_flags, gather, misspelt_variables

    given = gather(from_flags(answered(context)), file, os.environ)
    for variable, meant in misspelt_variables(os.environ).items():
        output.note(f"{variable} is not a variable of genai-scaffold; did you mean {meant}?")
    return given


def _nothing_to_install() -> SpareError:
    return SpareError(
        "--install is nothing for a workspace",
        why="each of its services has an environment of its own",
        fix="leave it out, and say it of a service, such as services/chat",
        spare=("--install",),
    )


def _nobody_to_ask(given: "Givens", directory: str | None, others: list[str]) -> UsageError:
    from genai_scaffold.answers.spelling import shell_line
    from genai_scaffold.create.plan import plan_project

    plan = plan_project(given, directory)
    return UsageError(
        "Nothing was created: questions cannot be asked",
        why="there is no terminal, and --yes was not given",
        fix=f"run `{shell_line([*plan.command, *others])}`",
    )
