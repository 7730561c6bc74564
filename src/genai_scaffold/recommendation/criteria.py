"""What a project may need and what each answer speaks for, read from criteria.toml."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from genai_scaffold.errors import UsageError, closest

NeedAnswer: TypeAlias = str | bool
AnswerT = TypeVar("AnswerT", bound=NeedAnswer)


class Choice(NamedTuple, Generic[AnswerT]):
    """One of the values that can be answered, how it reads, and what it comes to."""

    value: AnswerT
    label: str
    hint: str = ""


YES_OR_NO = {True: "yes", False: "no"}


class Need(NamedTuple):
    """Something that a project may need: a question, its answers in order, and the default.

    Args:
        said: each answer as a statement about the project.
        assumed: the default where nobody has answered; empty where it speaks for no framework.
        fact: whether it is as it is, and nobody can decide it for this project.
    """

    name: str
    question: str
    help: str
    choices: tuple[Choice[NeedAnswer], ...]
    default: NeedAnswer
    said: Mapping[NeedAnswer, str]
    assumed: str = ""
    fact: bool = False

    @property
    def kind(self) -> Literal["choice", "boolean"]:
        return "boolean" if isinstance(self.default, bool) else "choice"

    def accepts(self, answer: object) -> bool:
        """Whether this is one of the answers; 1 is not yes."""
        return isinstance(answer, str | bool) and answer in [row.value for row in self.choices]


class Framework(NamedTuple):
    """A framework that can be recommended.

    Args:
        key: how it is called in answers.
        label: how its name is written.
        variables: with which prefixes the variables begin that only its server reads.
    """

    key: str
    label: str
    variables: tuple[str, ...] = ()


class Criterion(NamedTuple):
    """A reason for a framework, raised by some of the answers to one need.

    A decisive criterion is not weighed: it has no points and outdoes any number of them.

    Args:
        short: what follows from the answer, to go on with after what was said.
        because: the whole reason.
        source: the section of the comparison that it restates.
    """

    key: str
    need: str
    values: tuple[NeedAnswer, ...]
    favours: str
    short: str
    because: str
    source: str
    points: int = 0
    decisive: bool = False

    def is_raised_by(self, needs: Mapping[str, NeedAnswer]) -> bool:
        return needs[self.need] in self.values


class Criteria(NamedTuple):
    """All that a recommendation is made from."""

    needs: tuple[Need, ...]
    frameworks: tuple[Framework, ...]
    criteria: tuple[Criterion, ...]
    tie_winner: str

    def need(self, name: str) -> Need:
        return next(need for need in self.needs if need.name == name)

    def label(self, framework: str) -> str:
        """How the name of a framework is written."""
        return next(known.label for known in self.frameworks if known.key == framework)

    def other(self, framework: str) -> str:
        """The key of the framework that is not this one."""
        return next(other.key for other in self.frameworks if other.key != framework)

    def complete(self, given: Mapping[str, NeedAnswer]) -> dict[str, NeedAnswer]:
        """Answer every need: with what was given, else with its default.

        Args:
            given: answers by the name of the need; any may be missing.

        Returns:
            One answer per need, in the order in which the needs are asked.

        Raises:
            UsageError: there is no such need, or the need has no such answer.
        """
        names = [need.name for need in self.needs]
        for name in given:
            if name not in names:
                raise UsageError(
                    f"There is no need called {name!r}",
                    why=f"the needs are {', '.join(names)}",
                    fix=_suggestion(name, names),
                )
        for need in self.needs:
            answer = given.get(need.name, need.default)
            if not need.accepts(answer):
                answers = [_spelled(choice.value) for choice in need.choices]
                raise UsageError(
                    f"{need.name!r} cannot be {answer!r}",
                    why=f"the answers are {', '.join(answers)}",
                    fix=_suggestion(answer, answers),
                )
        return {need.name: given.get(need.name, need.default) for need in self.needs}


def _spelled(answer: object) -> str:
    return str(answer).lower() if isinstance(answer, bool) else str(answer)


def _suggestion(word: object, known: Sequence[str]) -> str:
    everything = "`genai-scaffold list needs` explains them all"
    meant = closest(_spelled(word), known)
    return f"did you mean {meant}? {everything}" if meant else everything


@cache
def load_criteria() -> Criteria:
    """Read the criteria that this package ships."""
    return parse_criteria(
        tomllib.loads(Path(__file__).with_name("criteria.toml").read_text("utf-8"))
    )


def parse_criteria(document: Mapping[str, Any]) -> Criteria:
    """Turn the document into criteria.

    Args:
        document: what tomllib reads from criteria.toml; tests/unit holds that it is sound.
    """
    return Criteria(
        needs=tuple(_need(name, entry) for name, entry in document["needs"].items()),
        frameworks=tuple(
            Framework(key, entry["label"], tuple(entry.get("variables", ())))
            for key, entry in document["frameworks"].items()
        ),
        criteria=tuple(
            Criterion(key, **{**entry, "values": tuple(entry["values"])})
            for key, entry in document["criteria"].items()
        ),
        tie_winner=document["tie_winner"],
    )


def _need(name: str, entry: Mapping[str, Any]) -> Need:
    labels: Mapping[NeedAnswer, str] = entry.get("choices", YES_OR_NO)
    hints = entry.get("hints", {})
    choices = tuple(
        Choice(value, label, hints.get(_word(value), "")) for value, label in labels.items()
    )
    said = {value: entry["said"][_word(value)] for value in labels}
    fields = {key: value for key, value in entry.items() if key != "hints"}
    return Need(name, **{**fields, "choices": choices, "said": said})


def _word(answer: NeedAnswer) -> str:
    """How an answer is written as a key."""
    return YES_OR_NO[answer] if isinstance(answer, bool) else answer
