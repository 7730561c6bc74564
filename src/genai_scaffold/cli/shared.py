"""What the commands share."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genai_scaffold.report.output import Output

PROGRAM = "genai-scaffold"

BUG, USAGE, CONFLICT, MISSING, FAILED = 1, 2, 3, 4, 5

BEGINNINGS = (
    f"{PROGRAM} new                              asks, and creates a project",
    f"{PROGRAM} new my-app --yes                 creates one and asks nothing",
    f"{PROGRAM} recommend --async high --docs    recommends, and writes nothing",
)


def found_project(path: Path, output: "Output") -> Path:
    """The project that a directory is in; another directory is named."""
    from genai_scaffold.project.record import find_project

    found = find_project(path)
    if found != path:
        output.note(f"The project is {found}.")
    return found


@contextlib.contextmanager
def noting(note: str) -> Iterator[None]:
    """Where a stop comes too late, let it say so."""
    try:
        yield
    except BaseException as interruption:
        interruption.add_note(note)
        raise


def can_ask(answers_file: str | None) -> bool:
    """Whether there is a terminal to ask on; answers from the standard input leave none."""
    return answers_file != "-" and sys.stdin.isatty() and sys.stderr.isatty()
