"""Runs a command line: every error becomes an exit code."""

import contextlib
import errno
import gc
import math
import os
import re
import shlex
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from typer.core import TyperOption

from genai_scaffold import __version__
from genai_scaffold.cli.looking import list_kinds
from genai_scaffold.cli.program import app
from genai_scaffold.cli.shared import BUG, PROGRAM, USAGE
from genai_scaffold.errors import (
    EnvironmentFailure,
    MisspeltError,
    NoProjectError,
    ScaffoldError,
    SpareError,
    UsageError,
)
from genai_scaffold.system.signals import SIGNALLED, Stopped, obey_signals
from genai_scaffold.system.streams import prepare_streams

if TYPE_CHECKING:
    from genai_scaffold.cli.nearest import Command

# Of objects more before the collector looks: a command keeps nearly all that it makes to its end.
GARBAGE = 100_000

# Whose values a command takes as words, and what it could be given.
LISTED = ("feature", "deploy")
OFFERING = {"switch": ("framework",), "add": LISTED, "remove": LISTED}
EXAMPLES = {"switch": ("flask",), "add": ("metrics",), "remove": ("metrics",)}


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    prepare_streams()
    obey_signals()
    gc.set_threshold(GARBAGE)
    sys.exit(_run(arguments))


def _run(arguments: list[str]) -> int:
    """Run a command; whatever happens becomes an exit code here."""
    try:
        code = app(arguments, prog_name=PROGRAM, standalone_mode=False)
        if code == SIGNALLED + signal.SIGINT:
            # Ctrl-C at a prompt is a key, no signal, and Typer makes it this exit code.
            _say_stopped(KeyboardInterrupt())
        sys.stdout.flush()
    except Stopped as stop:
        return _exit_code_of(stop, arguments)
    except SystemExit:
        raise
    except BaseException as problem:  # noqa: BLE001 - this is where every error ends
        return _exit_code_of(problem, arguments)
    return int(code or 0)


def _exit_code_of(problem: BaseException, arguments: list[str]) -> int:
    """Say what went wrong, and give it its exit code."""
    match problem:
        case MisspeltError():
            _report(_with_its_command(problem, arguments), arguments)
            code = USAGE
        case SpareError():
            _report(_with_what_holds(problem, arguments), arguments)
            code = USAGE
        case NoProjectError():
            _report(_with_its_project(problem, arguments), arguments)
            code = USAGE
        case ScaffoldError():
            _report(problem, arguments)
            code = problem.exit_code
        case typer.TyperException():
            _report(_misunderstood(problem, arguments), [])  # there is nothing to trace
            code = USAGE
        case KeyboardInterrupt() | typer.Abort():
            _say_stopped(problem)
            code = SIGNALLED + signal.SIGINT
        case Stopped():
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
            code = SIGNALLED + getattr(signal, "SIGPIPE", 13)
        case _:
            _report_bug(problem, arguments)
            code = BUG
    return code


def _report(problem: ScaffoldError, arguments: list[str]) -> None:
    from genai_scaffold.report.output import show_error

    if "--verbose" in arguments:
        traceback.print_exc()
    show_error(problem)


def _report_bug(bug: BaseException, arguments: list[str]) -> None:
    """Keep the traceback in a file, and say where."""
    import tempfile  # most runs need no file

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


def _say_stopped(interruption: BaseException) -> None:
    notes = getattr(interruption, "__notes__", [])
    lines = ["Stopped.", *notes] if notes else ["Stopped: nothing was written."]
    with contextlib.suppress(OSError):  # a terminal that was closed cannot be told
        for line in lines:
            typer.echo(line, err=True)


def _misunderstood(problem: typer.TyperException, arguments: list[str]) -> UsageError:
    """Say what is not understood, and name the nearest command that would be."""
    from genai_scaffold.cli.cleaning import lack_of
    from genai_scaffold.cli.mistakes import command_near, corrected
    from genai_scaffold.cli.words import STARTERS

    what = getattr(problem, "message", "").partition(". Did you mean")[0]
    first = arguments[0] if arguments else ""
    if meant := corrected(arguments, _commands()):
        fix = _question(meant.words) if meant.is_whole else f"leave it out: {_pasted(meant.words)}"
    elif first in STARTERS:
        fix = "a project is started by a command of its own: its README.md begins with it"
    elif (near := command_near(first, _commands())) or first.startswith("-"):
        fix = f"see {_pasted([word for word in (near, '--help') if word])}"
    else:
        named = corrected(["new", *arguments], _commands())
        fix = f"to create a project of that name: {_pasted(named.words if named else ['new'])}"
    return UsageError(
        what.rstrip(".") or problem.format_message(),
        why=lack_of(arguments) or "the command line is not understood",
        fix=fix,
    )


def _with_its_command(problem: MisspeltError, arguments: list[str]) -> UsageError:
    """Say the whole command with the word that was meant, unless that stood elsewhere."""
    from genai_scaffold.cli.mistakes import corrected

    meant = corrected(arguments, _commands())
    words = meant.words if meant and meant.is_whole else arguments
    if problem.meant and "=".join(words) == "=".join(arguments):
        word = re.compile(rf"(?:^|(?<=[/=])){re.escape(problem.said)}/*$")
        words = [word.sub(problem.meant, given) for given in arguments]
    return problem if words == arguments else _asking(problem, words)


def _with_what_holds(problem: SpareError, arguments: list[str]) -> UsageError:
    """Say the command without what cannot stand in it, unless that stood elsewhere."""
    from genai_scaffold.cli.cleaning import without

    rest = without(arguments, problem.spare)
    if rest == arguments:
        return problem
    return UsageError(problem.what, why=problem.why, fix=f"{problem.fix}: {_pasted(rest)}")


def _with_its_project(problem: NoProjectError, arguments: list[str]) -> UsageError:
    """Name the project that lies where the command was run, or how one is named."""
    from genai_scaffold.cli.mistakes import corrected
    from genai_scaffold.project.record import is_project

    if problem.project.absolute() != Path.cwd():
        meant = corrected(arguments, _commands())
        is_other = meant and meant.is_whole and meant.words != arguments
        return _asking(problem, meant.words) if meant and is_other else problem
    flag = ["--project"] if arguments[0] in {"add", "remove"} else []
    found = [entry.name for entry in sorted(Path().iterdir()) if is_project(entry)]
    if len(found) == 1:
        return _asking(problem, [*arguments, *flag, *found])
    fix = f"{problem.fix}: `{shlex.join([PROGRAM, *arguments, *flag])} PATH`"
    return UsageError(problem.what, why=problem.why, fix=fix)


def _asking(problem: UsageError, meant: list[str]) -> UsageError:
    return UsageError(problem.what, why=problem.why, fix=_question(meant))


def _question(meant: list[str]) -> str:
    return f"did you mean {_pasted(meant)}?"


def _pasted(meant: list[str]) -> str:
    return f"`{shlex.join([PROGRAM, *meant])}`"


def _commands() -> "dict[str, Command]":
    """What each command takes, as Typer has it; under the empty name, the program itself."""
    from typer.main import get_command

    program = get_command(app)
    commands = {"": program, **getattr(program, "commands", {})}
    return {name: _known(command) for name, command in commands.items()}


def _known(command: Any) -> "Command":  # noqa: ANN401 - Typer names none of its own classes
    from genai_scaffold.answers.fields import fields
    from genai_scaffold.answers.resolution import defaults
    from genai_scaffold.cli.nearest import Command

    usual = {key: words.partition(";")[0].split(", ") for key, words in defaults().items()}
    values = {
        field.flag: sorted(field.values, key=lambda value: value not in usual.get(field.key, ()))
        for field in fields().values()
    }
    ranks = {flag: rank for rank, flag in enumerate(values)}  # what shapes a project comes first
    options = [param for param in command.params if isinstance(param, TyperOption)]
    options.sort(key=lambda option: ranks.get(option.opts[0], -1))
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
        offered=_offered(command.name or ""),
        example=EXAMPLES.get(command.name or "", ()),
        takes_name=command.name == "new",
        usual={
            option.opts[0]: usual.get(option.opts[0].lstrip("-"), ())
            for option in options
            if option.multiple
        },
    )


def _offered(name: str) -> set[str]:
    from genai_scaffold.answers.fields import AUTO, NONE, fields

    if name == "list":
        return {*list_kinds()}
    values = (fields()[key].values for key in OFFERING.get(name, ()))
    return {value for each in values for value in each} - {AUTO, NONE}
