"""What can be answered, and whether a value is accepted."""

import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import Literal, NamedTuple

from genai_scaffold.errors import MisspeltError, SpareError, UsageError, closest
from genai_scaffold.recommendation.criteria import Choice, load_criteria
from genai_scaffold.template.questions import Value, template_questions

AUTO = "auto"
NONE = "none"

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})


class Field(NamedTuple):
    """One thing that a user can answer, by flag, file, variable or prompt."""

    key: str
    help: str
    kind: Literal["choice", "list", "boolean", "text"]
    choices: tuple[Choice[str], ...]

    @property
    def flag(self) -> str:
        return f"--{self.key.replace('_', '-')}"

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(choice.value for choice in self.choices)


@cache
def needs() -> Mapping[str, Field]:
    """What the project may need; it takes none of the template's questions to know."""
    return {
        need.name: Field(
            need.name,
            need.help,
            need.kind,
            tuple(
                Choice(str(c.value), c.label, c.hint) for c in need.choices if need.kind == "choice"
            ),
        )
        for need in load_criteria().needs
    }


@cache
def fields() -> Mapping[str, Field]:
    """Everything that can be answered: what is asked about the project, then the other needs."""
    project = {}
    for question in template_questions().values():
        key = question.name
        choices = question.choices
        if key == "framework":
            choices = (Choice(AUTO, "what is recommended"), *choices)
        elif question.kind == "list":
            choices = (*choices, Choice(NONE, "none of them"))
        project[key] = Field(key, question.help, question.kind, choices)
    return {**project, **needs()}


def field_of(key: str) -> Field:
    return needs().get(key) or fields()[key]


def project_fields() -> dict[str, Field]:
    """What shapes a project, other than the needs that only decide the recommendation."""
    keys = [question.name for question in template_questions().values()]
    return {key: fields()[key] for key in keys}


def free_texts() -> list[str]:
    """The keys of what may be any line of text, which a name may not."""
    texts = (key for key, field in project_fields().items() if field.kind == "text")
    return [key for key in texts if key != "name"]


def accept_value(field: Field, raw: str | bool | list[str], place: str) -> Value:  # noqa: FBT001
    """Check a raw answer against its field."""
    if field.kind == "boolean":
        return raw if isinstance(raw, bool) else accept_boolean(str(raw), place)
    if field.kind == "text":
        return str(raw)
    if field.kind == "choice":
        return _choice(field, str(raw), place)
    words = raw if isinstance(raw, list) else [str(raw)]
    items = [item.strip() for word in words for item in word.split(",")]
    chosen = tuple(dict.fromkeys(_choice(field, item, place) for item in items))
    if NONE in chosen and len(chosen) > 1:
        others = ", ".join(item for item in chosen if item != NONE)
        raise SpareError(
            f"{field.flag} {NONE} contradicts {others}",
            why=f"{place} asks for none and for some",
            fix=f"leave {NONE} out, or the others",
            spare=(field.flag, NONE),
        )
    return () if chosen == (NONE,) else chosen


# What `list` calls the values of each.
LISTED_AS = {
    "framework": "frameworks",
    "preset": "presets",
    "provider": "providers",
    "feature": "features",
    "deploy": "deploy",
    "license": "licenses",
    "python": "pythons",
}
NOUNS = {"deploy": "deploy target", "python": "supported Python", "license": "known license"}


# What other programs, and people, call these.
OTHER_NAMES = {
    "openai": "gpt chatgpt",
    "azure": "azure-openai microsoft",
    "anthropic": "claude",
    "gemini": "google vertex",
    "ollama": "local llama qwen",
    "custom": "other compatible openai-compatible vllm litellm mistral groq",
    "ci": "ci/cd cicd github github-actions actions gitlab-ci",
    "metrics": "prometheus monitoring",
    "tracing": "otel opentelemetry traces",
    "page": "chat ui frontend",
    "evals": "evaluation evaluations",
    "documents": "rag retrieval files pdf search embeddings",
    "history": "database db postgres postgresql sqlite memory storage",
    "oidc": "auth login logins sso oauth",
    "peers": "services",
    "tools": "agent agents mcp functions",
    "docker": "container compose docker-compose podman",
    "kubernetes": "k8s kube helm",
    "cloud-run": "gcp google-cloud",
    "systemd": "vps nginx server",
    "mod-wsgi": "apache httpd",
    "some": "medium dozens",
    "high": "many hundreds true yes",
    "none": "no false off sync few",
    "learning": "beginner beginners junior juniors",
    "typed": "python typing mypy pydantic fastapi expert experts senior seniors",
    "any": "asgi",
    "wsgi": "pythonanywhere cpanel apache",
    "web": "website pages html forms",
    "api": "rest json backend chat chatbot",
    "microservices": "microservice several huge",
    "prototype": "minimal small simple basic demo poc mvp",
    "service": "full large big xl standard production microservices",
    "workspace": "monorepo",
    "3.11": "3.8 3.9 3.10",
    "3.13": "3 python3 latest",
    # The lists of all these.
    "providers": "model models llm llms",
    "presets": "template templates",
    "deploy": "target targets platform platforms",
}


def names_for(word: str) -> list[str]:
    """What people may mean who say a word, which it may be itself."""
    return [word, *(name for name, words in OTHER_NAMES.items() if word in words.split())]


# More than these wait at once where `some`, or `high`, is meant.
AMOUNTS = {"high": 50, "some": 10, NONE: -1}


def closest_value(word: str, known: Collection[str]) -> str | None:
    """The value that was probably meant: by another name, by its number, or misspelt."""
    if word.isdecimal() and AMOUNTS.keys() <= {*known}:
        return next(value for value, least in AMOUNTS.items() if int(word) > least)
    phrase = _spaced(word)
    within = sorted((phrase.find(_spaced(v)), v) for v in known if _spaced(v) in phrase)
    for names in (names_for(word.casefold()), [v for _, v in within], names_for(phrase.split()[0])):
        if meant := [name for name in names if name in known]:
            return meant[0]
    alike = [value for value in known if _bare(value) == _bare(word)]
    # Who mistypes a word seldom does so at its first letter.
    begun = closest(word, (v for v in known if v[:1] == word[:1].casefold()), likeness=0.65)
    return alike[0] if alike else begun or closest(word, known, likeness=0.8)


def _spaced(phrase: str) -> str:
    """The words of a phrase, or of a value, each between blanks."""
    return f" {' '.join(re.findall(r'[a-z]+|[0-9]+', phrase.casefold())) or '?'} "


def _bare(word: str) -> str:
    """A word without what is written in many ways: Python_3.12 and 312 are the same."""
    return re.sub(r"^(python|py|v)(?=\d)|[^a-z0-9]", "", word.casefold())


def _choice(field: Field, value: str, place: str) -> str:
    if value in field.values:
        return value
    noun = NOUNS.get(field.key, field.key)
    what = f"an answer to {field.key!r}" if field.key in needs() else f"a {noun}"
    meant = closest_value(value, field.values)
    advice = f"did you mean {meant}? " if meant else ""
    raise MisspeltError(
        f"{value!r} is not {what}",
        why=f"{place} takes {', '.join(field.values)}",
        fix=f"{advice}`genai-scaffold list {LISTED_AS.get(field.key, 'needs')}` explains them all",
    )


def accept_boolean(raw: str, place: str) -> bool:
    if (word := raw.casefold()) in TRUE_WORDS | FALSE_WORDS:
        return word in TRUE_WORDS
    raise UsageError(
        f"{raw!r} is neither yes nor no", why=f"{place} takes yes or no", fix="write one of the two"
    )
