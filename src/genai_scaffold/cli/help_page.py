"""The help of a command with many flags: in the order in which people need them, on few lines."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

COLUMN = 23  # where the explanations begin
ASIDE = re.compile(r"(?:[:;(]|,? such as |\bbefore ).*", re.DOTALL)


class Flag(NamedTuple):
    """A flag, or an argument.

    Args:
        names: such as `-y, --yes`.
        text: what it is for.
    """

    names: str
    text: str


class Section(NamedTuple):
    """Flags that belong together."""

    title: str
    flags: Sequence[Flag]


def help_page_of(
    usage: str, about: str, examples: Iterable[str], sections: Iterable[Section], width: int
) -> str:
    """Write a command's help.

    Args:
        usage: how it is typed.
        about: what it does, in a sentence.
        examples: commands to begin with.
        sections: its flags.
        width: of the terminal, in columns; no word is broken.
    """
    lines = [f"Usage: {usage}", *textwrap.wrap(about, width), ""]
    if shown := [f"  {example}" for example in examples]:
        lines += [*shown, ""]
    for section in sections:
        lines.append(f"{section.title}:")
        for flag in section.flags:
            lines += _explained(flag, width)
    return "\n".join(lines) + "\n"


def brief(text: str) -> str:
    """The first thing that an explanation says, without what is added to it."""
    return ASIDE.sub("", text).rstrip(" .,")


def offered(values: Iterable[str], default: str) -> str:
    """What can be chosen, with what is chosen otherwise in brackets."""
    taken = default.partition(";")[0].split(", ")
    words = [f"[{value}]" if value in taken else value for value in values]
    return ", ".join(words) or f"[{default}]"


def _explained(flag: Flag, width: int) -> Iterator[str]:
    names = f"  {flag.names}"
    if len(names) > COLUMN - 2:
        yield names
        names = ""
    wide = max(width - COLUMN, COLUMN)
    words = textwrap.wrap(flag.text, wide, break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(words):
        yield f"{names if number == 0 else '':{COLUMN}}{line}"
