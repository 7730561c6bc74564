"""The flag, or the value, that is nearest to a word."""

import re
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from genai_scaffold.answers.fields import (
    FALSE_WORDS,
    NONE,
    TRUE_WORDS,
    closest_value,
    names_for,
)
from genai_scaffold.cli.words import DENIALS, FLAG_SYNONYMS, SAID_ALONE, WISHES
from genai_scaffold.errors import closest

# Another program's way to give a flag.
ASSIGNED = re.compile(r"(?:/|(?:GENAI_SCAFFOLD_)?(?=[\w-]+=))(?P<name>\w[\w-]*)(?P<value>=.*)?")


class Command(NamedTuple):
    """What a command takes.

    Args:
        flags: each, and what it might be set to, its default first; nothing where it takes none.
        least: how many words it needs beside its flags.
        most: how many it takes.
        offered: the words that it takes first; nothing where they are names or paths.
        example: words that it could be given.
        takes_name: whether words too many are most likely a name with blanks in it.
        usual: the flags that may be given again, and what each has if it is not.
    """

    flags: Mapping[str, Sequence[str]]
    least: int = 0
    most: float = 0
    offered: Collection[str] = ()
    example: Sequence[str] = ()
    takes_name: bool = False
    usual: Mapping[str, Sequence[str]] = MappingProxyType({})


def as_flag(word: str, following: str, command: Command) -> str:
    """A word as the flag that it stands for: `team=flask`, a variable, or `/yes` as on Windows."""
    if following and following in command.flags.get(f"--{word}", ()):
        return f"--{word}"
    said = ASSIGNED.fullmatch(word)
    if not said:
        return word
    flag = f"--{said['name'].lower().replace('_', '-')}"
    return f"{flag}{said['value'] or ''}" if flag in command.flags else word


def flag_near(word: str, command: Command) -> str | None:
    """The flag that a word comes near; None where none does."""
    if word in command.flags:
        return word
    meant = FLAG_SYNONYMS.get(word)
    if meant in command.flags:
        return meant
    name, is_denied = asked(word)
    if len(name) == 1:
        return f"-{name}" if f"-{name}" in command.flags else None
    prefix = "--no-" if is_denied else "--"
    names = [flag.removeprefix(prefix) for flag in command.flags if flag.startswith(prefix)]
    alike = [each for each in names if sorted(each) == sorted(name)]
    alike = alike or [each for each in names if each.startswith(name)]
    near = name if name in names else alike[0] if len(alike) == 1 else closest(name, names, 0.7)
    return f"{prefix}{near}" if near else None


def asked(flag: str) -> tuple[str, bool]:
    """What a flag names, and whether it says no to that."""
    name = flag.lstrip("-").replace("_", "-").lower()
    said = next((each for each in (*DENIALS, *WISHES) if name.startswith(each)), "")
    return name.removeprefix(said), said in DENIALS


def opposite(flag: str) -> str:
    """What a flag is called that says the contrary."""
    return flag.replace("--no-", "--") if "--no-" in flag else flag.replace("--", "--no-")


def flag_of(value: str, command: Command) -> str | None:
    """The flag that a value needs not name, since it says which."""
    named = (flag for flag in SAID_ALONE if value in command.flags.get(flag, ()))
    return next(named, None)


def value_named(name: str, command: Command) -> list[str]:
    """The flag and the value where a flag was made of the value; nothing if it was not."""
    bare, is_denied = asked(name)
    if bare == "sync" and "--async" in command.flags:
        return ["--async", NONE]
    own = FLAG_SYNONYMS.get(f"--{bare}", f"--{bare}")
    if is_denied and NONE in command.flags.get(own, ()):
        return [own, NONE]
    if f"--{bare}" in command.flags or bare in TRUE_WORDS | FALSE_WORDS:
        return []
    for flag, values in command.flags.items():
        names = [name.removeprefix(f"{flag.lstrip('-')}-") for name in names_for(bare)]
        value = next((name for name in names if name in values), NONE)
        if value == NONE:
            continue
        if not is_denied:
            return [flag, value]
        if flag in command.usual:
            return [flag, ",".join(v for v in command.usual[flag] if v != value) or NONE]
    return []


def owner_of(value: str, command: Command) -> str | None:
    """The flag that a value belongs to, if it is one alone, or may be said without."""
    owners = [flag for flag, values in command.flags.items() if value in values]
    return flag_of(value, command) or (owners[0] if len(owners) == 1 else None)


def value_near(value: str, values: Sequence[str]) -> str:
    """A value, or several, as they are known; an empty one if nothing is near."""
    if values == ("",):
        return value
    items = [item for item in re.split(r"[,\s]+", value) if item]
    is_list = "," in value or all(item in values for item in items)
    if not is_list and (value in values or closest_value(value, values)):
        items = [value]
    known = [item if item in values else closest_value(item, values) or "" for item in items]
    return ",".join(known) if all(known) else ""
