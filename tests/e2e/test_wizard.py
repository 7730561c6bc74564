"""The questions of `new`, answered by key in a pseudo-terminal, as a user has them."""

import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest
import yaml

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo-terminals", allow_module_level=True)

import httpx2
import pexpect

from e2e.machine import Machine
from genai_scaffold.project.record import ANSWERS_FILE
from genai_scaffold.project.soundness import faults_of_rendering
from genai_scaffold.template.render import generated_files

pytestmark = pytest.mark.slow

ENTER, SPACE, UP, DOWN, LEFT, BACKSPACE, CTRL_C, CTRL_D = (
    "\r",
    " ",
    "\x1b[A",
    "\x1b[B",
    "\x1b[D",
    "\x7f",
    "\x03",
    "\x04",
)
STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ASKS_FOR_THE_CURSOR, CURSOR = "\x1b[6n", "\x1b[1;1R"
SECONDS = 60
TO_INSTALL = 300

QUESTIONS = [
    "Project name",
    "How many requests wait",
    "What should come with it?",
    "How large will it become?",
    "Who will write it?",
    "Do any of these apply?",
    "Create which one?",
    "Who serves the model?",
    "Where will it run?",
    "Create this project?",
]
LAST = "Install it and start it now?"


class Terminal:
    """A terminal, `genai-scaffold new` running in it, and somebody at its keys."""

    def __init__(self, command: list[str], directory: Path, variables: dict[str, str]) -> None:
        self.process: pexpect.spawn[str] = pexpect.spawn(
            command[0],
            command[1:],
            cwd=str(directory),
            env=variables,
            dimensions=(40, int(variables.get("COLUMNS", 100))),
            encoding="utf-8",
            timeout=SECONDS,
        )
        self.process.delaybeforesend = None
        self.screen = ""

    def sees(self, text: str) -> Self:
        """Wait for a text; answer, as a terminal does, where its cursor is."""
        while self.process.expect_exact([ASKS_FOR_THE_CURSOR, text]) == 0:
            self.screen += self.process.before or ""
            self.process.send(CURSOR)
        self.screen += (self.process.before or "") + text
        return self

    def finds(self, pattern: str, seconds: int) -> str:
        """Wait for a text, and return what its group holds."""
        while self.process.expect([re.escape(ASKS_FOR_THE_CURSOR), pattern], seconds) == 0:
            self.process.send(CURSOR)
        assert isinstance(self.process.match, re.Match)
        return str(self.process.match[1])

    def types(self, *keys: str) -> Self:
        for key in keys:
            self.process.send(key)
        return self

    def ends(self) -> int:
        """Wait for the end of the program, and return its exit code."""
        while self.process.expect_exact([ASKS_FOR_THE_CURSOR, pexpect.EOF]) == 0:
            self.process.send(CURSOR)
        self.screen = STYLE.sub("", self.screen + (self.process.before or ""))
        self.process.close()
        assert "Traceback" not in self.screen
        assert self.process.exitstatus is not None
        return self.process.exitstatus


Start = Callable[..., Terminal]


@pytest.fixture
def start(machine: Machine, scaffold: Path, work: Path) -> Start:
    """Starts `new` in an empty directory, in a terminal."""

    def start(*arguments: str, offered: bool = False, **variables: str) -> Terminal:
        if not offered:
            arguments = (*arguments, "--no-install")
        settings = {**machine.variables, "TERM": "xterm-256color", "LANG": "C.UTF-8", **variables}
        return Terminal([str(scaffold), "new", *arguments], work, settings)

    return start


def recorded(project: Path) -> dict[str, object]:
    answers: dict[str, object] = yaml.safe_load((project / ANSWERS_FILE).read_text("utf-8"))
    return answers


def contents(project: Path) -> dict[str, bytes]:
    return {path: (project / path).read_bytes() for path in generated_files(project)}


def test_enter_at_every_question_takes_the_recommendation(start: Start, work: Path) -> None:
    terminal = start()
    for question in QUESTIONS:
        terminal.sees(question).types(ENTER)
    assert terminal.ends() == 0
    assert "FastAPI is recommended for a typical GenAI API: 12 points to 0" in terminal.screen
    assert recorded(work / "my-app")["framework"] == "fastapi"
    assert faults_of_rendering(work / "my-app") == []


def test_every_question_is_answered_with_the_keys(
    start: Start, work: Path, scaffold: Path, machine: Machine
) -> None:
    terminal = start()
    terminal.sees("Project name").types("chat-bot", ENTER)
    terminal.sees("How many requests wait").types(DOWN, DOWN, ENTER)
    terminal.sees("What should come with it?").types(SPACE, ENTER)
    terminal.sees("How large will it become?").types(DOWN, DOWN, DOWN, ENTER)
    terminal.sees("Of several services, what comes first?").types(DOWN, ENTER)
    terminal.sees("Who will write it?").types(DOWN, DOWN, ENTER)
    terminal.sees("Do any of these apply?").types(DOWN, SPACE, ENTER)
    terminal.sees("Create which one?").types(DOWN, DOWN, ENTER)
    terminal.sees("Who serves the model?").types(DOWN, DOWN, DOWN, DOWN, ENTER)
    terminal.sees("Where will it run?").types(SPACE, DOWN, DOWN, SPACE, ENTER)
    terminal.sees("Create this project?").types(ENTER)
    assert terminal.ends() == 0
    expected = {
        "project_name": "chat-bot",
        "async": "some",
        "docs": False,
        "validation": True,
        "preset": "service",
        "provider": "ollama",
        "deploy": ["docker", "kubernetes"],
    }
    answers = recorded(work / "chat-bot")
    assert expected.items() <= answers.items()
    recommendation = answers["recommendation"]
    assert isinstance(recommendation, dict)
    needs = {"async": "some", "docs": False, "scale": "microservices", "team": "learning"}
    assert {**needs, "extensions": True}.items() <= recommendation["needs"].items()
    assert answers["framework"] != recommendation["framework"], "it was overridden"
    assert "the recommendation was" in terminal.screen
    # The command that is shown at the end makes the same project again.
    whole = re.sub(r" \\\s+", " ", terminal.screen)
    [line] = re.findall(r"^ +(genai-scaffold new chat-bot .*--yes)\s*$", whole, re.MULTILINE)
    again = work / "again"
    again.mkdir()
    machine.run(str(scaffold), *shlex.split(line)[1:], directory=again)
    assert contents(again / "chat-bot") == contents(work / "chat-bot")


def test_going_back_keeps_what_was_answered(start: Start, work: Path) -> None:
    terminal = start()
    terminal.sees("Project name").types("first", ENTER)
    terminal.sees("How many requests wait").types(DOWN, ENTER)
    terminal.sees("What should come with it?").types(LEFT)
    terminal.sees("How many requests wait").types(LEFT)
    terminal.sees("Project name").types("shop/second", ENTER)
    terminal.sees("How many requests wait").types(ENTER)
    terminal.sees("What should come with it?").types(ENTER)
    # The last row of a list goes back too.
    terminal.sees("How large will it become?").types(UP, ENTER)
    terminal.sees("What should come with it?").types(ENTER)
    for question in QUESTIONS[3:-1]:
        terminal.sees(question).types(ENTER)
    terminal.sees("Create this project?").types(LEFT)
    terminal.sees("Where will it run?").types(ENTER)
    terminal.sees("Create this project?").types(ENTER)
    assert terminal.ends() == 0
    assert [path.name for path in work.iterdir()] == ["shop"]
    assert recorded(work / "shop" / "second")["async"] == "none"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        pytest.param("taken", "holds", id="directory"),
        pytest.param("json", "standard", id="module"),
        pytest.param("openai", "package", id="dependency"),
        pytest.param("a b", "ASCII", id="not-a-name"),
    ],
)
def test_a_name_that_is_refused_can_be_corrected(
    name: str, why: str, start: Start, work: Path
) -> None:
    (work / "taken").mkdir()
    (work / "taken" / "mine").touch()
    terminal = start("--framework", "flask", "--preset", "prototype")
    terminal.sees("Project name").types(name, ENTER)
    terminal.sees(why).sees("Project name").types(*BACKSPACE * len(name), "bot", ENTER)
    terminal.sees("How many requests wait").types(CTRL_C)
    assert terminal.ends() == 130
    assert [path.name for path in work.iterdir()] == ["taken"]


def test_declining_writes_nothing(start: Start, work: Path) -> None:
    terminal = start()
    for question in QUESTIONS[:-1]:
        terminal.sees(question).types(ENTER)
    terminal.sees("Create this project?").types(DOWN, ENTER)
    assert terminal.ends() == 130
    assert "nothing was written" in terminal.screen
    assert list(work.iterdir()) == []


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D], ids=["ctrl-c", "ctrl-d"])
@pytest.mark.parametrize("number", range(len(QUESTIONS) + 1), ids=[*QUESTIONS, LAST])
def test_a_question_can_be_left_and_leaves_nothing(
    number: int, key: str, start: Start, work: Path
) -> None:
    terminal = start(offered=True)
    for question in QUESTIONS[:number]:
        terminal.sees(question).types(ENTER)
    terminal.sees([*QUESTIONS, LAST][number]).types(key)
    assert terminal.ends() == 130
    assert "nothing was written" in terminal.screen
    assert list(work.iterdir()) == []


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param([], id="fastapi"),
        pytest.param(["--framework", "flask", "--preset", "prototype"], id="flask"),
    ],
)
def test_yes_at_the_last_question_runs_the_service_until_ctrl_c(
    flags: list[str], start: Start, work: Path
) -> None:
    terminal = start(*flags, offered=True)
    for question in QUESTIONS:
        if not flags or question != "Create which one?":
            terminal.sees(question).types(ENTER)
    terminal.sees(LAST).types(ENTER)
    address = terminal.finds(r"runs at (http://[\d.:]+)", TO_INSTALL)
    said = {"messages": [{"role": "user", "content": "Hello"}]}
    answer = httpx2.post(f"{address}/v1/chat/completions", json=said)
    assert "You said: Hello" in answer.text
    terminal.sees("Ctrl+C ends it").types(CTRL_C)
    assert terminal.ends() == 0
    assert ("in a browser" in terminal.screen) == (not flags), "a prototype has no page"
    assert "Next" in terminal.screen
    assert "pip install" not in terminal.screen, "it is installed"
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(("127.0.0.1", int(address.rpartition(":")[2])))
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert str(work) not in running.stdout


def test_no_at_the_last_question_shows_the_commands(start: Start, work: Path) -> None:
    terminal = start("../shop/bot", offered=True)
    for question in QUESTIONS[1:]:
        terminal.sees(question).types(ENTER)
    terminal.sees(LAST).types(LEFT)
    terminal.sees("Create this project?").types(ENTER)
    terminal.sees(LAST).types(DOWN, ENTER)
    assert terminal.ends() == 0
    assert "pip install -r requirements.txt" in terminal.screen
    assert not (work.parent / "shop" / "bot" / ".venv").exists()


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGTERM, 143, id="terminated"),
        pytest.param(signal.SIGHUP, 129, id="hung-up"),
    ],
)
def test_a_signal_at_a_question_leaves_nothing(
    number: int, code: int, start: Start, work: Path
) -> None:
    terminal = start().sees("Project name").types(ENTER).sees("How many requests wait")
    terminal.process.kill(number)
    assert terminal.ends() == code
    assert list(work.iterdir()) == []


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        pytest.param(["--plain"], {}, id="plain"),
        pytest.param([], {"TERM": "dumb"}, id="dumb"),
        pytest.param([], ASCII, id="ascii"),
    ],
)
def test_numbered_lines_do_the_same(
    arguments: list[str], variables: dict[str, str], start: Start, work: Path
) -> None:
    terminal = start(*arguments, **variables)
    terminal.sees("Project name [my-app]: ").types("import\n")
    terminal.sees("Project name [my-app]: ").types("first\n")
    terminal.sees("Number (enter for 1, b to go back): ").types("b\n")
    terminal.sees("Project name [first]: ").types("bot\n")
    terminal.sees("Number (enter for 1, b to go back): ").types("7\n")
    terminal.sees("'7' is none of the numbers from 1 to 4")
    terminal.sees("Number (enter for 1, b to go back): ").types("2\n")
    terminal.sees("Numbers, 0 for none (enter for 1 2, b to go back): ").types("2\n")
    terminal.sees("How large will it become?").sees("Number (").types("2\n")
    terminal.sees("Who will write it?").sees("Number (").types("\n")
    terminal.sees("Do any of these apply?").sees("Numbers,").types("0\n")
    terminal.sees("Create which one?").sees("Number (").types("\n")
    terminal.sees("Who serves the model?").sees("Number (").types("5\n")
    terminal.sees("Where will it run?").sees("Numbers,").types("1 2\n")
    terminal.sees("Create this project?").sees("Number (").types("\n")
    assert terminal.ends() == 0
    answers = recorded(work / "bot")
    expected = {"async": "none", "docs": False, "preset": "prototype", "provider": "ollama"}
    assert {**expected, "deploy": ["render", "docker"]}.items() <= answers.items()
    assert terminal.screen.isascii() or not variables.get("LC_ALL")
    assert "--plain" not in arguments or "Rendering" not in terminal.screen, "a spinner"


@pytest.mark.parametrize("keys", [CTRL_C, CTRL_D], ids=["ctrl-c", "ctrl-d"])
def test_numbered_lines_can_be_stopped(keys: str, start: Start, work: Path) -> None:
    terminal = start("--plain").sees("Project name [my-app]: ").types("bot\n")
    terminal.sees("Number (enter for 1, b to go back): ").types(keys)
    assert terminal.ends() == 130
    assert list(work.iterdir()) == []


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"COLUMNS": "20"}, id="20-columns"),
        pytest.param({"LANG": "C"}, id="c-locale"),
        pytest.param({"NO_COLOR": "1"}, id="no-color"),
    ],
)
def test_works_in_a_poor_terminal(variables: dict[str, str], start: Start, work: Path) -> None:
    terminal = start(**variables)
    # The first words: a narrow terminal breaks the rest, and the verdict before the last of them.
    for question in QUESTIONS:
        first = question.split()[:2]
        terminal.sees("which" if "which" in first else " ".join(first)).types(ENTER)
    assert terminal.ends() == 0
    assert faults_of_rendering(work / "my-app") == []


def test_what_was_given_is_not_asked(start: Start, work: Path) -> None:
    terminal = start("bot", "--async", "none", "--scale", "prototype", "--framework", "flask")
    for question in QUESTIONS[2:]:
        if question != "How large will it become?":
            terminal.sees(question).types(ENTER)
    assert terminal.ends() == 0
    assert "Project name" not in terminal.screen
    assert "How many requests wait" not in terminal.screen
    assert recorded(work / "bot")["framework"] == "flask"


def test_without_a_terminal_the_full_command_is_said(
    machine: Machine, scaffold: Path, work: Path
) -> None:
    given = ("bot", "--framework", "flask", "--description", "It's a bot")
    ended = subprocess.run(
        [str(scaffold), "new", *given],
        cwd=work,
        env=dict(machine.variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert list(work.iterdir()) == []
    fix = ended.stderr.splitlines()[-1].removeprefix("  fix: run ").strip("`")
    assert set(shlex.split(fix)) == {"genai-scaffold", "new", *given, "--yes"}
    machine.run(str(scaffold), *shlex.split(fix)[1:], directory=work)
    assert recorded(work / "bot")["description"] == "It's a bot"
