"""The conversation, played by a script: questions, the way back, overrides, and the end."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import pytest

from genai_scaffold.answers.sources import from_environment, from_flags
from genai_scaffold.create.plan import Plan
from genai_scaffold.create.project import planned_files
from genai_scaffold.errors import DestinationError, UsageError
from genai_scaffold.recommendation.criteria import Choice
from genai_scaffold.report.created import show_running
from genai_scaffold.template import render
from genai_scaffold.template.questions import template_questions
from genai_scaffold.wizard import conversation, prompts
from genai_scaffold.wizard.conversation import (
    CANCEL,
    INSTALL_AND_START,
    START,
    ask_for_plan,
    complete_answers,
)
from genai_scaffold.wizard.focus import with_focus
from genai_scaffold.wizard.prompts import (
    ArrowKeys,
    Back,
    NumberedLines,
    Prompter,
    choose_prompter,
)
from genai_scaffold.wizard.questions import NOT_SURE, STEPS

if TYPE_CHECKING:
    from questionary import Question as Prompt
    from questionary.prompts.common import InquirerControl

pytestmark = pytest.mark.usefixtures("small_template")

# What the user does at a prompt: takes the default, goes back, stops, or answers.
DEFAULT, BACK, STOP = "<default>", "<back>", "<stop>"
Line: TypeAlias = tuple[str, str | Collection[str]]


class Script:
    """A prompter that plays a script, and insists that every question is the expected one."""

    back = True

    def __init__(self, *lines: Line) -> None:
        self.lines: Iterator[Line] = iter(lines)
        self.asked: list[str] = []
        self.rows: dict[str, list[str]] = {}
        self.defaults: dict[str, object] = {}
        self.hints: dict[str, str] = {}

    def asking(self) -> AbstractContextManager[None]:
        return nullcontext()

    def _answer(self, question: str, default: str | Collection[str]) -> str | Collection[str]:
        expected, answer = next(self.lines, (question, DEFAULT))
        assert expected in question
        self.asked.append(question)
        self.defaults[question] = default
        if answer == BACK:
            raise Back
        if answer == STOP:
            raise KeyboardInterrupt
        return default if answer == DEFAULT else answer

    def text(
        self, question: str, default: str, refusal: Callable[[str], str | None], hint: str = ""
    ) -> str:
        del hint
        text = str(self._answer(question, default))
        assert refusal(text) is None, refusal(text)
        return text

    def select(self, question: str, choices: Sequence[Choice[str]], default: str) -> str:
        self.rows[question] = [choice.value for choice in choices]
        self.hints |= {f"{question} {choice.value}": choice.hint for choice in choices}
        assert default in self.rows[question]
        return str(self._answer(question, default))

    def multiselect(
        self, question: str, choices: Sequence[Choice[str]], default: Collection[str]
    ) -> tuple[str, ...]:
        self.rows[question] = [choice.value for choice in choices]
        self.hints |= {f"{question} {choice.value}": choice.hint for choice in choices}
        return tuple(self._answer(question, default))


QUESTIONS = [
    "Project name",
    "How many requests",
    "come with it",
    "How large",
    "Who will write",
    "any of these apply",
    "Create which one",
    "serves the model",
    "Where will it run",
    "Create this project",
]


T = TypeVar("T")


def about(asked: dict[str, T], words: str) -> T:
    """What belongs to the question with these words."""
    return next(value for question, value in asked.items() if words in question)


Flags: TypeAlias = dict[str, str | bool | list[str]]


def talk(script: Script, directory: str | None = None, flags: Flags | None = None) -> Plan:
    return ask_for_plan(from_flags(flags or {}), directory, script)


def given(plan: Plan) -> dict[str, object]:
    return {key: answer.value for key, answer in plan.given.items()}


def test_enter_all_the_way_gives_the_defaults() -> None:
    script = Script(*[(question, DEFAULT) for question in QUESTIONS])
    plan = talk(script)
    assert len(script.asked) == len(QUESTIONS)
    assert given(plan) == {}
    assert plan.command == ["genai-scaffold", "new", "my-app", "--yes"]


def test_only_what_has_a_question_before_it_offers_the_way_back() -> None:
    class Watching(Script):
        def __init__(self) -> None:
            super().__init__()
            self.offered: list[bool] = []

        def _answer(self, question: str, default: str | Collection[str]) -> str | Collection[str]:
            self.offered.append(self.back)
            return super()._answer(question, default)

    script = Watching()
    talk(script, "bot")
    assert script.offered == [False] + [True] * (len(QUESTIONS) - 2)


def test_the_terminal_is_kept_as_the_questions_need_it_from_the_first_to_the_last() -> None:
    class Watching(Script):
        is_kept = False

        @contextmanager
        def asking(self) -> Iterator[None]:
            self.is_kept = True
            yield
            self.is_kept = False

        def _answer(self, question: str, default: str | Collection[str]) -> str | Collection[str]:
            assert self.is_kept
            return super()._answer(question, default)

    script = Watching()
    talk(script)
    complete_answers(["python"], {"python": "3.13"}, script)
    assert not script.is_kept


def test_the_summary_says_whose_answers_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    plan = talk(Script(), flags={"license": "mit"})
    assert {"name", "provider", "framework"} <= plan.asked
    assert not {"async", "docs", "team"} & plan.asked, "they were assumed"
    said = capsys.readouterr().err
    assert re.search(r"^  provider +openai +\(your answer\) *$", said, re.MULTILINE)
    assert re.search(r"^  license +mit +\(flag\) *$", said, re.MULTILINE)
    assert "By default: description A GenAI backend, async high, docs yes" in said
    assert "More later: genai-scaffold add. All answers as flags: genai-scaffold new --help" in said


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (40, 20)])
def test_the_summary_and_its_question_are_on_the_screen(
    columns: int, lines: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    question = ["? Create this project?", "keys", "... back", "Create it", "Cancel", "Back"]
    folders = {".agents": 1, ".github": 3, "backend": 65, "docs": 1, "tests": 23, ".": 16}
    files = tuple(
        f"{folder}/{n}".removeprefix("./") for folder, many in folders.items() for n in range(many)
    )
    monkeypatch.setattr(conversation, "planned_files", lambda _: files)
    monkeypatch.setenv("COLUMNS", str(columns))
    talk(Script(*[(asked, DEFAULT) for asked in QUESTIONS[:-1]]))
    summary = re.split(r"\n(?=  preset )", capsys.readouterr().err)[-1].splitlines()
    *shown, place = summary
    assert place.endswith("my-app"), "where, nearest to the question"
    assert max(map(len, shown)) <= columns
    rows = sum(-(-max(len(line), 1) // columns) for line in shown)
    assert rows + len([place, *question]) <= lines


def test_there_are_at_most_eight_questions_about_the_project() -> None:
    asked = [step for step in STEPS if "preset" not in step.keys]
    assert len(asked) == 8
    assert len(STEPS) - len(asked) == 2, "the framework, and of several services what comes first"


def test_what_is_answered_is_planned() -> None:
    plan = talk(
        Script(
            ("Project name", "bot"),
            ("How many", "none"),
            ("come with it", ["validation"]),
            ("How large", "prototype"),
            ("Who will", "flask"),
            ("any of these", ["extensions"]),
            ("Create which", "flask prototype"),
            ("serves", "ollama"),
            ("Where", []),
            ("Create this", DEFAULT),
        )
    )
    assert given(plan) == {
        "name": "bot",
        "async": "none",
        "docs": False,
        "scale": "prototype",
        "team": "flask",
        "extensions": True,
        "preset": "prototype",
        "provider": "ollama",
        "deploy": (),
    }
    assert plan.answers.by_key["framework"][:2] == ("flask", "recommendation")
    assert plan.destination.name == "bot"


def test_the_recommendation_can_be_overridden(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [(question, DEFAULT) for question in QUESTIONS]
    lines[6] = ("FastAPI is recommended for a typical GenAI API: 12 points", "flask service")
    plan = talk(Script(*lines))
    assert plan.answers.by_key["framework"][:2] == ("flask", "prompt")
    said = capsys.readouterr()
    assert "Flask instead, if one of these holds:" in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("question", "need", "default"),
    [
        pytest.param("How many", "async", "high", id="async"),
        pytest.param("How large", "scale", "service", id="scale"),
        pytest.param("Who will", "team", "typed", id="team"),
    ],
)
def test_what_is_picked_is_said_and_who_is_not_sure_says_nothing(
    question: str, need: str, default: str
) -> None:
    position = next(n for n, asked in enumerate(QUESTIONS) if question in asked)
    before = [(asked, DEFAULT) for asked in QUESTIONS[:position]]
    script = Script(*before, (question, default))
    plan = talk(script)
    assert about(script.rows, question)[0] == about(script.defaults, question) == NOT_SURE
    assert plan.recommendation.said == (need,)
    assert [f"--{need}", default] == plan.command[-3:-1], "it makes the same record again"
    following = QUESTIONS[position + 1]
    taken_back = [(question, default), (following, BACK), (question, NOT_SURE)]
    script = Script(*before, *taken_back, (following, BACK))
    assert talk(script).recommendation.said == ()
    assert about(script.defaults, question) == NOT_SURE


def test_what_the_settings_say_of_a_need_is_said() -> None:
    script = Script()
    plan = ask_for_plan(from_environment({"GENAI_SCAFFOLD_ASYNC": "some"}), None, script)
    assert about(script.rows, "How many") == ["none", "some", "high"]
    assert plan.recommendation.said == ("async",)


def test_the_way_back_leads_through_every_question() -> None:
    forth = [(question, DEFAULT) for question in QUESTIONS]
    back = [(question, BACK) for question in reversed(QUESTIONS)]
    script = Script(*forth[:-1], *back, *forth)
    talk(script)
    assert len(script.asked) == 3 * len(QUESTIONS) - 1


def test_what_was_answered_is_the_default_after_going_back() -> None:
    script = Script(
        ("Project name", DEFAULT),
        ("How many", "some"),
        ("come with it", BACK),
        ("How many", DEFAULT),
        ("come with it", []),
        ("How large", BACK),
    )
    plan = talk(script)
    assert given(plan) == {"async": "some", "docs": False, "validation": False}


@pytest.mark.parametrize("stop", range(len(QUESTIONS)), ids=QUESTIONS)
def test_stopping_at_any_question_leaves_nothing(stop: int, work: Path) -> None:
    lines = [(question, DEFAULT) for question in QUESTIONS[:stop]]
    with pytest.raises(KeyboardInterrupt):
        talk(Script(*lines, (QUESTIONS[stop], STOP)))
    assert list(work.iterdir()) == []


def test_cancelling_the_summary_stops() -> None:
    lines = [(question, DEFAULT) for question in QUESTIONS[:-1]]
    with pytest.raises(KeyboardInterrupt):
        talk(Script(*lines, ("Create this", CANCEL)))


@pytest.mark.parametrize(
    ("flags", "gone"),
    [
        pytest.param({"async": "high"}, ["How many"], id="need"),
        pytest.param({"docs": True, "validation": True}, ["come with it"], id="both-of-two"),
        pytest.param({"docs": True}, [], id="one-of-two"),
        pytest.param({"app": "api", "extensions": False, "hosting": "any"}, ["any of"], id="three"),
        pytest.param({"framework": "flask", "preset": "service"}, ["Create which"], id="framework"),
        pytest.param({"deploy": ["docker"]}, ["Where will"], id="deploy"),
        pytest.param({"name": "bot"}, ["Project name"], id="name"),
    ],
)
def test_what_was_given_is_not_asked(flags: Flags, gone: list[str]) -> None:
    script = Script()
    talk(script, flags=flags)
    assert len(script.asked) == len(QUESTIONS) - len(gone)
    assert not [asked for asked in script.asked if any(word in asked for word in gone)]


def test_a_directory_is_the_name() -> None:
    script = Script()
    assert talk(script, "some/bot").answers["name"] == "bot"
    assert "Project name" not in script.asked


def test_what_the_settings_say_is_a_default_and_still_asked() -> None:
    script = Script()
    settings = from_environment({"GENAI_SCAFFOLD_PROVIDER": "ollama"})
    plan = ask_for_plan(settings, None, script)
    assert script.defaults["Who serves the model?"] == "ollama"
    assert plan.answers.by_key["provider"][:2] == ("ollama", "environment")


def test_a_prototype_is_suggested_for_something_small() -> None:
    script = Script(
        *[(question, DEFAULT) for question in QUESTIONS[:3]], ("How large", "prototype")
    )
    plan = talk(script)
    assert about(script.defaults, "Create which one?") == "fastapi prototype"
    assert plan.answers.by_key["preset"][:2] == ("prototype", "prompt")
    assert plan.answers["deploy"] == ("render",)


SEVERAL = [*((question, DEFAULT) for question in QUESTIONS[:3]), ("How large", "microservices")]


def test_of_several_services_the_root_may_come_first_and_has_no_other_question() -> None:
    script = Script(*SEVERAL[1:], ("what comes first", DEFAULT), ("Create this", DEFAULT))
    plan = talk(script, flags={"name": "shop"})
    assert plan.answers.is_workspace
    assert len(script.asked) == len(SEVERAL) - 1 + len(["what comes first", "create it"])
    assert plan.command == ["genai-scaffold", "new", "shop", "--preset", "workspace", "--yes"]


def test_one_of_several_services_is_asked_all() -> None:
    script = Script(*SEVERAL, ("what comes first", "service"))
    plan = talk(script)
    assert about(script.rows, "what comes first") == ["workspace", "service"]
    assert about(script.rows, "Create which one?")[:2] == ["fastapi service", "fastapi prototype"]
    assert plan.answers["preset"] == "service"


def test_the_way_back_leads_over_the_root() -> None:
    script = Script(
        *SEVERAL,
        ("what comes first", DEFAULT),
        ("Create this", BACK),
        ("what comes first", BACK),
        ("How large", "service"),
        ("Who will", DEFAULT),
    )
    assert not talk(script).answers.is_workspace


def test_inside_a_workspace_nothing_is_asked_about_one(work: Path) -> None:
    (work / ".git").mkdir()
    (work / ".copier-answers.yml").write_text("preset: workspace\nproject_name: shop\n")
    script = Script(*SEVERAL, ("Who will", DEFAULT))
    plan = talk(script)
    assert about(script.defaults, "Project name") == "services/my-app"
    assert plan.destination == work / "services/my-app"
    with pytest.raises(AssertionError, match="is no place for a service"):
        talk(Script(("Project name", "bot")))


def test_a_root_that_was_asked_for_by_flag_is_asked_its_name_alone() -> None:
    script = Script(("Project name", "shop"), ("Create this", DEFAULT))
    plan = talk(script, flags={"preset": "workspace"})
    assert (plan.answers["name"], len(script.asked)) == ("shop", 2)


def test_only_what_is_possible_is_offered() -> None:
    script = Script()
    talk(script)
    assert "mod-wsgi" not in script.rows["Where will it run?"]
    script = Script(*[(question, DEFAULT) for question in QUESTIONS[:5]], ("any of", ["hosting"]))
    plan = talk(script)
    assert about(script.rows, "Create which one?") == ["flask service", "flask prototype"]
    assert "mod-wsgi" in script.rows["Where will it run?"]
    assert script.defaults["Where will it run?"] == plan.answers["deploy"] == ("mod-wsgi",)
    assert plan.answers.by_key["framework"][:2] == ("flask", "recommendation")


def test_a_contradiction_is_explained_and_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    script = Script(("any of", ["hosting"]), ("any of", []))
    flags: Flags = {
        "name": "bot", "async": "high", "docs": True, "validation": True, "scale": "service",
        "team": "typed", "framework": "fastapi",
    }  # fmt: skip
    plan = talk(script, flags=flags)
    assert "--framework fastapi contradicts hosting = wsgi" in capsys.readouterr().err
    assert plan.answers["hosting"] == "any"


def test_a_name_in_the_way_is_refused_at_once(work: Path) -> None:
    (work / "taken").mkdir()
    (work / "taken/file").touch()
    refused: list[str | None] = []

    class Typing(Script):
        def text(
            self, question: str, default: str, refusal: Callable[[str], str | None], hint: str = ""
        ) -> str:
            refused.extend(map(refusal, ["taken", "openai", "free"]))
            return super().text(question, default, refusal, hint)

    talk(Typing())
    assert [bool(why) for why in refused] == [True, True, False]


def test_a_directory_in_the_way_is_refused_before_any_question(work: Path) -> None:
    (work / "taken").mkdir()
    (work / "taken/file").touch()
    script = Script()
    with pytest.raises(DestinationError):
        talk(script, "taken")
    with pytest.raises(UsageError):
        talk(script, "openai")
    assert script.asked == []


# Numbered lines, as typed.


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> Prompter:
    monkeypatch.setattr("sys.stdin", StringIO("".join(f"{line}\n" for line in lines)))
    return NumberedLines()


ROWS = (Choice("a", "first"), Choice("b", "second"), Choice("c", "third"))


@pytest.mark.parametrize(
    ("lines", "chosen"),
    [
        pytest.param(["2"], "b", id="number"),
        pytest.param([""], "c", id="enter"),
        pytest.param(["0", "4", "x", "²", " 1 "], "a", id="after-nonsense"),
    ],
)
def test_a_number_selects(lines: list[str], chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert typed(monkeypatch, *lines).select("Which?", ROWS, "c") == chosen


@pytest.mark.parametrize(
    ("lines", "chosen"),
    [
        pytest.param([""], ("a", "c"), id="enter"),
        pytest.param(["2"], ("b",), id="one"),
        pytest.param(["3,1"], ("a", "c"), id="in-their-order"),
        pytest.param(["0"], (), id="none"),
        pytest.param(["4", "a b", "1 2"], ("a", "b"), id="after-nonsense"),
    ],
)
def test_numbers_select_many(
    lines: list[str], chosen: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert typed(monkeypatch, *lines).multiselect("Which?", ROWS, ["a", "c"]) == chosen


def test_a_text_is_asked_until_it_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    prompter = typed(monkeypatch, "no", "yes")
    assert prompter.text("Word", "x", lambda text: None if text == "yes" else "not that") == "yes"
    assert typed(monkeypatch, "").text("Word", "x", lambda _: None) == "x"


def test_b_goes_back_and_the_end_of_the_input_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Back):
        typed(monkeypatch, "b").select("Which?", ROWS, "a")
    with pytest.raises(Back):
        typed(monkeypatch, "Back").multiselect("Which?", ROWS, [])
    with pytest.raises(KeyboardInterrupt):
        typed(monkeypatch).select("Which?", ROWS, "a")


def test_the_first_question_has_no_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    prompter = typed(monkeypatch, "b", "2")
    prompter.back = False
    assert prompter.select("Which?", ROWS, "a") == "b"


def test_lines_break_between_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    rows = [Choice("a", "several services that talk to each other"), Choice("b", "one")]
    typed(monkeypatch, "").multiselect("How many requests wait at the same time?", rows, "a")
    lines = capsys.readouterr().err.splitlines()
    assert lines[:4] == [
        "How many requests wait at the same",
        "     time?",
        "  1. several services that talk to",
        "     each other",
    ]
    assert max(map(len, lines)) < 40


def test_no_word_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    hint = "or a path, such as ../shop/my-app"
    typed(monkeypatch, "x").text("Project name", "my-app", lambda _: None, hint)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["(or a path, such as", "     ../shop/my-app)"]


def test_the_whole_conversation_in_numbered_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    prompter = typed(monkeypatch, "bot", "", "b", "2", "", "", "", "0", "2", "5", "0", "1")
    plan = ask_for_plan({}, None, prompter)
    assert given(plan) == {
        "name": "bot",
        "async": "none",
        "preset": "prototype",
        "provider": "ollama",
        "deploy": (),
    }
    assert planned_files(plan)


# Arrow keys, as bytes in a pipe.

UP, DOWN, LEFT, ENTER, CTRL_C = "\x1b[A", "\x1b[B", "\x1b[D", "\r", "\x03"


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Prompter]]:
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.input import create_pipe_input
    from prompt_toolkit.output import DummyOutput

    with create_pipe_input() as pipe, create_app_session(input=pipe):
        monkeypatch.setattr("prompt_toolkit.output.create_output", lambda **_: DummyOutput())

        def press(keys: str) -> Prompter:
            pipe.send_text(keys)
            return ArrowKeys()

        yield press


def test_arrow_keys_select(keys: Callable[[str], Prompter]) -> None:
    assert keys(DOWN + ENTER).select("Which?", ROWS, "a") == "b"
    assert keys(ENTER).select("Which?", ROWS, "c") == "c"
    assert keys(f" {DOWN}{DOWN} {ENTER}").multiselect("Which?", ROWS, ["b"]) == ("a", "b", "c")
    assert keys(f"other{ENTER}").text("Name", "bot", lambda _: None) == "other"
    assert keys(ENTER).text("Name", "bot", lambda _: None) == "bot"


def test_what_is_pasted_is_one_line_and_only_where_there_is_a_field(
    keys: Callable[[str], Prompter],
) -> None:
    def paste(text: str) -> Prompter:
        return keys(f"\x1b[200~{text}\x1b[201~{ENTER}")

    assert paste("  my-app\r\n").text("Name", "b", lambda _: None) == "my-app"
    assert paste("my\napp").text("Name", "b", lambda _: None) == "my app"
    assert paste("my\napp").select("Which?", ROWS, "a") == "a"
    with pytest.raises(Back):  # which the left arrow key does where nothing was typed
        keys(f"\x1b[200~my-app\x1b[201~{LEFT}{ENTER}").select("Which?", ROWS, "a")


def test_arrow_keys_go_back(keys: Callable[[str], Prompter]) -> None:
    with pytest.raises(Back):
        keys(DOWN * 3 + ENTER).select("Which?", ROWS, "a")
    with pytest.raises(Back):
        keys(LEFT).select("Which?", ROWS, "a")
    with pytest.raises(Back):
        keys(LEFT).multiselect("Which?", ROWS, [])


def test_arrow_keys_name_what_was_chosen(
    keys: Callable[[str], Prompter], capsys: pytest.CaptureFixture[str]
) -> None:
    keys(ENTER).multiselect("Which?", ROWS, ["a", "c"])
    keys(ENTER).multiselect("Which?", ROWS, [])
    keys(ENTER).select("One?", ROWS, "b")
    keys(ENTER).text("Name", "bot", lambda _: None)
    assert capsys.readouterr().err.splitlines() == [
        "? Which? first, third",
        "? Which? none",
        "? One? second",
        "? Name bot",
    ]


def test_an_answer_that_does_not_fit_has_lines_of_its_own(
    keys: Callable[[str], Prompter],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    rows = [Choice("a", "people who want as little to learn as possible"), *ROWS[1:]]
    keys(ENTER).select("Who will write it?", rows, "a")
    assert capsys.readouterr().err.splitlines() == [
        "? Who will write it?",
        "  people who want as little to learn",
        "     as possible",
    ]


@pytest.mark.parametrize("way", [LEFT, UP + ENTER])
def test_to_go_back_is_seen(
    way: str, keys: Callable[[str], Prompter], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Back):
        keys(way).select("Which?", ROWS, "a")
    assert capsys.readouterr().err.splitlines() == ["? Which? ‹ Back"]  # noqa: RUF001


def test_the_first_question_of_arrow_keys_has_no_way_back(
    keys: Callable[[str], Prompter],
) -> None:
    prompter = keys(LEFT + UP + ENTER)
    prompter.back = False
    assert prompter.select("Which?", ROWS, "a") == "c"


def test_ctrl_c_stops(keys: Callable[[str], Prompter]) -> None:
    with pytest.raises(KeyboardInterrupt):
        keys(CTRL_C).select("Which?", ROWS, "a")
    with pytest.raises(KeyboardInterrupt):
        keys(CTRL_C).text("Name", "bot", lambda _: None)


@pytest.mark.parametrize(
    ("term", "plain", "kind"),
    [
        pytest.param("xterm-256color", False, ArrowKeys, id="terminal"),
        pytest.param("dumb", False, NumberedLines, id="dumb"),
        pytest.param("xterm", True, NumberedLines, id="plain"),
    ],
)
def test_the_terminal_decides_how_it_is_asked(
    term: str,
    plain: bool,
    kind: type,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", term)
    assert isinstance(choose_prompter(plain=plain), kind)


def test_what_renders_is_loaded_while_the_first_question_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded = threading.Event()
    monkeypatch.setattr(render, "load_copier", loaded.set)

    class Reader(NumberedLines):
        def text(self, question: str, default: str, refusal: object, hint: str = "") -> str:
            del question, default, refusal, hint
            assert loaded.wait(timeout=30)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask_for_plan({}, None, Reader())
    assert threading.active_count() == 1


def test_what_plans_is_loaded_before_what_renders() -> None:
    """Two threads that import Jinja at once may lock each other out."""
    program = """
import sys
from genai_scaffold.report.created import show_running
from genai_scaffold.template import render
from genai_scaffold.wizard.conversation import loading_copier
render.load_copier = lambda: print("jinja2" in sys.modules)
with loading_copier():
    pass
"""
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["True"]


def test_what_an_older_project_was_never_asked_is_asked() -> None:
    current: dict[str, bool | str | tuple[str, ...]] = {
        "docs": True,
        "feature": ("ci",),
        "provider": "openai",
        "author": "",
    }
    script = Script(
        ("nteractive API docs", "no"),
        ("Features", BACK),
        ("nteractive API docs", DEFAULT),
        ("Features", ("metrics",)),
        ("serves the model", "gemini"),
        ("Author", "Ada"),
    )
    given = complete_answers(list(current), current, script)
    assert {key: answer.value for key, answer in given.items()} == {
        "docs": True,
        "feature": ("metrics",),
        "provider": "gemini",
        "author": "Ada",
    }
    assert script.rows["Features"] == [
        choice.value for choice in template_questions()["features"].choices
    ]


def test_the_first_question_of_an_update_has_none_before_it() -> None:
    script = Script(("serves the model", BACK), ("serves the model", DEFAULT))
    given = complete_answers(["provider"], {"provider": "ollama"}, script)
    assert given["provider"].value == "ollama"


@pytest.mark.parametrize("offered", [INSTALL_AND_START, START])
@pytest.mark.parametrize(("answer", "start"), [("yes", True), ("no", False), (DEFAULT, True)])
def test_the_last_question_is_whether_to_start_it(
    offered: str, answer: str, *, start: bool
) -> None:
    script = Script(*[(question, DEFAULT) for question in QUESTIONS], (offered, answer))
    assert ask_for_plan({}, None, script, offer=offered).start is start
    assert script.asked[-1] == offered
    assert "network" in script.hints[f"{offered} yes"]


def test_the_last_question_has_a_way_back_to_the_summary() -> None:
    again = [("Create this", BACK), ("Where will", []), ("Create this", DEFAULT)]
    script = Script(
        *[(question, DEFAULT) for question in QUESTIONS],
        (START, BACK),
        *again,
        (START, "no"),
    )
    plan = ask_for_plan({}, None, script, offer=START)
    assert plan.answers["deploy"] == ()
    assert not plan.start


def test_who_only_looks_is_not_asked_to_start_it() -> None:
    script = Script()
    ask_for_plan({}, None, script, confirm=False, offer=START)
    assert len(script.asked) == len(QUESTIONS) - 1


def test_every_row_says_more_once_it_is_in_focus() -> None:
    script = Script()
    ask_for_plan({}, None, script, offer=START)
    empty = {row for row, hint in script.hints.items() if not hint}
    assert empty == {"Create this project? create", "Create this project? cancel"}
    assert max(map(len, script.hints.values())) <= 75, "one line of 80 columns"


@pytest.mark.parametrize(
    ("typed", "directory", "name"),
    [
        pytest.param("../shop/Assistant", "../shop/Assistant", "assistant", id="relative"),
        pytest.param("shop/bot/", "shop/bot/", "bot", id="slash-at-the-end"),
        pytest.param("~/bot", "{home}/bot", "bot", id="home"),
        pytest.param("./bot", "./bot", "bot", id="here"),
    ],
)
def test_a_path_says_where_and_its_last_part_is_the_name(
    typed: str, directory: str, name: str, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(work))
    directory = directory.format(home=work)
    plan = talk(Script(("Project name", typed)), flags=None)
    assert plan.answers["name"] == name
    assert plan.destination == Path(os.path.normpath(work / directory))
    assert plan.command == ["genai-scaffold", "new", directory, "--yes"]
    assert "name" in plan.asked


def test_a_dot_fills_the_directory_that_one_is_in(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "bot").mkdir()
    monkeypatch.chdir(work / "bot")
    assert talk(Script(("Project name", "."))).destination == work / "bot"


def test_a_path_outdoes_the_name_of_the_settings_and_can_be_taken_back() -> None:
    settings = from_environment({"GENAI_SCAFFOLD_NAME": "from-settings"})
    path = ("Project name", "shop/bot")
    assert ask_for_plan(settings, None, Script(path)).answers["name"] == "bot"
    script = Script(path, ("How many", BACK), ("Project name", "bot"))
    plan = talk(script)
    assert script.defaults["Project name"] == "shop/bot"
    assert plan.command == ["genai-scaffold", "new", "bot", "--yes"]


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        pytest.param("../shop/json", "try ../shop/json-app", id="module"),
        pytest.param("~nobody-is-called-so/bot", "tilde", id="no-such-home"),
        pytest.param("taken/file/bot", "is not a directory", id="below-a-file"),
        pytest.param("taken", "it holds file", id="taken"),
        pytest.param("./taken/", "it holds file", id="taken-path"),
        pytest.param("a\x00/bot", "U+0000", id="null"),
        pytest.param("/", "the root of all files", id="root"),
        pytest.param("..", "", id="parent"),
    ],
)
def test_a_path_that_cannot_be_is_refused_under_the_field(typed: str, why: str, work: Path) -> None:
    (work / "taken").mkdir()
    (work / "taken/file").touch()
    refused: list[str | None] = []

    class Typing(Script):
        def text(
            self, question: str, default: str, refusal: Callable[[str], str | None], hint: str = ""
        ) -> str:
            refused.append(refusal(typed))
            return super().text(question, default, refusal, hint)

    talk(Typing())
    assert why in str(refused[0] or "")
    assert refused[0]


def test_numbered_lines_show_the_hints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prompter = typed(monkeypatch, "2", "bot")
    prompter.select("Which?", [Choice("a", "first"), Choice("b", "second", "or so")], "a")
    prompter.text("Name", "bot", lambda _: None, "or a path")
    said = capsys.readouterr().err
    assert "  1. first\n  2. second (or so)\n" in said
    assert "(or a path)\nName [bot, b to go back]: " in said


def test_a_text_has_a_way_back_too(
    monkeypatch: pytest.MonkeyPatch, keys: Callable[[str], Prompter]
) -> None:
    with pytest.raises(Back):
        typed(monkeypatch, "b").text("Author", "", lambda _: None)
    with pytest.raises(Back):
        keys(LEFT).text("Author", "", lambda _: None)
    assert keys(f"bo{LEFT}x{ENTER}").text("Author", "", lambda _: None) == "bxo"


@pytest.fixture
def focusing() -> tuple["Prompt", "InquirerControl"]:
    """A prompt whose rows have hints but for the second, which is the default; and its rows."""
    import questionary
    from questionary.prompts.common import InquirerControl

    choices = [questionary.Choice(row.label, value=row.value) for row in ROWS]
    prompt = questionary.select("Which?", choices, default="b")
    contents = [window.content for window in prompt.application.layout.find_all_windows()]
    [control] = [content for content in contents if isinstance(content, InquirerControl)]
    return with_focus(prompt, {"a": "the one", "c": "3rd"}), control


def test_arrow_keys_show_the_hint_of_the_row_in_focus(
    focusing: tuple["Prompt", "InquirerControl"],
) -> None:
    from prompt_toolkit.formatted_text import to_formatted_text

    seen = []
    for _ in ROWS:
        style, text, *_ = to_formatted_text(focusing[1].text)[-1]
        seen.append((style, text.strip()))
        focusing[1].select_next()
    assert seen == [("class:hint", ""), ("class:hint", "3rd"), ("class:hint", "the one")]


def test_the_row_in_focus_stands_out_whichever_is_the_default(
    focusing: tuple["Prompt", "InquirerControl"],
) -> None:
    from prompt_toolkit.formatted_text import to_formatted_text

    seen = []
    for _ in ROWS:
        shown = to_formatted_text(focusing[1].text)
        seen.append([text for style, text, *_ in shown if style == "class:highlighted"])
        focusing[1].select_next()
    assert seen == [["second"], ["third"], ["first"]]


def test_in_a_terminal_made_narrower_nothing_is_cut_off(
    focusing: tuple["Prompt", "InquirerControl"],
) -> None:
    prompt, control = focusing
    windows = prompt.application.layout.find_all_windows()
    [rows] = [window for window in windows if window.content is control]
    assert rows.wrap_lines()


def test_keys_between_two_questions_are_seen_only_where_the_terminal_shows_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prompts, "keys_unseen", lambda: nullcontext("unseen"))
    for prompter, expected in ((ArrowKeys(), "unseen"), (NumberedLines(), None)):
        with prompter.asking() as seen:
            assert seen == expected


def test_the_name_that_is_offered_is_free(work: Path) -> None:
    for name in ("my-app", "my-app-2"):
        (work / name).mkdir()
    script = Script()
    talk(script)
    assert script.defaults["Project name"] == "my-app-3"


def test_where_it_runs_is_whole_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # so that it is taken for a terminal
    monkeypatch.setenv("COLUMNS", "40")
    show_running(talk(Script()), "http://127.0.0.1:8001")
    said = capsys.readouterr().err.splitlines()
    assert "    http://127.0.0.1:8001" in said, "in a browser"
    assert "  Its API docs:" in said
    assert "    http://127.0.0.1:8001/docs" in said
