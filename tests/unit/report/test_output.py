"""Lines that are longer than a terminal: broken between words, and commands so that they run."""

import re
import subprocess
from io import StringIO

import pytest
from rich.console import Console

from genai_scaffold.report.output import folded, show_said, show_step

ASKS = """curl -s http://127.0.0.1:80/echo -H 'content-type: application/json' -d '{"a": "b c"}'"""


def terminal(width: int) -> Console:
    return Console(file=StringIO(), force_terminal=True, width=width)


@pytest.mark.parametrize("width", range(30, 130, 7))
def test_prose_is_broken_between_words(width: int) -> None:
    text = "Nothing is committed, since git doesn't know who you are; later it's committed anew."
    lines = folded(text, terminal(width), 6).split("\n" + " " * 6)
    assert " ".join(lines) == text
    assert max(map(len, lines)) <= width - 6


@pytest.mark.parametrize("width", range(40, 130, 7))
@pytest.mark.parametrize("is_command", [True, False], ids=["alone", "in-a-text"])
def test_a_command_can_be_pasted_however_it_is_broken(width: int, *, is_command: bool) -> None:
    text = ASKS if is_command else f"did you mean `{ASKS}`?"
    shown = folded(text, terminal(width), 4, is_command=is_command)
    pasted = shown if is_command else shown.split("`")[1]
    curl = """curl() { printf '%s\\n' "$@"; }; """
    said = subprocess.run(["sh", "-c", curl + pasted], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == [
        *("-s", "http://127.0.0.1:80/echo", "-H", "content-type: application/json"),
        *("-d", '{"a": "b c"}'),
    ]
    assert max(map(len, shown.splitlines())) <= width


def test_what_a_program_reads_is_one_line() -> None:
    text = f"did you mean `{ASKS}`?"
    assert folded(text, Console(file=StringIO(), width=20), 4) == text


def test_a_sentence_is_one_line_unless_its_reader_says_how_wide(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    console = Console(file=(file := StringIO()), width=20)
    monkeypatch.delenv("COLUMNS")
    show_said("Flask is recommended: 26 points to 11.", console)
    monkeypatch.setenv("COLUMNS", "20")
    show_said("Flask is recommended: 26 points to 11.", console)
    lines = [line.rstrip() for line in file.getvalue().splitlines()]
    assert lines == [
        "Flask is recommended: 26 points to 11.",
        *("Flask is", "recommended: 26", "points to 11."),
    ]


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (60, ["  git commit -m 'all of it'   (keeps the merge as it is)"]),
        (50, ["  git commit -m 'all of it'", "    (keeps the merge as it is)"]),
        (24, ["  git commit -m \\", "    'all of it'", "    (keeps the merge as", "     it is)"]),
    ],
)
def test_a_step_has_what_is_said_of_it_behind_it_or_below(width: int, shown: list[str]) -> None:
    console = Console(file=(file := StringIO()), force_terminal=True, width=width, no_color=True)
    show_step("git commit -m 'all of it'   (keeps the merge as it is)", console)
    assert re.sub(r"\x1b\[[\d;]*m", "", file.getvalue()).splitlines() == shown


def test_where_a_column_has_blanks_already_fewer_go_before_a_line() -> None:
    assert folded("one two", terminal(20), 15, indent=2) == "one\n  two"
