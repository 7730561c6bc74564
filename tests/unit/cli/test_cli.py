"""The command line as its users meet it: output, errors, exit codes, strange terminals."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Run

from genai_scaffold import __version__, errors
from genai_scaffold.answers.fields import LISTED_AS, fields
from genai_scaffold.create import project
from genai_scaffold.report import created, lists
from genai_scaffold.report.created import ASKS
from genai_scaffold.system import process as process_module
from genai_scaffold.system.process import Completed
from genai_scaffold.template.questions import template_questions
from genai_scaffold.wizard import conversation

pytestmark = pytest.mark.usefixtures("small_template")

Command = Callable[..., Run]

PROGRAM = [sys.executable, "-m", "genai_scaffold"]
COMMANDS = ["new", "recommend", "list", "check", "update", "switch", "add", "remove", "doctor"]


def process(
    *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run the program as a shell does."""
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, check=False, env=environment)


# Help.


def test_the_version_is_told(run: Command) -> None:
    assert run("--version").output == f"genai-scaffold {__version__}\n"


def test_help_names_every_command(run: Command) -> None:
    ended = run("--help")
    assert ended.code == 0
    assert [command for command in COMMANDS if f" {command} " not in ended.output] == []
    assert "--install-completion" in ended.output


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        pytest.param(["--help"], set(), id="help"),
        pytest.param(["--version"], set(), id="version"),
        pytest.param(["new", "--help"], {"jinja2", "yaml"}, id="help-of-new"),
    ],
)
def test_help_imports_nothing_that_is_slow(arguments: list[str], needed: set[str]) -> None:
    program = (
        "import sys\nfrom genai_scaffold.cli.exits import main\n"
        f"try:\n    main({arguments})\nfinally:\n"
        "    slow = {'copier', 'questionary', 'jinja2', 'prompt_toolkit', 'plumbum', 'yaml'}\n"
        "    print(sorted(slow & set(sys.modules)), file=sys.stderr)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr.strip()) == (0, str(sorted(needed)))


def test_the_collector_does_not_hold_up_the_end() -> None:
    program = (
        "import atexit, gc\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 0))\n"
        "from genai_scaffold import __main__\n__main__.run()\n"
    )
    command = [sys.executable, "-c", program, "--version"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.stdout.splitlines()[-1] == "True"


@pytest.mark.parametrize(
    ("incomplete", "offered"),
    [
        pytest.param("genai-scaffold new --framework fl", ["flask"], id="choice"),
        pytest.param("genai-scaffold new --deploy ", ["render", "docker", "none"], id="list"),
        pytest.param("genai-scaffold recommend --async h", ["high"], id="need"),
        pytest.param("genai-scaffold rec", ["recommend"], id="command"),
    ],
)
def test_the_shell_completes_choices(incomplete: str, offered: list[str]) -> None:
    environment = {
        **os.environ,
        "_GENAI_SCAFFOLD_COMPLETE": "complete_zsh",
        "_TYPER_COMPLETE_ARGS": incomplete,
    }
    ended = process(environment=environment)
    assert [value for value in offered if value not in ended.stdout.decode()] == []


# Errors.


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["new", "--framwork", "flask"], "--framework", id="unknown-option"),
        pytest.param(["recomend"], "recomend", id="unknown-command"),
        pytest.param(["recommend", "--async"], "requires an argument", id="missing-argument"),
        pytest.param(["new", "a", "b"], "b", id="extra-argument"),
        pytest.param(
            ["new", "--framework", "fastapy"],
            " --framework fastapi",
            id="framework",
        ),
        pytest.param(
            ["new", "--provider", "opnai"],
            " --provider openai",
            id="provider",
        ),
        pytest.param(
            ["new", "--feature", "cii"],
            " --feature ci",
            id="feature",
        ),
        pytest.param(
            ["new", "--deploy", "dcoker"],
            " --deploy docker",
            id="deploy",
        ),
        pytest.param(
            ["new", "--deploy", "cloudrun"],
            " --deploy cloud-run",
            id="target",
        ),
        pytest.param(
            ["new", "--deploy", "mod-wsgi", "--framework", "fastapi"],
            "--framework fastapi contradicts --deploy mod-wsgi",
            id="target-of-the-other-framework",
        ),
        pytest.param(
            ["new", "x", "--name", "json"],
            "`genai-scaffold new x --name json-app --yes`",
            id="name",
        ),
        pytest.param(["new", "openai"], "`genai-scaffold new openai-app --yes`", id="directory"),
        pytest.param(["new", ""], "empty word", id="empty-directory"),
        pytest.param(["new", "~/x"], "tilde", id="tilde"),
        pytest.param(["new", "x", "--description", "a\x07b"], "U+0007", id="control"),
        pytest.param(["new", "x", "--author", "x" * 201], "200 is the most", id="long"),
        pytest.param(["new", "--answers", "none.yml"], "no answers file", id="answers"),
        pytest.param(["list", "framework"], "`genai-scaffold list frameworks`", id="list"),
        pytest.param(["check", "nowhere"], "no such directory", id="check"),
        pytest.param(["recommend", "--hosting", "asgi"], "any, wsgi", id="need"),
    ],
)
def test_what_the_user_got_wrong_is_told_in_three_lines(
    arguments: list[str], words: str, run: Command, work: Path
) -> None:
    ended = run(*arguments, *(["--yes"] if arguments[0] == "new" else []))
    assert ended.code == 2
    assert ended.output == ""
    first, *rest = ended.errors.splitlines()
    assert first.startswith("error: ")
    assert [line[:7] for line in rest] == ["  why: ", "  fix: "]
    assert words in ended.errors
    assert list(work.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["new", "bot"], id="plain"),
        pytest.param(["new", "bot", "--dry-run"], id="dry-run"),
        pytest.param(["new", "bot", "--json"], id="json"),
        pytest.param(["new", "my bot/bot", "--description", "It's"], id="to-be-quoted"),
        pytest.param(["new"], id="no-directory"),
        pytest.param(["new", "--name", "bot", "--", "-x"], id="like-a-flag"),
    ],
)
def test_without_a_terminal_nothing_is_guessed(
    arguments: list[str], run: Command, work: Path
) -> None:
    ended = run(*arguments)
    assert ended.code == 2
    assert list(work.iterdir()) == []
    command = shlex.split(ended.errors.rpartition("fix: run ")[2].strip("`\n"))
    assert command[0] == "genai-scaffold"
    assert run(*command[1:], "--no-git").code == 0


def test_a_bug_leaves_a_log_to_paste(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("the moon")

    monkeypatch.setattr(lists, "show_list", broken)
    ended = run("list")
    assert ended.code == 1
    assert "ZeroDivisionError: the moon" in ended.errors
    log = Path(ended.errors.rpartition("with the log ")[2].strip())
    assert "Traceback" in log.read_text()
    assert __version__ in log.read_text()
    log.unlink()


def test_verbose_shows_the_traceback() -> None:
    ended = process("check", "nowhere", "--verbose")
    assert ended.returncode == 2
    assert b"Traceback" in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith(b"  fix: ")


# Results.


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["recommend"], id="recommend"),
        pytest.param(["list"], id="list"),
        pytest.param(["doctor"], id="doctor"),
        pytest.param(["new", "bot", "--yes"], id="new"),
        pytest.param(["new", "bot", "--yes", "--dry-run"], id="dry-run"),
        pytest.param(["new", "bot", "--yes", "--no-validation"], id="with-a-note"),
    ],
)
def test_json_is_one_document_and_nothing_else(arguments: list[str], run: Command) -> None:
    ended = run(*arguments, "--json")
    assert ended.document["schema"] == 1
    assert ended.output.endswith("}\n")
    assert ended.errors == ""


def test_new_names_all_that_it_decided(run: Command, work: Path) -> None:
    document = run("new", "bot", "--yes", "--json").document
    assert document["path"] == str(work / "bot")
    assert document["framework"] == {"value": "fastapi", "source": "recommendation"}
    assert set(document["answers"]) == set(fields())
    assert document["recommendation"]["scores"]["fastapi"] > 0
    assert document["command"] == "genai-scaffold new bot --yes"
    assert document["next"] == [
        "cd bot",
        "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt",
        ".venv/bin/uvicorn main:app --port 8000",
        ASKS,
    ]


def test_the_page_is_named_where_there_is_one(run: Command) -> None:
    *_, address, _, _, asking, _, _, _ = run("new", "bot", "--yes").output.splitlines()
    assert (address, asking) == (f"  {created.ADDRESS}", f"  {ASKS}")
    assert "browser" not in run("new", "bare", "--yes", "--feature", "none").output


@pytest.mark.parametrize(
    ("framework", "command"),
    [
        ("fastapi", ".venv/bin/uvicorn main:app --port 8000"),
        ("flask", ".venv/bin/gunicorn app:app --bind 127.0.0.1:8000"),
    ],
)
def test_the_next_steps_are_those_of_the_framework(
    framework: str, command: str, run: Command
) -> None:
    assert command in run("new", "bot", "--yes", "--framework", framework).output


def test_recommend_prints_the_schema_that_was_promised(run: Command) -> None:
    document = run("recommend", "--json", "--hosting", "wsgi").document
    assert document["framework"] == "flask"
    assert document["decisive"]
    reason = {"criterion", "favours", "points", "said", "because", "source"}
    assert reason == set(document["reasons"][0])
    assert {"need", "from", "to", "said"} == set(document["would_change"][0])
    assert document["needs"]["hosting"] == "wsgi"
    assert document["sources"] == {**dict.fromkeys(document["needs"], "default"), "hosting": "flag"}
    assert (document["call"], document["margin"], document["open"]) == ("decided", 12, False)
    assert "confidence" not in document


def test_of_several_services_it_says_how_to_begin(run: Command) -> None:
    begin = "genai-scaffold new shop --preset workspace"
    service = "genai-scaffold new shop/services/NAME"
    several = run("recommend", "--scale", "microservices")
    assert several.output.endswith(f"\n\nBegin with the root of all services: {begin}\n")
    document = run("recommend", "--scale", "microservices", "--json").document
    assert document["next"] == [begin, service]
    assert run("recommend", "--json").document["next"] == []
    assert begin not in run("recommend", "--scale", "service").output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param([], ["FastAPI is recommended", "12 points to 0", "+12"], id="fastapi"),
        pytest.param(["--hosting", "wsgi"], ["Flask is recommended: a WSGI server"], id="decisive"),
        pytest.param(["--app", "web"], ["Flask", "in a close call: 12 points to 11."], id="close"),
        pytest.param(["--async", "none", "--no-validation"], ["A tie, 6 points to 6."], id="tie"),
        pytest.param(
            ["--no-docs"],
            ["Flask instead, if you say one of: ", "--app web", "--async none"],
            id="flip",
        ),
        pytest.param(["--verbose"], ["Assumed, and so counted once: FastAPI was"], id="verbose"),
    ],
)
def test_recommend_shows_scores_reasons_and_what_would_change_it(
    arguments: list[str], words: list[str], run: Command
) -> None:
    output = run("recommend", *arguments).output
    assert [word for word in words if word not in output] == []


@pytest.mark.parametrize(
    ("command", "whole"),
    [
        pytest.param("recommend --app web", "typed requests (+2), a team", id="recommend"),
        pytest.param("list needs", "a minute and wait 10 seconds are 10", id="list"),
        pytest.param("doctor", "say --yes, or give --answers FILE", id="doctor"),
        pytest.param("new x --yes --dry-run", "(recommendation)", id="dry-run"),
    ],
)
def test_what_a_program_reads_has_no_blanks_at_the_ends_and_no_breaks(
    command: str, whole: str, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS")
    lines = run(*command.split()).output.splitlines()
    assert lines == [line.rstrip() for line in lines]
    assert [line for line in lines if whole in line] != []


def test_a_recommendation_takes_neither_the_template_nor_what_is_slow() -> None:
    """So it starts nearly as fast as --help: 1.3 times its time, as benchmarks/ measures."""
    program = """
import sys
from genai_scaffold.cli.exits import main
try:
    main(["recommend", "--app", "web"])
finally:
    slow = {"yaml", "jinja2", "copier", "pydantic", "rich.console", "genai_scaffold.create.project"}
    print(*slow & set(sys.modules))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ended.stdout.splitlines()[-1] == b""


def test_an_asked_for_framework_is_not_called_recommended(run: Command) -> None:
    output = run("new", "bot", "--yes", "--framework", "flask").output
    assert "You asked for Flask; the recommendation was FastAPI." in output


@pytest.mark.parametrize("kind", [*LISTED_AS.values(), "needs"])
def test_a_list_holds_every_choice(kind: str, run: Command) -> None:
    document = run("list", kind, "--json").document
    assert set(document) == {"schema", kind}
    if kind == "needs":
        assert [entry["need"] for entry in document[kind]][:2] == ["async", "docs"]
        return
    [question] = [q for q in template_questions().values() if LISTED_AS.get(q.name) == kind]
    assert [entry["value"] for entry in document[kind]] == [c.value for c in question.choices]
    output = run("list", kind).output
    assert [choice for choice in question.choices if choice.label not in output] == []


def test_a_dry_run_lists_what_would_be_written(run: Command, work: Path) -> None:
    foreseen = run("new", "bot", "--yes", "--dry-run", "--json").document
    assert foreseen["dry_run"] is True
    assert list(work.iterdir()) == []
    shown = run("new", "bot", "--yes", "--dry-run").output
    written = run("new", "bot", "--yes", "--json").document
    assert foreseen["files"] == written["files"]
    assert [path for path in written["files"] if f"  {path}\n" not in shown] == []


def test_quiet_says_where_the_project_is_and_no_more(run: Command, work: Path) -> None:
    ended = run("new", "bot", "--yes", "--quiet", "--no-validation")
    assert ended.output == f"{work / 'bot'}\n"
    assert ended.errors == ""


def test_what_users_write_is_no_markup(run: Command) -> None:
    ended = run("new", "[red]bot/bot", "--yes", "--no-git", "--description", "[bold]x[/bold] :x:")
    assert "cd '[red]bot/bot'" in ended.output
    assert "'[bold]x[/bold] :x:'" in ended.output


# Strange surroundings.


@pytest.mark.parametrize("command", [["recommend"], ["list"], ["doctor"], ["new", "b", "--yes"]])
@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, id="ascii"),
        pytest.param({"PYTHONIOENCODING": "latin-1"}, id="latin-1"),
        pytest.param({"COLUMNS": "20"}, id="narrow"),
        pytest.param({"TERM": "dumb"}, id="dumb"),
    ],
)
def test_a_poor_terminal_is_enough(command: list[str], environment: dict[str, str]) -> None:
    ended = process(*command, environment={**os.environ, **environment})
    assert ended.returncode == 0, ended.stderr
    assert b"\x1b" not in ended.stdout + ended.stderr
    if "LC_ALL" in environment:
        assert ended.stdout.isascii()


@pytest.mark.usefixtures("small_template")
def test_neither_home_nor_variables_are_needed(work: Path) -> None:
    environment = {key: os.environ[key] for key in ("PYTHONPATH",) if key in os.environ}
    ended = process("new", "bot", "--yes", environment=environment)
    assert ended.returncode == 0, ended.stderr
    assert (work / "bot/README.md").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="streams are closed as POSIX shells do")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_survived(closed: str, work: Path) -> None:
    line = f"{shlex.join(PROGRAM)} new bot --yes --no-git {closed}"
    ended = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert (work / "bot/main.py").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break as POSIX pipes do")
def test_a_reader_that_leaves_is_no_error() -> None:
    line = f"{shlex.join(PROGRAM)} list --json | head -n 1"
    ended = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=False)
    assert ended.stderr == b""
    read, write = os.pipe()
    os.close(read)
    left = subprocess.run([*PROGRAM, "list"], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert left.stderr == b""


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch, run: Command) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[3" not in run("recommend").output
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b[1mFastAPI" in run("recommend").output


def test_nothing_has_a_colour_that_some_background_hides(
    monkeypatch: pytest.MonkeyPatch, run: Command
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR")
    ended = [run("new", "bot", "--yes"), run("new", "bot", "--yes"), run("update", "nowhere")]
    ended += [run("recommend"), run("list"), run("doctor")]
    said = "".join(each.output + each.errors for each in ended)
    assert "✓" in said
    assert re.findall(r"\x1b\[(?:\d+;)*[349]\d[\d;]*m([^\x1b]*)", said) == []


def test_a_dumb_terminal_is_as_wide_as_it_says(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("FORCE_COLOR", "1")  # so that it is taken for a terminal
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, run("recommend").output.splitlines())) <= 60


@pytest.mark.parametrize("columns", ["0", "-5", "9999999", "wide"])
def test_a_width_that_cannot_be_is_not_believed(
    columns: str, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert "FastAPI is recommended" in run("recommend").output
    assert "no such directory" in run("update", "nowhere").errors


@pytest.mark.parametrize("directory", ["a" * 300, f"{'a' * 300}/x"])
def test_a_name_that_no_disk_takes_is_no_bug(directory: str, run: Command, work: Path) -> None:
    ended = run("new", directory, "--name", "ok", "--yes")
    assert ended.code == 4, ended.errors
    assert list(work.iterdir()) == []


def test_a_working_directory_that_is_gone_is_no_traceback(run: Command, work: Path) -> None:
    (work / "gone").mkdir()
    os.chdir(work / "gone")
    (work / "gone").rmdir()
    ended = run("new", "bot", "--yes")
    assert ended.code == 4, ended.errors
    os.chdir(work)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_before_the_rename_says_that_nothing_was_written(
    number: int, run: Command, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        os.kill(os.getpid(), number)

    monkeypatch.setattr(project, "make_repository", stop)
    ended = run("new", "deep/bot", "--yes")
    assert (ended.code, ended.errors) == (128 + number, "Stopped: nothing was written.\n")
    assert list(work.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_during_the_installation_keeps_the_project(
    number: int, run: Command, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = process_module.run_program

    def run_or_stop(command: list[str], **options: Any) -> Completed:
        if command[0] != "git":
            os.kill(os.getpid(), number)
        return real(command, **options)

    monkeypatch.setattr(process_module, "run_program", run_or_stop)
    ended = run("new", "bot", "--yes", "--install")
    assert ended.code == 128 + number
    assert "is complete and kept" in ended.errors
    assert "cd bot && python3 -m venv" in ended.errors
    assert (work / "bot/main.py").exists()


def test_a_stop_that_comes_too_late_says_that_the_project_is_kept(
    run: Command, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        created, "show_created", lambda *_, **__: signal.raise_signal(signal.SIGTERM)
    )
    ended = run("new", "bot", "--yes")
    assert (ended.code, ended.errors) == (143, "Stopped.\nThe project is complete and kept.\n")
    assert (work / "bot/main.py").exists()


def test_ctrl_c_at_a_prompt_is_130(
    run: Command, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("genai_scaffold.cli.new.can_ask", lambda _: True)
    monkeypatch.setattr(conversation, "ask_for_plan", stop)
    ended = run("new", "bot")
    assert (ended.code, ended.errors) == (130, "Stopped: nothing was written.\n")
    assert list(work.iterdir()) == []


def test_every_exit_code_is_documented_by_an_error() -> None:
    classes = errors.ScaffoldError.__subclasses__()
    assert sorted(cls.exit_code for cls in classes) == [2, 3, 4, 5, 6]


def test_the_module_runs_as_the_program_does() -> None:
    assert re.fullmatch(rb"genai-scaffold \S+\n", process("--version").stdout)
    document = json.loads(process("list", "pythons", "--json").stdout)
    assert document["pythons"][0]["value"] == "3.11"
