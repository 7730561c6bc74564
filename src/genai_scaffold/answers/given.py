"""An answer, and who gave it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from genai_scaffold.answers.fields import free_texts
from genai_scaffold.template.questions import WORKSPACE, Value, template_questions

Source: TypeAlias = Literal[
    "flag",
    "prompt",
    "answers file",
    "environment",
    "config file",
    "directory",
    "project",
    "preset",
    "recommendation",
    "default",
]


class Given(NamedTuple):
    """An answer, and where it comes from.

    Args:
        place: where it stands, as its giver would look for it; nowhere if nobody gave it.
    """

    value: Value
    source: Source
    place: str = ""


Givens: TypeAlias = Mapping[str, Given]
PlainValue: TypeAlias = str | bool | list[str]


def plain_value(value: Value) -> PlainValue:
    """An answer as JSON and YAML have it."""
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Answers:
    """Every answer that the preset asks for, by the name of its flag."""

    by_key: Givens
    notes: tuple[str, ...]

    def __getitem__(self, key: str) -> Value:
        return self.by_key[key].value

    @property
    def is_workspace(self) -> bool:
        return self["preset"] == WORKSPACE

    def text(self, key: str) -> str:
        return str(self[key])

    def texts(self) -> list[str]:
        """What is written as it was given, whatever it says."""
        return [self.text(key) for key in free_texts()]

    def for_template(self) -> dict[str, PlainValue]:
        """The answers that copier.yml asks for, under its keys."""
        return {
            question.key: plain_value(self[question.name])
            for question in template_questions().values()
            if question.name in self.by_key
        }
