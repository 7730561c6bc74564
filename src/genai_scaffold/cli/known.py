"""What each command takes, for whoever looks for what was meant."""

import math
from typing import Any

from typer.core import TyperOption
from typer.main import get_command

from genai_scaffold.answers.fields import AUTO, NONE, fields
from genai_scaffold.answers.resolution import defaults
from genai_scaffold.cli.looking import list_kinds
from genai_scaffold.cli.nearest import Command
from genai_scaffold.cli.program import app

# Whose values a command takes as words, and what it could be given.
LISTED = ("feature", "deploy")
OFFERING = {"switch": ("framework",), "add": LISTED, "remove": LISTED}
EXAMPLES = {"switch": ("flask",), "add": ("metrics",), "remove": ("metrics",)}


def known_commands() -> dict[str, Command]:
    """What each command takes, as Typer has it; under the empty name, the program itself."""
    program = get_command(app)
    commands = {"": program, **getattr(program, "commands", {})}
    return {name: _known(command) for name, command in commands.items()}


def _known(command: Any) -> Command:  # noqa: ANN401 - Typer names none of its own classes
    usual = {key: words.partition(";")[0].split(", ") for key, words in defaults().items()}
    values = {
        field.flag: sorted(field.values, key=lambda value: value not in usual.get(field.key, ()))
        for field in fields().values()
    }
    ranks = {flag: rank for rank, flag in enumerate(values)}  # what shapes a project comes first
    options = [param for param in command.params if isinstance(param, TyperOption)]
    options.sort(key=lambda option: ranks.get(option.opts[0], -1))
    others = [param for param in command.params if not isinstance(param, TyperOption)]
    return Command(
        flags={
            "--help": (),
            "-h": (),
            **{
                flag: () if option.is_flag else values.get(option.opts[0]) or ("",)
                for option in options
                for flag in (*option.opts, *option.secondary_opts)
            },
        },
        least=sum(param.required for param in others),
        most=sum(math.inf if param.nargs == -1 else 1 for param in others),
        offered=_offered(command.name or ""),
        example=EXAMPLES.get(command.name or "", ()),
        takes_name=command.name == "new",
        usual={
            option.opts[0]: usual.get(option.opts[0].lstrip("-"), ())
            for option in options
            if option.multiple
        },
    )


def _offered(name: str) -> set[str]:
    if name == "list":
        return {*list_kinds()}
    values = (fields()[key].values for key in OFFERING.get(name, ()))
    return {value for each in values for value in each} - {AUTO, NONE}
