"""Runs a command line: every error becomes an exit code."""

import contextlib
import errno
import gc
import os
import signal
import sys
import traceback
from typing import NoReturn

import typer

from genai_scaffold import __version__
from genai_scaffold.cli.program import app
from genai_scaffold.cli.shared import BUG, PROGRAM, USAGE
from genai_scaffold.errors import EnvironmentFailure, ScaffoldError
from genai_scaffold.system.signals import SIGNALLED, Stopped, obey_signals
from genai_scaffold.system.streams import prepare_streams

# Of objects more before the collector looks: a command keeps nearly all that it makes to its end.
GARBAGE = 100_000


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
        case ScaffoldError():
            from genai_scaffold.cli.advice import advised

            _report(advised(problem, arguments), arguments)
            code = problem.exit_code
        case typer.TyperException():
            from genai_scaffold.cli.advice import misunderstood

            _report(misunderstood(problem, arguments), [])  # there is nothing to trace
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
