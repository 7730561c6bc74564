"""The questions that copier.yml asks."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from genai_scaffold.recommendation.criteria import Choice
from genai_scaffold.template import packaged

if TYPE_CHECKING:
    import jinja2

Value: TypeAlias = str | bool | tuple[str, ...]

WORKSPACE = "workspace"  # the preset of a root that has services, and no framework
NAMES = {"project_name": "name", "features": "feature"}  # of questions with another key


class Question(NamedTuple):
    """Something that copier.yml asks; its default may depend on other answers.

    Args:
        key: what copier.yml calls it, for its readers.
        name: what its flag, and all else that people read, calls it.
        when: whether it is asked, given the answers to the questions before it.
    """

    key: str
    name: str
    help: str
    kind: Literal["choice", "list", "boolean", "text"]
    choices: tuple[Choice[str], ...]
    default: str | bool
    validator: str = ""
    when: str = ""

    @property
    def depends_on_preset(self) -> bool:
        return isinstance(self.default, str) and "{{" in self.default and "preset" in self.default

    def is_asked(self, answers: Mapping[str, object]) -> bool:
        """Whether there is anything to answer, given the preset."""
        return not self.when or _rendered(self.when, answers) == "True"

    def default_for(self, answers: Mapping[str, object]) -> Value:
        """The default, given the answers that it depends on."""
        if not (isinstance(self.default, str) and "{{" in self.default):
            return self.default
        import yaml

        value = yaml.safe_load(_rendered(self.default, answers))
        return tuple(value) if isinstance(value, list) else value

    def refusal(self, answers: Mapping[str, object]) -> str:
        """Why a list cannot be had along with the other answers, and what to do; else nothing."""
        return _rendered(self.validator, answers).strip() if self.kind == "list" else ""


def _rendered(text: str, answers: Mapping[str, object]) -> str:
    return _compiled(text).render(answers)


@cache
def _compiled(text: str) -> "jinja2.Template":
    import jinja2  # takes a tenth of a second, and --help needs none of it

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701 - no HTML
    return environment.from_string(text)


@cache
def _document(root: Path) -> Mapping[str, Any]:
    import yaml  # a program that answers --version needs none of it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = (root / "copier.yml").read_text("utf-8")
    document: Mapping[str, Any] = yaml.load(text, loader)  # noqa: S506 - safe
    return document


def derived(key: str, answers: Mapping[str, object]) -> str:
    """What copier.yml works out from the answers, and never asks."""
    return _rendered(_document(packaged.template_root())[key]["default"], answers).strip()


@cache
def template_questions() -> Mapping[str, Question]:
    """What copier.yml asks, in its order."""
    return {
        key: _question(key, spec)
        for key, spec in _document(packaged.template_root()).items()
        # Settings of Copier's begin with `_`; what has `when: false` is derived, never asked.
        if not key.startswith("_") and spec.get("when", True)
    }


def _question(key: str, spec: Mapping[str, Any]) -> Question:
    choices = spec.get("choices", {})
    if isinstance(choices, list):
        choices = {value: value for value in choices}
    kind: Literal["choice", "list", "boolean", "text"]
    if spec["type"] == "bool":
        kind = "boolean"
    elif spec.get("multiselect"):
        kind = "list"
    else:
        kind = "choice" if choices else "text"
    return Question(
        key=key,
        name=NAMES.get(key, key),
        help=spec["help"],
        kind=kind,
        choices=tuple(choice_of(value, text) for text, value in choices.items()),
        default=spec["default"],
        validator=spec.get("validator", ""),
        when=spec.get("when", ""),
    )


def choice_of(value: str, text: str) -> Choice[str]:
    label, _, hint = text.partition(": ")
    return Choice(value, label, hint)


def left_to_the_user() -> tuple[str, ...]:
    """The files of a project that the template makes once, and never touches again."""
    return tuple(_document(packaged.template_root()).get("_skip_if_exists", ()))
