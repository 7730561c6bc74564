"""Every flag, declared once."""

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperOption

from genai_scaffold.errors import ScaffoldError

COMMON, NEEDS = "What most people use", "What you need, for the recommendation"
MORE, HOW_IT_RUNS = "What else you get", "How it runs"


def offering(words: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """What a shell completes a word by; it is read once somebody presses the key."""

    def complete(incomplete: str) -> list[str]:
        # Where there is nothing to offer, nobody at a prompt wants to read why.
        with contextlib.suppress(ScaffoldError):
            return [word for word in words() if word.startswith(incomplete)]
        return []

    return complete


def _values(key: str) -> Iterable[str]:
    from genai_scaffold.answers.fields import fields

    return fields()[key].values


ANSWER_FLAGS: dict[str, str] = {}  # the key of each answer that has a flag, by that flag


def answer_flag(key: str, panel: str, *names: str) -> object:
    """Declare the flag of one answer, without reading the questions: not every run needs them."""
    ANSWER_FLAGS[f"--{key}"] = key
    return typer.Option(
        *(names or (f"--{key}",)),
        autocompletion=offering(lambda: _values(key)),
        rich_help_panel=panel,
        show_default=False,
    )


def answered(context: typer.Context) -> dict[str, Any]:
    """The values of a command's flags that answer something, by the keys of the answers."""
    found = {
        ANSWER_FLAGS[option.opts[0]]: context.params[str(option.name)]
        for option in context.command.params
        if option.opts[0] in ANSWER_FLAGS
    }
    # Of a flag that may be repeated, Typer's own function gets None where there is none.
    return {
        key: list(value) or None if isinstance(value, tuple) else value
        for key, value in found.items()
    }


def flags_given(context: typer.Context) -> list[str]:
    """What was said of how a command runs, as it is typed; a file of answers is in the answers."""
    given: list[str] = []
    for option in context.command.params:
        value = context.params[str(option.name)]
        flag = option.opts[0]
        if not isinstance(option, TyperOption) or flag in {*ANSWER_FLAGS, "--answers"}:
            continue
        if option.is_flag and value != option.default:
            given.append(flag if value else option.secondary_opts[0])
        elif not option.is_flag and value is not None:
            given += [flag, str(value)]
    return given


Async = Annotated[str | None, answer_flag("async", NEEDS)]
Docs = Annotated[bool | None, answer_flag("docs", NEEDS, "--docs/--no-docs")]
Validation = Annotated[
    bool | None, answer_flag("validation", NEEDS, "--validation/--no-validation")
]
Scale = Annotated[str | None, answer_flag("scale", NEEDS)]
Team = Annotated[str | None, answer_flag("team", NEEDS)]
AppKind = Annotated[str | None, answer_flag("app", NEEDS)]
Extensions = Annotated[
    bool | None, answer_flag("extensions", NEEDS, "--extensions/--no-extensions")
]
Hosting = Annotated[str | None, answer_flag("hosting", NEEDS)]

FrameworkName = Annotated[str | None, answer_flag("framework", COMMON)]
Preset = Annotated[str | None, answer_flag("preset", COMMON)]
Name = Annotated[str | None, answer_flag("name", MORE)]
Description = Annotated[str | None, answer_flag("description", MORE)]
Author = Annotated[str | None, answer_flag("author", MORE)]
Provider = Annotated[str | None, answer_flag("provider", COMMON)]
Feature = Annotated[list[str] | None, answer_flag("feature", COMMON)]
Deploy = Annotated[list[str] | None, answer_flag("deploy", COMMON)]
License = Annotated[str | None, answer_flag("license", MORE)]
Python = Annotated[str | None, answer_flag("python", MORE)]

Directory = Annotated[
    str | None,
    typer.Argument(
        help="Where the project goes; the last part is its name.", rich_help_panel=COMMON
    ),
]
SaveAnswers = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write the answers to a new file, for --answers.",
        rich_help_panel=HOW_IT_RUNS,
    ),
]
AskNothing = Annotated[
    bool,
    typer.Option("--yes", "-y", help="Ask nothing: take the defaults.", rich_help_panel=COMMON),
]
ListOnly = Annotated[
    bool,
    typer.Option("--dry-run", help="List what would be written.", rich_help_panel=HOW_IT_RUNS),
]
Git = Annotated[
    bool | None,
    typer.Option(
        "--git/--no-git",
        help="Require a git repository, or make none.",
        rich_help_panel=HOW_IT_RUNS,
        show_default=False,
    ),
]
Install = Annotated[
    bool | None,
    typer.Option(
        "--install/--no-install",
        help="Make .venv and install into it; uses the network.",
        rich_help_panel=COMMON,
        show_default=False,
    ),
]
NumberedLinesOnly = Annotated[
    bool,
    typer.Option(
        "--plain",
        help="Ask in numbered lines, without arrow keys.",
        rich_help_panel=HOW_IT_RUNS,
    ),
]
WholeReasons = Annotated[
    bool,
    typer.Option(
        "--verbose",
        help="Give the whole reasons; of an error, show the traceback.",
        rich_help_panel=HOW_IT_RUNS,
    ),
]

ProjectPath = Annotated[
    Path, typer.Argument(metavar="PATH", help="A generated project, or a directory inside of it.")
]
Named = Annotated[
    Path,
    typer.Option(
        "--project", metavar="PATH", help="A generated project, or a directory inside of it."
    ),
]
AnswersFile = Annotated[
    str | None,
    typer.Option(
        "--answers",
        metavar="FILE|-",
        help="Take answers from a YAML or JSON file, or from the input.",
        rich_help_panel=HOW_IT_RUNS,
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document.", rich_help_panel=HOW_IT_RUNS)
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print only the result.", rich_help_panel=HOW_IT_RUNS)
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", help="Show the traceback of an error.", rich_help_panel=HOW_IT_RUNS),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        metavar="GLOB",
        help="Say nothing of these files, or of a folder and all it holds; repeatable.",
    ),
]
Preview = Annotated[
    bool,
    typer.Option("--dry-run", help="Show the files and the diff; change nothing."),
]
Base = Annotated[
    str | None,
    typer.Option(
        metavar="COMMIT",
        help="The commit that has the project as it was generated, if its version is unknown.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take the defaults.")]
Plain = Annotated[bool, typer.Option("--plain", help="Ask in numbered lines.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Also change an answer; repeatable."),
]


def extra_names(words: Callable[[], Iterable[str]]) -> object:
    """Declare the name of a feature or a deploy target; those of the project here are offered."""
    return typer.Argument(
        help="Features or deploy targets.",
        metavar="NAME...",
        show_default=False,
        autocompletion=offering(words),
    )
