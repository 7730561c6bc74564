"""A command: how it takes its words, and how it explains its flags."""

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from genai_scaffold.cli.options import (
    ANSWER_FLAGS,
    COMMON,
    HOW_IT_RUNS,
    MORE,
    NEEDS,
)
from genai_scaffold.cli.shared import BEGINNINGS
from genai_scaffold.errors import SpareError

if TYPE_CHECKING:
    from genai_scaffold.cli.help_page import Flag

COMMANDS, TAKEN = "Commands, each with a --help of its own", "What it takes"
WIDEST = 100  # columns of help: a longer line is hard to read


class Explained(TyperCommand):
    """A command whose flags are explained where the questions are, once somebody wants help."""

    def get_params(self, context: Any) -> list[Any]:  # noqa: ANN401 - Typer's own
        return _as_typed(super().get_params(context))

    def parse_args(self, context: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - Typer's own
        _refuse_a_flag_as_value(self.params, args)
        _, _, given = self.make_parser(context).parse_args(args=[*args])
        for option, times in Counter(given).items():
            if times > 1 and not (option.multiple or option.nargs == -1):
                _refuse_another(option, args)
        return super().parse_args(context, args)

    def format_help(self, context: Any, formatter: Any) -> None:  # noqa: ANN401 - Typer's own
        examples = [line for line in BEGINNINGS if line.split()[1] == self.name]
        formatter.write(_help_of(self, context, examples, {}))


class ExplainedProgram(TyperGroup):
    """The program: what it can do, and how to begin."""

    def get_params(self, context: Any) -> list[Any]:  # noqa: ANN401 - Typer's own
        return _as_typed(super().get_params(context))

    def format_help(self, context: Any, formatter: Any) -> None:  # noqa: ANN401 - Typer's own
        about = {name: command.help for name, command in self.commands.items()}
        formatter.write(_help_of(self, context, BEGINNINGS, about))


def _as_typed(params: list[Any]) -> list[Any]:
    """Have words taken as they are: Typer loads Pydantic for them, slower than most commands."""
    for param in params:
        param.process_value = partial(_taken, param)
    return params


def _taken(param: Any, context: Any, value: Any) -> Any:  # noqa: ANN401 - Typer's own
    if param.required and param.value_is_missing(value):
        return type(param).process_value(param, context, value)  # says so
    if param.multiple or param.nargs == -1:
        value = tuple(value or ())
    elif value is not None:
        value = param.type_descriptor.annotation(value)
    return param.callback(context, param, value) if param.callback else value


def _refuse_a_flag_as_value(options: Iterable[Any], arguments: list[str]) -> None:
    """A flag that lacks its value does not take the flag behind it; behind = it takes any."""
    known = {flag: option for option in options for flag in (*option.opts, *option.secondary_opts)}
    for word, following in pairwise(arguments):
        option = known.get(word)
        if isinstance(option, TyperOption) and not option.is_flag and following in known:
            raise typer.BadParameter(f"{word} takes a value, and {following!r} is none")


def _refuse_another(option: Any, arguments: Iterable[str]) -> None:  # noqa: ANN401 - Typer's own
    """Of a flag that is given again, none is dropped: it must mean the same."""
    name, opposite = option.opts[0], "".join(option.secondary_opts)
    if not option.is_flag:
        problem, why = f"{name} is given more than once", "it takes one value"
    elif {name, opposite} <= {*arguments}:
        problem, why = f"{name} contradicts {opposite}", "each says the opposite of the other"
    else:
        return
    flag, *values = next(pair for pair in pairwise([*arguments, ""]) if pair[0].startswith(name))
    spare = flag.split("=", 1) if option.is_flag or "=" in flag else (flag, *values)
    raise SpareError(problem, why=why, fix="leave one of the two out", spare=spare)


def _help_of(
    command: Any,  # noqa: ANN401 - Typer's own
    context: Any,  # noqa: ANN401 - Typer's own
    examples: Iterable[str],
    commands: Mapping[str, str | None],
) -> str:
    from genai_scaffold.cli.help_page import Flag, Section, help_page_of

    found: dict[str, list[Flag]] = {
        COMMANDS: [Flag(name, text or "") for name, text in commands.items()],
        **{title: [] for title in (TAKEN, COMMON, NEEDS, MORE, HOW_IT_RUNS)},
    }
    for option in command.params:
        title = getattr(option, "rich_help_panel", None) or TAKEN
        found[title].append(_explained_flag(option))
    sections = [Section(title, flags) for title, flags in found.items() if flags]
    usage = f"{context.command_path} {' '.join(command.collect_usage_pieces(context))}"
    width = min(shutil.get_terminal_size().columns, WIDEST)
    return help_page_of(usage, command.help or "", examples, sections, width)


def _explained_flag(option: Any) -> "Flag":  # noqa: ANN401 - Typer's own
    from genai_scaffold.cli.help_page import Flag, brief, offered

    if not isinstance(option, TyperOption):
        return Flag(option.metavar or str(option.name).upper(), option.help or "")
    if option.opts[0] not in ANSWER_FLAGS:
        return Flag(_typed_form(option), option.help or "")
    from genai_scaffold.answers.fields import AUTO, fields
    from genai_scaffold.answers.resolution import defaults

    field = fields()[ANSWER_FLAGS[option.opts[0]]]
    default = AUTO if field.key == "framework" else defaults()[field.key]
    choice = offered(field.values, default)
    text = f"{brief(field.help)}{':' if field.values else ''} {choice}."
    many = " ..." if field.kind == "list" else ""
    return Flag(f"{_typed_form(option, takes=not field.values)}{many}", text)


def _typed_form(option: TyperOption, *, takes: bool = True) -> str:
    """A flag as it is typed: with what it takes, and both of its forms in one word."""
    long, *short = sorted(option.opts, key=len, reverse=True)
    if option.secondary_opts:
        return f"--[no-]{long[2:]}"
    value = f" {option.metavar or 'TEXT'}" if takes and not option.is_flag else ""
    return ", ".join([*short, f"{long}{value}"])
