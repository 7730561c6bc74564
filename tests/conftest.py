"""What every test needs: a machine with nothing of the developer's on it, and a small template."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from genai_scaffold.answers.sources import ENVIRONMENT_PREFIX
from genai_scaffold.cli.exits import main
from genai_scaffold.system.signals import ENDING
from genai_scaffold.template import packaged

REPOSITORY = Path(__file__).parents[1]
SMALL_TEMPLATE = Path(__file__).parent / "unit" / "template"


# Generated projects, kept to be compared: their tests are not ours to run.
collect_ignore = ["golden/trees"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="accept what is generated as it is now"
    )
    parser.addoption(
        "--whole",
        action="store_true",
        help="every combination and every moment, not a part of them",
    )


def pytest_configure() -> None:
    """Ctrl-C is tested, and a shell ignores it for what it starts in the background."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Run(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    output: str
    errors: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document of a command that succeeded."""
        assert self.code == 0, self.errors
        document: dict[str, Any] = json.loads(self.output)
        assert document["schema"] == 1
        return document


def runs(pid: int) -> bool:
    """Whether a process is there; one that has ended may wait for its new parent."""
    stat = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return bool(stat.stdout.strip()) and not stat.stdout.startswith("Z")


@pytest.fixture(autouse=True)
def _own_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A home, a git identity and a working directory that belong to the test."""
    for variable in os.environ:
        if variable.startswith((ENVIRONMENT_PREFIX, "GIT_")):
            monkeypatch.delenv(variable)
    home = tmp_path / "home"
    (home / ".config").mkdir(parents=True)
    (home / ".gitconfig").write_text("[user]\nname = A Tester\nemail = tester@example.org\n")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(work)


@pytest.fixture
def work() -> Path:
    """The directory that the test runs in, which is empty."""
    return Path.cwd()


@pytest.fixture(scope="session")
def small_template_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real questions over a handful of files, so that a test renders in no time."""
    root = tmp_path_factory.mktemp("template")
    shutil.copy(REPOSITORY / "copier.yml", root)
    shutil.copytree(SMALL_TEMPLATE, root, dirs_exist_ok=True)
    return root


@pytest.fixture
def small_template(small_template_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the tool find the small template where it would find its own."""
    monkeypatch.setattr(packaged, "template_root", lambda: small_template_root)
    return small_template_root


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Run]]:
    """Run the command line as its entry point does, in this process."""
    handlers = {number: signal.getsignal(number) for number in ENDING}

    def run(*arguments: str, stdin: bytes = b"") -> Run:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        capsys.readouterr()
        with pytest.raises(SystemExit) as exited:
            main(list(arguments))
        output, errors = capsys.readouterr()
        assert "Traceback" not in errors
        return Run(int(exited.value.code or 0), output, errors)

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)
