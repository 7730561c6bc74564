"""The virtual environment of a project: made, with what the project needs, and found moved."""

import contextlib
import os
import re
import sys
from pathlib import Path

from genai_scaffold.answers.spelling import shell_line
from genai_scaffold.errors import InstallError
from genai_scaffold.system import process
from genai_scaffold.system.process import Completed, find_program

INSTALL_SECONDS = 1800.0
# How pip and uv say that nobody answered; pip's last line then blames a package.
UNREACHED = re.compile(r"after connection broken by|\(Connect\)|network was disabled")
# So pip says that it knows of no version at all, and without retries it says no more.
UNKNOWN = re.compile(r"requirement (\S+) \(from versions: none\)")


def install_dependencies(project: Path, shown: str) -> None:
    """Make a virtual environment inside a project, and install its dependencies.

    Args:
        project: the directory of a finished project, with a requirements-dev.txt.
        shown: the project's directory as the user wrote it, for the command that finishes.

    Raises:
        InstallError: it failed; the project is kept.
    """
    python = Path(".venv", "Scripts" if os.name == "nt" else "bin", "python")
    requirements = "requirements-dev.txt"
    if uv := find_program("uv"):
        steps = [
            [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, ".venv"],
            [uv, "pip", "install", "--quiet", "--python", str(python), "-r", requirements],
        ]
    else:
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input"]
        steps = [
            [sys.executable, "-m", "venv", ".venv"],
            [*pip, "install", "--quiet", "-r", requirements],
        ]
    finish = shell_line(["cd", shown]) + (
        f" && python3 -m venv .venv && {python} -m pip install -r {requirements}"
    )
    for step in steps:
        try:
            completed = process.run_program(step, directory=project, timeout=INSTALL_SECONDS)
        except BaseException as interruption:
            interruption.add_note(f"To install: `{finish}`")
            raise
        if completed.code != 0:
            raise InstallError(
                "The project was created, but its dependencies were not installed",
                why=_reason(completed),
                fix=f"`{finish}`",
            )


def is_moved(environment: Path) -> bool:
    """Whether the commands of an environment name an interpreter that is not there any more."""
    pip, interpreter = environment / "bin/pip", b""
    with contextlib.suppress(OSError):
        if pip.is_file():  # a pipe has no end
            with pip.open("rb") as script:
                interpreter = script.readline(4096)
    return interpreter.startswith(b"#!/") and not os.path.exists(interpreter[2:].split()[0])  # noqa: PTH110


def _reason(failed: Completed) -> str:
    unreached = "the package index could not be reached"
    if UNREACHED.search(failed.errors):
        return unreached
    if unknown := UNKNOWN.search(failed.errors):
        return f"{unreached}, or has no {unknown[1]}"
    return failed.last_words
