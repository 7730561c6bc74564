"""Looks at the machine: what works for this tool and for its projects, and what to do."""

import importlib.util
import os
import platform
import sys
from collections.abc import Callable
from typing import NamedTuple

from genai_scaffold.system import process
from genai_scaffold.system.process import find_program

OLDEST_PYTHON = (3, 11)
PROGRAM_SECONDS = 10.0


class Diagnosis(NamedTuple):
    """One tool: whether it works, whether anything fails without it, and what to do."""

    tool: str
    works: bool
    required: bool
    detail: str
    fix: str


def examine_machine() -> list[Diagnosis]:
    """Look at everything that a project may need."""
    return [check() for check in CHECKS]


def _python() -> Diagnosis:
    wanted = ".".join(map(str, OLDEST_PYTHON))
    return Diagnosis(
        "python",
        works=sys.version_info >= OLDEST_PYTHON,
        required=True,
        detail=f"{platform.python_version()} ({sys.executable})",
        fix="" if sys.version_info >= OLDEST_PYTHON else f"install Python {wanted} or newer",
    )


def _venv() -> Diagnosis:
    # Debian ships venv without what puts pip into it.
    works = all(importlib.util.find_spec(module) for module in ("venv", "ensurepip"))
    return Diagnosis(
        "venv and pip",
        works=works or find_program("uv") is not None,
        required=True,
        detail="virtual environments can be made" if works else "this Python has no ensurepip",
        fix="" if works else "install your system's python3-venv package, or uv",
    )


def _git() -> Diagnosis:
    return _program(
        "git", ["git", "--version"], "install git: without it a project is made without history"
    )


def _identity() -> Diagnosis:
    known = find_program("git") and all(
        process.run_program(
            ["git", "-c", "user.useConfigOnly=true", "var", who], timeout=PROGRAM_SECONDS
        ).code
        == 0
        for who in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT")
    )
    return Diagnosis(
        "git identity",
        works=bool(known),
        required=False,
        detail="commits can be made" if known else "git does not know who you are",
        fix=""
        if known
        else "`git config --global user.name NAME && git config --global user.email ADDRESS`",
    )


def _uv() -> Diagnosis:
    return _program("uv", ["uv", "--version"], "optional: it makes --install several times faster")


def _docker() -> Diagnosis:
    return _program(
        "docker", ["docker", "--version"], "optional: it builds the project's image on this machine"
    )


def _program(name: str, arguments: list[str], fix: str) -> Diagnosis:
    if not find_program(arguments[0]):
        return Diagnosis(name, works=False, required=False, detail="not found", fix=fix)
    completed = process.run_program(arguments, timeout=PROGRAM_SECONDS)
    works = completed.code == 0
    detail = completed.output.strip() if works else completed.last_words
    return Diagnosis(name, works=works, required=False, detail=detail, fix="" if works else fix)


def _terminal() -> Diagnosis:
    streams = (sys.stdin, sys.stderr)
    asks = all(stream is not None and stream.isatty() for stream in streams)
    if not asks:
        return Diagnosis(
            "terminal",
            works=False,
            required=False,
            detail="none: no question can be asked",
            fix="say --yes, or give --answers FILE",
        )
    plain = os.environ.get("TERM", "dumb") == "dumb"
    encoding = getattr(sys.stderr, "encoding", None) or "unknown"
    detail = f"{'numbered lines' if plain else 'arrow keys'}, {encoding}"
    return Diagnosis("terminal", works=True, required=False, detail=detail, fix="")


CHECKS: tuple[Callable[[], Diagnosis], ...] = (
    _python,
    _venv,
    _git,
    _identity,
    _uv,
    _docker,
    _terminal,
)
