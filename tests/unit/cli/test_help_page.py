"""The help of a command with many flags."""

from collections.abc import Callable

import pytest
from conftest import Run

from genai_scaffold.answers.fields import fields
from genai_scaffold.cli import help_page
from genai_scaffold.cli.help_page import Flag, Section, help_page_of, offered

SCREEN = 24  # lines
FLAG = Flag("--deploy", "Where it will run: docker, cloud-run, somewhere-else.")


def test_the_help_of_new_fits_two_screens(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = run("new", "--help").output.splitlines()
    assert len(lines) <= 2 * SCREEN
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if "genai-scaffold new" in line][1:]  # examples


@pytest.mark.parametrize("command", ["new", "recommend"])
def test_every_answer_has_its_flag_and_its_values(run: Callable[..., Run], command: str) -> None:
    said = run(command, "--help").output.split()
    words = {word.strip(".,[]") for word in said} | {word.replace("[no-]", "") for word in said}
    needs = {"async", "docs", "validation", "scale", "team", "app", "extensions", "hosting"}
    for field in fields().values():
        if command == "new" or field.key in needs:
            assert {field.flag, *field.values} <= words


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("", {"doctor", "--version", "--install-completion"}),
        ("list", {"KIND", "licenses"}),
        ("check", {"PATH", "--exclude"}),
        ("update", {"PATH", "--set", "--base"}),
        ("switch", {"fastapi|flask", "--dry-run"}),
        ("add", {"NAME", "--project"}),
        ("remove", {"NAME", "--project"}),
        ("doctor", {"--json"}),
    ],
)
def test_each_help_is_of_one_kind(
    run: Callable[..., Run],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    named: set[str],
    width: int,
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    said = run(*command.split(), "--help").output
    flags = [line for line in said.splitlines() if line.startswith(" ") and "genai" not in line]
    assert max(map(len, flags)) <= max(width, 2 * help_page.COLUMN)
    assert named <= {word.strip(".,") for word in said.split()}
    assert "<" not in said
    assert "│" not in said


@pytest.mark.parametrize("width", [20, 40, 60, 80])
def test_no_word_is_broken(width: int) -> None:
    section = Section("Flags", [FLAG])
    text = help_page_of("x", "It does what it says", ["x --deploy docker"], [section], width)
    assert set(FLAG.text.split()) <= set(text.split())


@pytest.mark.parametrize(
    ("text", "brief"),
    [
        ("How large it will become; a prototype stays small.", "How large it will become"),
        ("Author, for the licence (may be empty)", "Author, for the licence"),
        ("Only on a WSGI server such as mod_wsgi.", "Only on a WSGI server"),
    ],
)
def test_an_explanation_begins_with_what_matters(text: str, brief: str) -> None:
    assert help_page.brief(text) == brief


def test_what_is_chosen_otherwise_is_marked() -> None:
    assert offered(["a", "b", "c"], "a, c; prototype: none") == "[a], b, [c]"
    assert offered([], "yes") == "[yes]"
