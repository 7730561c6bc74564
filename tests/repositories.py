"""Generated projects in repositories, two versions of a template, and the tool in this process."""

import contextlib
import io
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import Run

from genai_scaffold.answers.fields import fields
from genai_scaffold.cli.exits import main
from genai_scaffold.system.signals import ENDING
from genai_scaffold.template import history, packaged
from genai_scaffold.template.history import append_release
from genai_scaffold.template.packaged import lay_out, template_files
from genai_scaffold.template.questions import template_questions

IDENTITY = ("-c", "user.name=A User", "-c", "user.email=user@example.org")
UNSIGNED = ("-c", "commit.gpgSign=false")


class Versions(NamedTuple):
    """An older template, which is released, and a newer one, which is installed."""

    old: Path
    new: Path
    archive: Path

    def record(self) -> None:
        with installed(self.new, "0.0.2", self.archive):
            append_release("0.0.1", template_files(self.old), {})

    @contextlib.contextmanager
    def before(self) -> Iterator[None]:
        """The tool as it was with the older template."""
        with installed(self.old, "0.0.1", self.archive):
            yield

    @contextlib.contextmanager
    def after(self) -> Iterator[None]:
        """The tool as it is with the newer template."""
        with installed(self.new, "0.0.2", self.archive):
            yield


@contextlib.contextmanager
def installed(root: Path, version: str, archive: Path) -> Iterator[None]:
    """The tool as it is with a template, under a version, after the releases of an archive."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packaged, "template_root", lambda: root)
        patch.setattr(packaged, "__version__", version)
        patch.setattr(history, "archive", lambda: archive)
        forget()
        yield
    forget()


def forget() -> None:
    """Forget the questions of another template."""
    template_questions.cache_clear()
    fields.cache_clear()


def copied(source: Path, folder: Path) -> Versions:
    """Two copies of a template, which the caller makes differ."""
    for name in ("old", "new"):
        (folder / name).mkdir(parents=True)
        lay_out(template_files(source), folder / name)
    return Versions(folder / "old", folder / "new", folder / "history.zip")


def tool(*arguments: str) -> Run:
    """Run the command line in this process."""
    handlers = {number: signal.getsignal(number) for number in ENDING}
    output, errors = io.StringIO(), io.StringIO()
    code = 0
    try:
        with redirect_stdout(output), redirect_stderr(errors):
            main(list(arguments))
    except SystemExit as exited:
        code = int(exited.code or 0)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert "Traceback" not in errors.getvalue()
    return Run(code, output.getvalue(), errors.getvalue())


def git(folder: Path, *arguments: str) -> str:
    command = ["git", *IDENTITY, *UNSIGNED, *arguments]
    environment = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1"}
    completed = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return completed.stdout


def commit(folder: Path, message: str = "A change") -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--no-verify", "-m", message)


def new(folder: Path, *flags: str) -> Path:
    """A fresh project with its first commit."""
    made = tool("new", str(folder), *flags, "--yes", "--quiet", "--no-git")
    assert made.code == 0, made.errors
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder, "Start")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file outside of git's own, by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }
