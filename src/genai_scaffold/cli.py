"""The command line: parses, calls one function, shows its result, and owns the exit codes."""

import contextlib
import errno
import gc
import math
import os
import shlex
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperOption

from genai_scaffold import __version__, signals, streams
from genai_scaffold.errors import (
    EnvironmentFailure,
    InstallError,
    ScaffoldError,
    UsageError,
    closest,
)

if TYPE_CHECKING:
    from genai_scaffold.answers import Givens
    from genai_scaffold.help_page import Flag
    from genai_scaffold.mistakes import Command
    from genai_scaffold.report import Output
    from genai_scaffold.update import Wish

PROGRAM = "genai-scaffold"

BUG, USAGE, CONFLICT, MISSING, FAILED = 1, 2, 3, 4, 5

# Of objects more before the collector looks: a command keeps nearly all that it makes to its end.
GARBAGE = 100_000

# What a command that needs a word could be given.
EXAMPLES = {"switch": ("flask",), "add": ("metrics",), "remove": ("metrics",)}

COMMON, NEEDS = "What most people use", "What you need, for the recommendation"
PROJECT, RUN = "What else you get", "How it runs"
WIDEST = 100  # columns of help: a longer line is hard to read

BEGINNINGS = (
    f"{PROGRAM} new                              asks, and creates a project",
    f"{PROGRAM} new my-app --yes                 creates one and asks nothing",
    f"{PROGRAM} recommend --async high --docs    recommends, and writes nothing",
)

app = typer.Typer(
    name=PROGRAM,
    help="Recommend FastAPI or Flask for a GenAI backend, say why, and create one that runs.",
    invoke_without_command=True,
    epilog="\n\n".join(BEGINNINGS),
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Answering(TyperCommand):
    """A command whose flags are explained where the questions are, once somebody wants help."""

    def format_help(self, context: Any, formatter: Any) -> None:  # noqa: ANN401 - Typer's own
        from genai_scaffold import help_page

        found: dict[str, list[Flag]] = {title: [] for title in (COMMON, NEEDS, PROJECT, RUN)}
        for option in self.params:
            title = getattr(option, "rich_help_panel", None) or COMMON
            found[title].append(_explained_flag(option))
        sections = [help_page.Section(title, flags) for title, flags in found.items() if flags]
        examples = [line for line in BEGINNINGS if line.split()[1] == self.name]
        usage = f"{context.command_path} {' '.join(self.collect_usage_pieces(context))}"
        width = min(shutil.get_terminal_size().columns, WIDEST)
        formatter.write(help_page.page(usage, self.help or "", examples, sections, width))


def _explained_flag(option: Any) -> "Flag":  # noqa: ANN401 - Typer's own
    from genai_scaffold import answers
    from genai_scaffold.help_page import Flag, brief, offered

    if not isinstance(option, TyperOption):
        return Flag(str(option.name).upper(), option.help or "")
    field = next((f for f in answers.fields().values() if f.flag == option.opts[0]), None)
    if field is None:
        return Flag(_names(option), option.help or "")
    default = answers.AUTO if field.key == "framework" else answers.defaults()[field.key]
    choice = offered(field.values, default)
    text = f"{brief(field.help)}{':' if field.values else ''} {choice}."
    many = " ..." if field.kind == "list" else ""
    return Flag(f"{_names(option, takes=not field.values)}{many}", text)


def _names(option: TyperOption, *, takes: bool = True) -> str:
    """A flag as it is typed: with what it takes, and both of its forms in one word."""
    long, *short = sorted(option.opts, key=len, reverse=True)
    if option.secondary_opts:
        return f"--[no-]{long[2:]}"
    value = f" {option.metavar or 'TEXT'}" if takes and not option.is_flag else ""
    return ", ".join([*short, f"{long}{value}"])


def offering(words: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """What a shell completes a word by; it is read once somebody presses the key."""

    def complete(incomplete: str) -> list[str]:
        # Where there is nothing to offer, nobody at a prompt wants to read why.
        with contextlib.suppress(ScaffoldError):
            return [word for word in words() if word.startswith(incomplete)]
        return []

    return complete


def _values(key: str) -> Iterable[str]:
    from genai_scaffold import answers

    return answers.fields()[key].values


def answer(key: str, panel: str, *names: str) -> object:
    """Declare the flag of one answer, without reading the questions: not every run needs them."""
    return typer.Option(
        *(names or (f"--{key}",)),
        autocompletion=offering(lambda: _values(key)),
        rich_help_panel=panel,
        show_default=False,
    )


Async = Annotated[str | None, answer("async", NEEDS)]
Docs = Annotated[bool | None, answer("docs", NEEDS, "--docs/--no-docs")]
Validation = Annotated[bool | None, answer("validation", NEEDS, "--validation/--no-validation")]
Scale = Annotated[str | None, answer("scale", NEEDS)]
Team = Annotated[str | None, answer("team", NEEDS)]
AppKind = Annotated[str | None, answer("app", NEEDS)]
Extensions = Annotated[bool | None, answer("extensions", NEEDS, "--extensions/--no-extensions")]
Hosting = Annotated[str | None, answer("hosting", NEEDS)]

Framework = Annotated[str | None, answer("framework", COMMON)]
Preset = Annotated[str | None, answer("preset", COMMON)]
Name = Annotated[str | None, answer("name", PROJECT)]
Description = Annotated[str | None, answer("description", PROJECT)]
Author = Annotated[str | None, answer("author", PROJECT)]
Provider = Annotated[str | None, answer("provider", COMMON)]
Feature = Annotated[list[str] | None, answer("feature", COMMON)]
Deploy = Annotated[list[str] | None, answer("deploy", COMMON)]
License = Annotated[str | None, answer("license", PROJECT)]
Python = Annotated[str | None, answer("python", PROJECT)]

Project = Annotated[
    Path, typer.Argument(metavar="PATH", help="A generated project, or a directory inside of it.")
]
Named = Annotated[
    Path,
    typer.Option(
        "--project", metavar="PATH", help="A generated project, or a directory inside of it."
    ),
]
AnswersFile = Annotated[
    str | None,
    typer.Option(
        "--answers",
        metavar="FILE|-",
        help="Take answers from a YAML or JSON file, or from the input.",
        rich_help_panel=RUN,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.", rich_help_panel=RUN)]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print only the result.", rich_help_panel=RUN)
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", help="Show the traceback of an error.", rich_help_panel=RUN),
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        if _asks(None) and typer.confirm("Create a project now?", default=True, err=True):
            app(["new"], standalone_mode=False)


@app.command(cls=Answering)
def new(
    directory: Annotated[
        str | None,
        typer.Argument(help="Where the project goes; the last part is its name."),
    ] = None,
    async_: Async = None,
    docs: Docs = None,
    validation: Validation = None,
    scale: Scale = None,
    team: Team = None,
    app_kind: AppKind = None,
    extensions: Extensions = None,
    hosting: Hosting = None,
    framework: Framework = None,
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
    save_answers: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the answers to a new file, for --answers.",
            rich_help_panel=RUN,
        ),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", help="Ask nothing: take the defaults.", rich_help_panel=COMMON),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="List what would be written.", rich_help_panel=RUN),
    ] = False,
    git: Annotated[
        bool | None,
        typer.Option(
            "--git/--no-git",
            help="Require a git repository, or make none.",
            rich_help_panel=RUN,
            show_default=False,
        ),
    ] = None,
    install: Annotated[
        bool | None,
        typer.Option(
            "--install/--no-install",
            help="Make .venv and install into it; uses the network.",
            rich_help_panel=COMMON,
            show_default=False,
        ),
    ] = None,
    plain: Annotated[
        bool,
        typer.Option(
            "--plain", help="Ask in numbered lines, without arrow keys.", rich_help_panel=RUN
        ),
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Create a project."""
    from genai_scaffold import pipeline, report, serving, wizard

    flags = {
        "async": async_,
        "docs": docs,
        "validation": validation,
        "scale": scale,
        "team": team,
        "app": app_kind,
        "extensions": extensions,
        "hosting": hosting,
        "framework": framework,
        "preset": preset,
        "name": name,
        "description": description,
        "author": author,
        "provider": provider,
        "feature": feature,
        "deploy": deploy,
        "license": license_,
        "python": python,
    }
    output = report.Output(json=json, quiet=quiet, plain=plain)
    given = _given(flags, answers_file, output)
    if yes:
        plan = pipeline.plan(given, directory)
    elif _asks(answers_file):
        offered = install is not False and not (json or quiet) and serving.is_possible()
        offer = (wizard.START if install else wizard.INSTALL_AND_START) if offered else ""
        prompter = wizard.prompter(plain=plain)
        plan = wizard.ask(given, directory, prompter, confirm=not dry_run, offer=offer)
    else:
        raise _unasked(given, directory)
    if dry_run:
        report.dry_run(plan, pipeline.preview(plan), output)
        return
    with pipeline.saved_answers(plan, save_answers), output.progress() as progress:
        created = pipeline.create(plan, git=git, progress=progress)
    installed = False
    with _done("The project is complete and kept."):
        try:
            if install or plan.start:
                with output.progress() as progress:
                    progress("Installing the dependencies")
                    pipeline.install(plan.destination, plan.directory)
                installed = True
            if plan.start:
                framework = plan.answers.text("framework")
                serving.serve(plan.destination, framework, lambda url: report.running(plan, url))
        except InstallError:
            report.created(created, output, installed=installed)
            raise
        report.created(created, output, installed=installed)


@app.command(cls=Answering)
def recommend(
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
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            help="Give the whole reasons; of an error, show the traceback.",
            rich_help_panel=RUN,
        ),
    ] = False,
) -> None:
    """Recommend a framework, with the reasons; write nothing."""
    from genai_scaffold import answers, report
    from genai_scaffold.recommend import recommend

    flags = {
        "async": async_,
        "docs": docs,
        "validation": validation,
        "scale": scale,
        "team": team,
        "app": app_kind,
        "extensions": extensions,
        "hosting": hosting,
    }
    output = report.Output(json=json)
    given = _given(flags, answers_file, output)
    # Whatever framework was asked for: what the needs speak for.
    needs = answers.imply({key: answer for key, answer in given.items() if key != "framework"})
    verdict = recommend(answers.stated(needs))
    report.recommendation(verdict, answers.sources(needs), output, verbose=verbose)


def _given(
    flags: "Mapping[str, str | bool | list[str] | None]", file: str | None, output: "Output"
) -> "Givens":
    """The answers from all sources; a variable that looks misspelt is named."""
    from genai_scaffold import answers

    given = answers.gathered(answers.from_flags(flags), file, os.environ)
    for variable, meant in answers.misspelt_variables(os.environ).items():
        output.note(f"{variable} is not a variable of genai-scaffold; did you mean {meant}?")
    return given


def _kinds() -> list[str]:
    from genai_scaffold import report

    return [*report.KINDS, "needs"]


@app.command("list")
def list_(
    kind: Annotated[
        str | None,
        typer.Argument(
            autocompletion=offering(_kinds),
            help="frameworks, presets, providers, features, deploy, needs, licenses or pythons.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """List what can be chosen."""
    from genai_scaffold import report

    if kind is not None and kind not in _kinds():
        meant = closest(kind, _kinds())
        raise UsageError(
            f"There is no list of {kind!r}",
            why=f"the lists are {', '.join(_kinds())}",
            fix=f"did you mean {meant}?" if meant else "leave it out to see them all",
        )
    report.listing(kind, report.Output(json=json))


Exclude = Annotated[
    list[str] | None,
    typer.Option(
        metavar="GLOB",
        help="Say nothing of these files, or of a folder and all it holds; repeatable.",
    ),
]


@app.command()
def check(
    path: Project = Path(),
    exclude: Exclude = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Verify a project offline: files parse, deploy files agree with the app."""
    from genai_scaffold import agreement, report

    output = report.Output(json=json, quiet=quiet)
    project = _project(path, output)
    found = agreement.check(project, exclude or ())
    report.findings(str(project), found, output)
    if any(finding.is_error for finding in found):
        raise typer.Exit(FAILED)


Preview = Annotated[
    bool,
    typer.Option("--dry-run", help="Show the files and the diff; change nothing."),
]
Base = Annotated[
    str | None,
    typer.Option(
        metavar="COMMIT",
        help="The commit that has the project as it was generated, if its version is unknown.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take the defaults.")]
Plain = Annotated[bool, typer.Option("--plain", help="Ask in numbered lines.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Also change an answer; repeatable."),
]


@app.command()
def update(
    path: Project = Path(),
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
    from genai_scaffold import answers, report, update

    output = report.Output(json=json, quiet=quiet, plain=plain)
    wish = update.Wish(answers.from_settings(set_ or []))
    _merge(_project(path, output), wish, base, output, dry_run=dry_run, yes=yes, plain=plain)


def _frameworks() -> Iterable[str]:
    from genai_scaffold import update

    return update.frameworks()


@app.command()
def switch(
    framework: Annotated[
        str,
        typer.Argument(
            metavar="fastapi|flask", show_default=False, autocompletion=offering(_frameworks)
        ),
    ],
    path: Project = Path(),
    dry_run: Preview = False,
    base: Base = None,
    yes: Yes = False,
    plain: Plain = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Change the framework of a project: your own changes are merged."""
    from genai_scaffold import report, update

    output = report.Output(json=json, quiet=quiet, plain=plain)
    project = _project(path, output)
    wish = update.switching(project, framework)
    _merge(project, wish, base, output, dry_run=dry_run, yes=yes, plain=plain)


def _addable() -> Iterable[str]:
    from genai_scaffold import record, update

    return update.addable(record.find(Path()))


def _removable() -> Iterable[str]:
    from genai_scaffold import record, update

    return update.removable(record.find(Path()))


def extra(words: Callable[[], Iterable[str]]) -> object:
    """Declare the name of a feature or a deploy target; those of the project here are offered."""
    return typer.Argument(
        help="Features or deploy targets.",
        metavar="NAME...",
        show_default=False,
        autocompletion=offering(words),
    )


@app.command()
def add(
    names: Annotated[list[str], extra(_addable)],
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
    from genai_scaffold import report, update

    output = report.Output(json=json, quiet=quiet, plain=plain)
    project = _project(path, output)
    wish = update.adding(project, names)
    _merge(project, wish, base, output, dry_run=dry_run, yes=yes, plain=plain)


@app.command()
def remove(
    names: Annotated[list[str], extra(_removable)],
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
    from genai_scaffold import report, update

    output = report.Output(json=json, quiet=quiet, plain=plain)
    project = _project(path, output)
    wish = update.removing(project, names)
    _merge(project, wish, base, output, dry_run=dry_run, yes=yes, plain=plain)


def _project(path: Path, output: "Output") -> Path:
    """The project that a directory is in; another directory is named."""
    from genai_scaffold import record

    found = record.find(path)
    if found != path:
        output.note(f"The project is {found}.")
    return found


def _merge(
    project: Path,
    wish: "Wish",
    base: str | None,
    output: "Output",
    *,
    dry_run: bool,
    yes: bool,
    plain: bool,
) -> None:
    """Merge changed answers, and today's template, into a project."""
    from genai_scaffold import answers, report, update, wizard

    with contextlib.suppress(FileNotFoundError):
        project = project.absolute()  # while that can be told: the merge may delete where we are
    planned = update.plan(project, wish, base)
    if planned.unanswered and not yes:
        if not _asks(None):
            raise update.unanswered(planned)
        current = {key: planned.answers[key] for key in planned.unanswered}
        prompter = wizard.prompter(plain=plain)
        answered = wizard.complete(planned.unanswered, current, prompter)
        answered = {**wish.answers, **answered}
        planned = update.plan(project, wish._replace(answers=answered), base)
    with output.progress() as progress:
        progress("Merging")
        result = update.preview(planned) if dry_run else update.apply(planned)
    note = f"The merge is complete. To take it back: {answers.shell_line(list(result.undo))}"
    changed = result.changes and not dry_run
    with _done(note) if changed else contextlib.nullcontext():
        report.outcome(result, output, dry_run=dry_run)
    if result.conflicts and not dry_run:
        raise typer.Exit(CONFLICT)


@app.command()
def doctor(json: Json = False, verbose: Verbose = False) -> None:
    """Examine this machine: what works, and how to fix the rest."""
    from genai_scaffold import doctor, report

    found = doctor.examine()
    report.diagnoses(found, report.Output(json=json))
    if any(diagnosis.required and not diagnosis.works for diagnosis in found):
        raise typer.Exit(MISSING)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    streams.prepare()
    signals.obey()
    gc.set_threshold(GARBAGE)
    sys.exit(_run(arguments))


def _run(arguments: list[str]) -> int:
    """Run a command; whatever happens becomes an exit code here."""
    try:
        code = app(arguments, prog_name=PROGRAM, standalone_mode=False)
        if code == signals.SIGNALLED + signal.SIGINT:
            # Ctrl-C at a prompt is a key, no signal, and Typer makes it this exit code.
            _say_stopped(KeyboardInterrupt())
        sys.stdout.flush()
    except signals.Stopped as stop:
        return _explained(stop, arguments)
    except SystemExit:
        raise
    except BaseException as problem:  # noqa: BLE001 - this is where every error ends
        return _explained(problem, arguments)
    return int(code or 0)


def _explained(problem: BaseException, arguments: list[str]) -> int:
    """Say what went wrong, and give it its exit code."""
    match problem:
        case ScaffoldError():
            _report(problem, arguments)
            code = problem.exit_code
        case typer.TyperException():
            _report(_misunderstood(problem, arguments), arguments)
            code = USAGE
        case KeyboardInterrupt() | typer.Abort():
            _say_stopped(problem)
            code = signals.SIGNALLED + signal.SIGINT
        case signals.Stopped():
            _say_stopped(problem)
            code = problem.exit_code
        case OSError(errno=errno.ENOSPC):
            _discard_output()
            fix = "make room, or send the output elsewhere; what was created is complete"
            why = "the disk, or what the output is sent to, is full"
            _report(EnvironmentFailure("Not all could be written", why=why, fix=fix), arguments)
            code = EnvironmentFailure.exit_code
        case BrokenPipeError():
            # Whoever read our output has left.
            _discard_output()
            code = signals.SIGNALLED + getattr(signal, "SIGPIPE", 13)
        case _:
            _report_bug(problem, arguments)
            code = BUG
    return code


def _report(problem: ScaffoldError, arguments: list[str]) -> None:
    from genai_scaffold import report

    if "--verbose" in arguments:
        traceback.print_exc()
    report.error(problem)


def _report_bug(bug: BaseException, arguments: list[str]) -> None:
    """Keep the traceback in a file, and say where."""
    text = "".join(traceback.format_exception(bug))
    place = "run it again with --verbose to see where"
    with contextlib.suppress(OSError):
        file, path = tempfile.mkstemp(prefix=f"{PROGRAM}-", suffix=".log")
        with os.fdopen(file, "w", encoding="utf-8", errors="replace") as log:
            log.write(f"{PROGRAM} {__version__}, Python {sys.version}\n{arguments}\n{text}")
        place = f"report it with the log {path}"
    problem = ScaffoldError(
        "This is a bug in genai-scaffold", why=f"{type(bug).__name__}: {bug}", fix=place
    )
    _report(problem, arguments)


def _discard_output() -> None:
    """Keep the interpreter's last flush from complaining."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


@contextlib.contextmanager
def _done(note: str) -> Iterator[None]:
    """Where a stop comes too late, let it say so."""
    try:
        yield
    except BaseException as interruption:
        interruption.add_note(note)
        raise


def _say_stopped(interruption: BaseException) -> None:
    notes = getattr(interruption, "__notes__", [])
    lines = ["Stopped.", *notes] if notes else ["Stopped: nothing was written."]
    with contextlib.suppress(OSError):  # a terminal that was closed cannot be told
        for line in lines:
            typer.echo(line, err=True)


def _misunderstood(problem: typer.TyperException, arguments: list[str]) -> UsageError:
    """Say what is not understood, and name the nearest command that would be."""
    from genai_scaffold import mistakes

    what = getattr(problem, "message", "").partition(". Did you mean")[0]
    meant = mistakes.corrected(arguments, _commands())
    known = [word for word in arguments[:1] if word in _commands()]
    command = shlex.join([PROGRAM, *(meant or [*known, "--help"])])
    return UsageError(
        what.rstrip(".") or problem.format_message(),
        why="the command line is not understood",
        fix=f"did you mean `{command}`?" if meant else f"see `{command}`",
    )


def _commands() -> "dict[str, Command]":
    """What each command takes, as Typer has it; under the empty name, the program itself."""
    from typer.main import get_command

    program = get_command(app)
    commands = {"": program, **getattr(program, "commands", {})}
    return {name: _known(command) for name, command in commands.items()}


def _known(command: Any) -> "Command":  # noqa: ANN401 - Typer names none of its own classes
    from genai_scaffold import answers
    from genai_scaffold.mistakes import Command

    values = {field.flag: field.values for field in answers.fields().values()}
    options = [param for param in command.params if isinstance(param, TyperOption)]
    others = [param for param in command.params if not isinstance(param, TyperOption)]
    return Command(
        flags={
            "--help": (),
            "-h": (),
            **{
                flag: () if option.is_flag else values.get(option.opts[0]) or ("",)
                for option in options
                for flag in (*option.opts, *option.secondary_opts)
            },
        },
        least=sum(param.required for param in others),
        most=sum(math.inf if param.nargs == -1 else 1 for param in others),
        example=EXAMPLES.get(command.name or "", ()),
    )


def _asks(answers_file: str | None) -> bool:
    """Whether there is a terminal to ask on; answers from the standard input leave none."""
    return answers_file != "-" and sys.stdin.isatty() and sys.stderr.isatty()


def _unasked(given: "Givens", directory: str | None) -> UsageError:
    from genai_scaffold import answers, pipeline

    plan = pipeline.plan(given, directory)
    return UsageError(
        "Nothing was created: questions cannot be asked",
        why="there is no terminal, and --yes was not given",
        fix=f"run {answers.shell_line(plan.command)}",
    )
