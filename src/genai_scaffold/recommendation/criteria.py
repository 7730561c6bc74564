"""What a project may need and what each answer speaks for, read from criteria.toml."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


YES_OR_NO: tuple[Choice[NeedAnswer], ...] = (
    Choice(value=True, label="yes"),
    Choice(value=False, label="no"),
)


@dataclass(frozen=True)
class Need:
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


@dataclass(frozen=True)
class Framework:
    """A framework that can be recommended.

    Args:
        key: how it is called in answers.
        label: how its name is written.
        variables: with which prefixes the variables begin that only its server reads.
    """

    key: str
    label: str
    variables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Criterion:
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
    points: int
    short: str
    because: str
    source: str
    decisive: bool

    def is_raised_by(self, needs: Mapping[str, NeedAnswer]) -> bool:
        return needs[self.need] in self.values


@dataclass(frozen=True)
class Criteria:
    """All that a recommendation is made from."""

    needs: tuple[Need, ...]
    frameworks: tuple[Framework, ...]
    criteria: tuple[Criterion, ...]
    tie_winner: str

    def need(self, name: str) -> Need:
        return next(need for need in self.needs if need.name == name)

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
    """Turn the document into criteria, refusing any entry that is not sound.

    Args:
        document: what tomllib reads from criteria.toml.

    Raises:
        ValueError: an entry is not sound; the message begins with the entry's name.
    """
    top = _fields(
        "criteria.toml",
        document,
        {"tie_winner": str, "frameworks": dict, "needs": dict, "criteria": dict},
    )
    frameworks = {key: _framework(key, entry) for key, entry in top["frameworks"].items()}
    needs = {name: _need(name, entry) for name, entry in top["needs"].items()}
    criteria = {key: _criterion(key, entry, needs) for key, entry in top["criteria"].items()}

    _require(len(frameworks) == len(("this", "that")), "frameworks", "are not two")
    _require(top["tie_winner"] in frameworks, "tie_winner", "is not a framework")
    for key, criterion in criteria.items():
        _require(criterion.favours in frameworks, f"criteria.{key}", "favours no known framework")
        need = needs[criterion.need]
        assumed = need.default not in criterion.values or need.assumed
        _require(bool(assumed), f"needs.{need.name}", "has no 'assumed', and its default counts")
    decided = {criterion.favours for criterion in criteria.values() if criterion.decisive}
    _require(len(decided) <= 1, "criteria", "decisive ones favour more than one framework")
    return Criteria(
        needs=tuple(needs.values()),
        frameworks=tuple(frameworks.values()),
        criteria=tuple(criteria.values()),
        tie_winner=top["tie_winner"],
    )


def _framework(key: str, entry: Mapping[str, Any]) -> Framework:
    fields = _fields(f"frameworks.{key}", entry, {"label": str}, optional={"variables": list})
    return Framework(key, fields["label"], tuple(fields.get("variables", ())))


def _need(name: str, entry: Mapping[str, Any]) -> Need:
    where = f"needs.{name}"
    fields = _fields(
        where,
        entry,
        {"question": str, "help": str, "default": object, "said": dict},
        optional={"choices": dict, "hints": dict, "assumed": str, "fact": bool},
    )
    if "choices" in fields:
        labels = fields["choices"]
        _fields(f"{where}.choices", labels, dict.fromkeys(labels, str))
        fields["choices"] = tuple(Choice(value, label) for value, label in labels.items())
    choices: tuple[Choice[NeedAnswer], ...] = fields.get("choices", YES_OR_NO)
    words = {_word(choice.value): choice.value for choice in choices}
    said = _fields(f"{where}.said", fields["said"], dict.fromkeys(words, str))
    kinds = dict.fromkeys(words, str)
    hints = _fields(f"{where}.hints", fields.pop("hints", {}), {}, optional=kinds)
    fields["choices"] = tuple(
        choice._replace(hint=hints.get(_word(choice.value), "")) for choice in choices
    )
    need = Need(name, **{**fields, "said": {words[word]: text for word, text in said.items()}})
    _require(need.accepts(need.default), where, "has a default that is none of its answers")
    return need


def _word(answer: NeedAnswer) -> str:
    """How an answer is written as a key."""
    return ("no", "yes")[answer] if isinstance(answer, bool) else answer


def _criterion(key: str, entry: Mapping[str, Any], needs: Mapping[str, Need]) -> Criterion:
    where = f"criteria.{key}"
    texts = dict.fromkeys(["need", "favours", "short", "because", "source"], str)
    weight = {"points": int, "decisive": bool}
    fields = _fields(where, entry, {**texts, "values": list}, optional=weight)
    criterion = Criterion(
        key, **{"points": 0, "decisive": False, **fields, "values": tuple(fields["values"])}
    )
    _require(
        criterion.points > 0 if not criterion.decisive else "points" not in fields,
        where,
        "needs points above 0, or `decisive = true` and no points",
    )
    _require(criterion.need in needs, where, "names no known need")
    accepted = map(needs[criterion.need].accepts, criterion.values)
    _require(all(accepted), where, "has a value that is no answer to its need")
    return criterion


def _fields(
    where: str,
    entry: Mapping[str, Any],
    required: Mapping[str, type],
    optional: Mapping[str, type] | None = None,
) -> dict[str, Any]:
    """Check that an entry has all that is required, nothing unknown and nothing empty."""
    kinds = {**required, **(optional or {})}
    _require(isinstance(entry, dict), where, "is not a table")
    for name in required:
        _require(name in entry, where, f"has no {name!r}")
    for name, value in entry.items():
        _require(name in kinds, where, f"has an unknown {name!r}")
        # Not isinstance: to it, true is an int.
        kind = kinds[name]
        _require(kind in (type(value), object), where, f"has a {name!r} that is no {kind.__name__}")
        _require(value not in ("", [], {}), where, f"has an empty {name!r}")
    return dict(entry)


def _require(sound: bool, where: str, fault: str) -> None:  # noqa: FBT001
    if not sound:
        raise ValueError(f"{where} {fault}")
