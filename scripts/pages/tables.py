"""The tables of the documentation, made from the data that they show."""

import re
import signal
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from typer.core import TyperOption
from typer.main import get_command

from genai_scaffold import errors
from genai_scaffold.answers import resolution
from genai_scaffold.answers.fields import Field, fields
from genai_scaffold.answers.resolution import settle
from genai_scaffold.answers.sources import ENVIRONMENT_PREFIX, from_flags
from genai_scaffold.answers.spelling import in_words
from genai_scaffold.cli.options import HOW_IT_RUNS
from genai_scaffold.cli.program import app
from genai_scaffold.cli.shared import BUG
from genai_scaffold.recommendation.criteria import load_criteria
from genai_scaffold.system.signals import SIGNALLED
from genai_scaffold.template.questions import Value, derived, template_questions
from genai_scaffold.template.render import generated_files, render_project

GENERATED = re.compile(
    r"(?P<start><!-- generated: (?P<name>[\w-]+)(?: (?P<argument>[\w-]+))? -->\n)"
    r".*?(?P<end><!-- /generated -->)",
    re.DOTALL,
)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def code(*words: object) -> str:
    """Words as they are typed."""
    return ", ".join(f"`{word}`" for word in words)


def spelled(value: Value) -> str:
    words = value if isinstance(value, tuple) else (in_words(value),)
    return code(*words) if any(words) else ""


def needs() -> str:
    """The questions of the recommendation."""
    return table(
        ["need", "flag", "answers", "default"],
        [
            [
                need.help.rstrip("."),
                code(*flags(fields()[need.name])),
                "; ".join(f"`{choice.value}`: {choice.label}" for choice in need.choices)
                if need.kind == "choice"
                else "yes or no",
                spelled(need.default),
            ]
            for need in load_criteria().needs
        ],
    )


def weighed() -> str:
    """The criteria of the recommendation."""
    loaded = load_criteria()
    return table(
        ["where", "speaks for", "points", "because"],
        [
            [
                f"`{criterion.need}` is {' or '.join(map(spelled, criterion.values))}",
                loaded.label(criterion.favours),
                "decides" if criterion.decisive else str(criterion.points),
                criterion.because,
            ]
            for criterion in loaded.criteria
        ],
    )


def flags(field: Field) -> list[str]:
    return [field.flag, f"--no-{field.flag[2:]}"] if field.kind == "boolean" else [field.flag]


def options() -> str:
    """Everything that can be answered, in each of the ways."""
    defaults = resolution.defaults()
    return table(
        ["flag", "key in a file", "variable", "values", "default"],
        [
            [
                code(*flags(field)),
                code(key),
                code(ENVIRONMENT_PREFIX + key.upper()),
                code(*field.values) if field.values else "yes or no" * (field.kind == "boolean"),
                defaults[key],
            ]
            for key, field in fields().items()
        ],
    )


def running() -> str:
    """The flags of `new` that answer nothing."""
    command = get_command(app).commands["new"]  # type: ignore[attr-defined]
    return table(
        ["flag", "what"],
        [
            [code(*option.opts[:1], *option.secondary_opts), option.help or ""]
            for option in command.params
            if isinstance(option, TyperOption) and option.rich_help_panel == HOW_IT_RUNS
        ],
    )


def commands() -> str:
    """Every command, and what it is for."""
    group = get_command(app)
    listed = group.commands  # type: ignore[attr-defined]
    return table(
        ["command", "what"],
        [
            [code(f"genai-scaffold {name}"), (command.help or "").splitlines()[0]]
            for name, command in listed.items()
        ],
    )


def exit_codes() -> str:
    """What each exit code means."""
    meanings = {
        0: "Done.",
        BUG: "A bug in genai-scaffold; the message names the log to report.",
        **{
            kind.exit_code: (kind.__doc__ or "").splitlines()[0]
            for kind in errors.ScaffoldError.__subclasses__()
        },
        SIGNALLED + signal.SIGINT: "Stopped by Ctrl-C.",
        SIGNALLED + signal.SIGQUIT: "Stopped by the quit key, `Ctrl-\\`.",
        SIGNALLED + signal.SIGTERM: "Stopped by the system.",
    }
    return table(["code", "meaning"], [[str(c), meanings[c]] for c in sorted(meanings)])


def providers() -> str:
    """Who can serve the model, and what a project is told about each."""
    return table(
        ["provider", "flag", "`LLM_BASE_URL`", "`LLM_MODEL`", "`EMBEDDING_MODEL`"],
        [
            [
                label,
                code(f"--provider {value}"),
                spelled(derived("provider_base_url", {"provider": value})) or "yours to set",
                spelled(derived("provider_model", {"provider": value})) or "yours to set",
                spelled(derived("provider_embedding_model", {"provider": value}))
                or ("it has none" if value == "anthropic" else "yours to set"),
            ]
            for value, label, _ in template_questions()["provider"].choices
        ],
    )


def choices(key: str) -> str:
    """The values of one question, and how they read."""
    return table(
        ["name", "what", "more"],
        [[code(value), label, hint] for value, label, hint in template_questions()[key].choices],
    )


def deployment(target: str) -> str:
    """What the DEPLOY.md of a project says about one target; its commands need a platform."""
    said = rendered_deploy(target)
    section = said[said.index("\n## Deploy ") :].partition("\n")[2].partition("\n")[2].strip()
    return section.replace("```bash\n", "```bash elsewhere\n") + "\n"


def production(target: str) -> str:
    """What the DEPLOY.md of a project asks for, whatever the target."""
    return rendered_deploy(target).partition("\n\n")[2].partition("\n## Deploy ")[0]


def rendered_deploy(target: str) -> str:
    return deployed(target)["DEPLOY.md"]


def deployed(target: str) -> dict[str, str]:
    """The files of the project that the page on a target is about."""
    framework = "flask" if target == "mod-wsgi" else "fastapi"
    given = from_flags({"framework": framework, "deploy": [target], "name": "my-app"})
    resolved = settle(given).answers
    with tempfile.TemporaryDirectory() as folder:
        render_project(Path(folder), resolved.for_template(), {})
        return {
            path: (Path(folder) / path).read_text("utf-8") for path in generated_files(Path(folder))
        }


TABLES: Mapping[str, Callable[..., str]] = {
    "needs": needs,
    "criteria": weighed,
    "options": options,
    "running": running,
    "commands": commands,
    "exit-codes": exit_codes,
    "providers": providers,
    "choices": choices,
    "deployment": deployment,
    "production": production,
}


def tabled(page: str) -> str:
    """A page with its tables made anew."""

    def made(part: re.Match[str]) -> str:
        arguments = [part["argument"]] if part["argument"] else []
        return f"{part['start']}{TABLES[part['name']](*arguments)}{part['end']}"

    return GENERATED.sub(made, page)
