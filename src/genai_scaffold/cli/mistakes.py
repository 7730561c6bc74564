"""What was probably meant, where a command line is not understood."""

import math
import os
import re
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from genai_scaffold.answers.fields import (
    FALSE_WORDS,
    NONE,
    OTHER_NAMES,
    TRUE_WORDS,
    closest_value,
)
from genai_scaffold.cli.words import (
    DENIALS,
    FILLERS,
    FLAG_SYNONYMS,
    PLACES,
    SAID_ALONE,
    SYNONYMS,
    WISHES,
)
from genai_scaffold.errors import closest


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


def corrected(arguments: Sequence[str], commands: Mapping[str, Command]) -> list[str] | None:
    """Find the nearest arguments that are understood; None where nothing is near.

    Args:
        arguments: what was typed behind the program's name.
        commands: what there is; under the empty name, what the program takes without one.
    """
    # Word processors, and pages on the web, make one dash of two.
    arguments = [re.sub("^[–—]", "--", word) for word in arguments]  # noqa: RUF001 - those
    if arguments and arguments[0].lstrip("-") in commands:
        arguments = [arguments[0].lstrip("-"), *arguments[1:]]
    leading = [word for word in arguments if not word.startswith("-")]
    name = _command(leading[0], commands) if leading else None
    if name is None:
        return _without_command(arguments, leading, commands)
    if name.startswith("-"):
        return [*(word for word in leading[1:2] if word and word in commands), name]
    place = arguments.index(leading[0])
    rest = [*arguments[:place], *arguments[place + 1 :]]
    if name == "update":
        rest = list(_settings(rest, commands["new"]))
    words = list(_words(rest, commands[name]))
    return None if "" in words else [name, *words]


def _without_command(
    arguments: Sequence[str], leading: Sequence[str], commands: Mapping[str, Command]
) -> list[str] | None:
    """What is said of a project to create, most likely; or a flag of the program."""
    first = arguments[0].partition("=")[0] if arguments else ""
    creating = first in commands["new"].flags and first not in commands[""].flags
    if leading and not creating:
        if flag := _flag_of(leading[0], commands["new"]):
            others = [word for word in arguments if word != leading[0]]
            return corrected(["new", *others, flag, leading[0]], commands)
        # No verb has a hyphen, a dot, a slash or a capital: it is what is to be created.
        creating = not (leading[0].isalpha() and leading[0].islower())
    if creating:
        return corrected(["new", *arguments], commands)
    known = _flag(first, commands[""]) if first and not leading else None
    return [known] if known else None


def _settings(given: Sequence[str], new: Command) -> Iterator[str]:
    """The words of `update`, where an answer is given as it is to `new`."""
    waiting = deque(given)
    while waiting:
        word = waiting.popleft()
        key, equals, value = word.lstrip("-").partition("=")
        if word == "--set" and waiting:
            yield from (word, _setting(waiting, new))
        elif meant := _flag_of(word, new):
            yield from ("--set", f"{meant[2:]}={word}")
        elif new.flags.get(f"--{key}") and (equals or waiting):
            yield from ("--set", f"{key}={value if equals else waiting.popleft()}")
        elif word != "set":
            yield word


def _setting(waiting: deque[str], new: Command) -> str:
    """An answer as --set takes it, from the words behind that."""
    said = waiting.popleft()
    key, equals, value = (part.strip() for part in said.partition("="))
    if not equals and waiting and not waiting[0].startswith("-"):
        value = waiting.popleft()
    if not value:
        return said
    keys = [flag[2:] for flag in new.flags if flag.startswith("--")]
    key = key if key in keys else closest(key, keys, 0.7) or key
    known = new.flags.get(f"--{key}", ())
    return f"{key}={_value(value, known) if known else value}"


def _command(word: str, commands: Mapping[str, Command]) -> str | None:
    names = [name for name in commands if name]
    spelt = word.lower()
    near = closest(spelt, (*names, *SYNONYMS), 0.8) or closest(spelt, names)
    return word if word in names else SYNONYMS.get(near or "", near)


def _flag(word: str, command: Command) -> str | None:
    if word in command.flags:
        return word
    meant = FLAG_SYNONYMS.get(word)
    if meant in command.flags:
        return meant
    name, is_denied = _asked(word)
    if len(name) == 1:
        return f"-{name}" if f"-{name}" in command.flags else None
    prefix = "--no-" if is_denied else "--"
    names = [flag.removeprefix(prefix) for flag in command.flags if flag.startswith(prefix)]
    begun = [each for each in names if each.startswith(name)]
    alike = [each for each in names if sorted(each) == sorted(name)]
    begun = alike or begun
    near = name if name in names else begun[0] if len(begun) == 1 else closest(name, names, 0.7)
    return f"{prefix}{near}" if near else None


def _asked(flag: str) -> tuple[str, bool]:
    """What a flag names, and whether it says no to that."""
    name = flag.lstrip("-").replace("_", "-").lower()
    said = next((each for each in (*DENIALS, *WISHES) if name.startswith(each)), "")
    return name.removeprefix(said), said in DENIALS


def _opposite(flag: str) -> str:
    return flag.replace("--no-", "--") if "--no-" in flag else flag.replace("--", "--no-")


def _flag_of(value: str, command: Command) -> str | None:
    """The flag that a value needs not name, since it says which."""
    named = (flag for flag in SAID_ALONE if value in command.flags.get(flag, ()))
    return next(named, None)


def _words(given: Sequence[str], command: Command) -> Iterator[str]:
    """Yield the words of a command as it takes them; an empty one for what has no like."""
    plain: list[str] = []
    flags: list[str] = []
    known = 0  # how many of these there were at the last plain word
    waiting = deque(given)
    while waiting:
        word = waiting.popleft()
        name, _, value = word.partition("=")
        if word.strip("-,") in command.offered:
            plain.append(word.strip("-,"))
        elif word.startswith("-") and word != "-":
            following = value or (waiting[0] if waiting else "")
            if name in command.flags or not _names_a_word(name, following, command):
                flags += _flag_and_value(word, waiting, command)
            elif value:
                plain.append(value)
        elif belonging := _of_the_last(flags, word, command):
            flags = belonging
        elif not plain or len(flags) == known or not command.takes_name:
            plain.append(word)
            known = len(flags)
        elif command.flags.get(flags[-2 % len(flags)]) == ("",):
            flags[-1] += f" {word}"
        elif flag := _flag_of(word, command):
            flags += [flag, word]
    yield from [*_fitting(plain, flags, command), *flags]


def _names_a_word(name: str, following: str, command: Command) -> bool:
    """Whether a flag that is none stands before what the command takes without one."""
    is_place = name in PLACES and FLAG_SYNONYMS.get(name) not in command.flags
    return following in command.offered or (is_place and bool(command.most))


def _fitting(plain: list[str], flags: list[str], command: Command) -> list[str]:
    """As many words as the command takes; a value among words too many gets its flag."""
    if command.takes_name and len(plain) > command.most:
        values = [word for word in plain if _flag_of(word, command)]
        plain = [word for word in plain if word not in values]
        flags[:0] = [word for value in values for word in (_flag_of(value, command) or "", value)]
        while len(plain) > command.most and plain[0] in FILLERS:
            plain = plain[1:]
    elif command.offered and plain:
        places = [word for word in plain if word not in command.offered and os.path.isdir(word)]  # noqa: PTH112
        words = [word for word in plain if word not in places]
        plain = _offered(words, command) or [""] * command.least
        if places and "--project" in command.flags:
            flags += ["--project", places[0]]
        elif command.least:
            plain += places
    if len(plain) < command.least:
        plain += command.example
    if len(plain) > command.most and command.takes_name:
        paths = [word for word in plain if "/" in word]
        return paths[:1] or ["-".join(plain).lstrip("-")]
    return plain if command.most == math.inf else plain[: int(command.most)]


def _offered(plain: Sequence[str], command: Command) -> list[str]:
    """The words that are offered, without those that only join them; the next may be a path."""
    meant = [_value(word, [*command.offered]) for word in plain]
    known = [number for number, word in enumerate(meant) if word]
    if command.most == math.inf or not known:
        return [word for word in meant if word]
    return [meant[known[0]], *plain[known[0] + 1 :]]


def _flag_and_value(word: str, waiting: deque[str], command: Command) -> list[str]:
    """A flag that is understood, with its value if it takes one, from the words behind it."""
    name, equals, value = word.partition("=")
    if name not in command.flags and (named := _value_named(name, command)):
        return named
    flag = _flag(name, command) or ""
    if not flag and waiting and (meant := _owner(waiting[0], command)):
        return [meant, waiting.popleft()]
    values = command.flags.get(flag, ())
    if not values:
        is_denied = value.lower() in FALSE_WORDS
        return [_opposite(flag)] if is_denied and _opposite(flag) in command.flags else [flag]
    if not equals and waiting:
        value = waiting.popleft()
    if value.startswith("-"):
        waiting.appendleft(value)
        value = ""
    known = _value(value, values) if value else values[0]
    if not known and (owner := _owner(value, command)):
        return [owner, value]
    return [flag, known]


def _value_named(name: str, command: Command) -> list[str]:
    """The flag and the value where a flag was made of the value; nothing if it was not."""
    bare, is_denied = _asked(name)
    if bare == "sync" and "--async" in command.flags:
        return ["--async", NONE]
    own = FLAG_SYNONYMS.get(f"--{bare}", f"--{bare}")
    if is_denied and NONE in command.flags.get(own, ()):
        return [own, NONE]
    if f"--{bare}" in command.flags:
        return []
    meant = OTHER_NAMES.get(bare, bare)
    for flag, values in command.flags.items():
        value = meant.removeprefix(f"{flag.lstrip('-')}-")
        if value == NONE or value not in values:
            continue
        if not is_denied:
            return [flag, value]
        if flag in command.usual:
            return [flag, ",".join(v for v in command.usual[flag] if v != value) or NONE]
    return []


def _owner(value: str, command: Command) -> str | None:
    """The flag that a value belongs to, if it is one alone, or may be said without."""
    owners = [flag for flag, values in command.flags.items() if value in values]
    return _flag_of(value, command) or (owners[0] if len(owners) == 1 else None)


def _value(value: str, values: Sequence[str]) -> str:
    """A value, or several, as they are known; an empty one if nothing is near."""
    if values == ("",):
        return value
    items = [item for item in value.split(",") if item]
    known = [item if item in values else closest_value(item, values) or "" for item in items]
    return ",".join(known) if all(known) else ""


def _of_the_last(flags: Sequence[str], word: str, command: Command) -> list[str] | None:
    """The flags with a word behind them that was meant for the last one."""
    *others, last = flags or ("",)
    opposite = _opposite(last)
    if last in command.flags and opposite in command.flags:
        if word.lower() in TRUE_WORDS:
            return [*others, last]
        if word.lower() in FALSE_WORDS:
            return [*others, opposite]
    word = word.strip(",")
    if others and word in command.flags.get(others[-1], ()):
        return [*flags, others[-1], word] if others[-1] in command.usual else [*flags]
    return None
