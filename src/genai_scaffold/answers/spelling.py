"""Answers in words, and as they are typed."""

import shlex
from pathlib import Path

from genai_scaffold.answers.fields import NONE, field_of, fields
from genai_scaffold.answers.given import Given, Givens
from genai_scaffold.recommendation.criteria import YES_OR_NO
from genai_scaffold.template.questions import Value


def replay_command(directory: str, given: Givens) -> list[str]:
    """The command that gives the same answers again, as an argument list."""
    arguments = ["genai-scaffold", "new", directory]
    for key, answer in given.items():
        named_after_it = answer.source == "directory" or answer.value == Path(directory).name
        if not (key == "name" and named_after_it):
            arguments += as_flags(key, answer.value)
    return [*arguments, "--yes"]


def as_flags(key: str, value: Value) -> list[str]:
    """Write an answer as flags."""
    flag = field_of(key).flag
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    if isinstance(value, tuple):
        return [word for item in value or (NONE,) for word in (flag, item)]
    # A text that begins with a hyphen would be read as a flag.
    return [f"{flag}={value}"] if value.startswith("-") else [flag, value]


def shell_line(arguments: list[str]) -> str:
    """Write an argument list as a line that can be pasted into a shell."""
    return shlex.join(arguments)


def describe(key: str, given: Given) -> str:
    """Write an answer as its giver would recognize it."""
    if given.place == fields()[key].flag:
        return " ".join(as_flags(key, given.value))
    if given.source == "flag":  # of another command, which has its own words for it
        return given.place
    return f"{key} = {in_words(given.value)} ({given.place})"


def in_words(value: Value) -> str:
    if isinstance(value, bool):
        return YES_OR_NO[value]
    return ", ".join(value) or NONE if isinstance(value, tuple) else value
