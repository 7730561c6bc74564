"""Completion as somebody at a keyboard has it: the tool installs it, and a new shell completes."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

import pytest

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo-terminals", allow_module_level=True)

import pexpect

from e2e.conftest import required
from e2e.machine import Machine

pytestmark = pytest.mark.slow

TAB, TO_THE_START, KILL_LINE = "\t", "\x01", "\x15"
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|[\x07\x0f]")
PROMPT = "at-the-prompt "
# A shell that starts without the settings of anybody, and does not ask a newcomer about them.
WITHOUT_SETTINGS = {"bash": "--norc", "zsh": "-f"}
SECONDS = 60


class Shell:
    """An interactive shell, and somebody at its keys."""

    def __init__(self, process: "pexpect.spawn[str]") -> None:
        self.process = process

    @classmethod
    def start(
        cls, shell: str, flags: list[str], directory: Path, variables: dict[str, str]
    ) -> Self:
        process: pexpect.spawn[str] = pexpect.spawn(
            required(shell),
            [*flags, "-i"],
            cwd=str(directory),
            env=variables,
            dimensions=(60, 200),
            encoding="utf-8",
            timeout=SECONDS,
        )
        started = cls(process)
        # The settings of a Debian may have set another prompt; the quotes keep the echo apart.
        process.sendline("PS1='at-the-''prompt '; PROMPT=$PS1; unset zle_bracketed_paste")
        process.expect_exact(PROMPT)
        return started

    def runs(self, line: str) -> str:
        """Run a line, and return what it says."""
        self.process.sendline(line)
        self.process.expect_exact(PROMPT)
        return CONTROL.sub("", self.process.before or "")

    def completes(self, typed: str) -> str:
        """What a line becomes by the key: the shell itself says it, as the words of an echo."""
        self.process.send(typed + TAB)
        said = self.runs(f"{TO_THE_START}echo 'line'': ' ")
        return said.partition("line:  ")[2].splitlines()[0].strip().rstrip("/")

    def offers(self, typed: str, *words: str) -> None:
        """Wait until every one of these words is listed below a line."""
        # Bash may add what they have in common, then beep, and then list them.
        self.process.send(typed + TAB * 3)
        for word in words:
            self.process.expect_exact(word)
        self.runs(KILL_LINE)


class Prepared(NamedTuple):
    """A home in which completion was installed, and a project to stand in."""

    shell: str
    directory: Path
    variables: dict[str, str]

    @contextmanager
    def starts(self, *flags: str) -> Iterator[Shell]:
        shell = Shell.start(self.shell, list(flags), self.directory, self.variables)
        try:
            yield shell
        finally:
            shell.process.close(force=True)


@pytest.fixture(scope="module", params=list(WITHOUT_SETTINGS))
def prepared(
    request: pytest.FixtureRequest,
    scaffold: Path,
    machine: Machine,
    tmp_path_factory: pytest.TempPathFactory,
) -> Prepared:
    folder = tmp_path_factory.mktemp(request.param)
    home = folder / "home"
    home.mkdir()
    machine.run(str(scaffold), "new", "my-app", "--yes", "--deploy", "fly", directory=folder)
    path = f"{scaffold.parent}:{machine.variables['PATH']}"
    variables = {**machine.variables, "HOME": str(home), "PATH": path, "TERM": "xterm"}
    made = Prepared(request.param, folder / "my-app", variables)
    with made.starts(WITHOUT_SETTINGS[request.param]) as shell:
        assert "completion installed" in shell.runs("genai-scaffold --install-completion")
    return made


@pytest.fixture(scope="module")
def shell(prepared: Prepared) -> Iterator[Shell]:
    with prepared.starts() as started:
        # In zsh, the first press in a new shell only loads what Typer installed.
        started.completes("genai-scaffold ")
        yield started


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        pytest.param("genai-scaffold rec", "genai-scaffold recommend", id="a command"),
        pytest.param("genai-scaffold new --save", "genai-scaffold new --save-answers", id="a flag"),
        pytest.param(
            "genai-scaffold new --framework fl",
            "genai-scaffold new --framework flask",
            id="the value of a flag",
        ),
        pytest.param(
            "genai-scaffold new --feature metrics --deploy kub",
            "genai-scaffold new --feature metrics --deploy kubernetes",
            id="the value of a second flag",
        ),
        pytest.param("genai-scaffold list prov", "genai-scaffold list providers", id="a list"),
        pytest.param("genai-scaffold switch fl", "genai-scaffold switch flask", id="a framework"),
        pytest.param("genai-scaffold add metr", "genai-scaffold add metrics", id="what to add"),
        pytest.param("genai-scaffold remove f", "genai-scaffold remove fly", id="what to remove"),
        pytest.param("genai-scaffold check back", "genai-scaffold check backend", id="a path"),
    ],
)
def test_a_line_is_completed(shell: Shell, typed: str, completed: str) -> None:
    assert shell.completes(typed) == completed


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        pytest.param("genai-scaffold ", ["check", "new", "switch"], id="commands"),
        pytest.param("genai-scaffold switch ", ["fastapi", "flask"], id="frameworks"),
        pytest.param("genai-scaffold add ", ["cloud-run", "docker", "metrics"], id="extras"),
    ],
)
def test_what_is_possible_is_listed(shell: Shell, typed: str, words: list[str]) -> None:
    shell.offers(typed, *words)


def test_a_home_without_completion_completes_nothing_of_ours(prepared: Prepared) -> None:
    with prepared.starts(WITHOUT_SETTINGS[prepared.shell]) as shell:
        assert shell.completes("genai-scaffold recom") == "genai-scaffold recom"
