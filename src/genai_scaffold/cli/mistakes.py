"""What was probably meant, where a command line is not understood."""

import math
import os
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from genai_scaffold.answers.fields import FALSE_WORDS, TRUE_WORDS
from genai_scaffold.cli.nearest import (
    Command,
    flag_near,
    flag_of,
    opposite,
    owner_of,
    value_named,
    value_near,
)
from genai_scaffold.cli.words import FILLERS, FLAG_SYNONYMS, PLACES, SYNONYMS
from genai_scaffold.errors import closest


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
        if flag := flag_of(leading[0], commands["new"]):
            others = [word for word in arguments if word != leading[0]]
            return corrected(["new", *others, flag, leading[0]], commands)
        # No verb has a hyphen, a dot, a slash or a capital: it is what is to be created.
        creating = not (leading[0].isalpha() and leading[0].islower())
    if creating:
        return corrected(["new", *arguments], commands)
    known = flag_near(first, commands[""]) if first and not leading else None
    return [known] if known else None


def _settings(given: Sequence[str], new: Command) -> Iterator[str]:
    """The words of `update`, where an answer is given as it is to `new`."""
    waiting = deque(given)
    while waiting:
        word = waiting.popleft()
        key, equals, value = word.lstrip("-").partition("=")
        if word == "--set" and waiting:
            yield from (word, _setting(waiting, new))
        elif meant := flag_of(word, new):
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
    return f"{key}={value_near(value, known) if known else value}"


def _command(word: str, commands: Mapping[str, Command]) -> str | None:
    names = [name for name in commands if name]
    spelt = word.lower()
    near = closest(spelt, (*names, *SYNONYMS), 0.8) or closest(spelt, names)
    return word if word in names else SYNONYMS.get(near or "", near)


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
        elif flag := flag_of(word, command):
            flags += [flag, word]
    yield from [*_fitting(plain, flags, command), *flags]


def _names_a_word(name: str, following: str, command: Command) -> bool:
    """Whether a flag that is none stands before what the command takes without one."""
    is_place = name in PLACES and FLAG_SYNONYMS.get(name) not in command.flags
    return following in command.offered or (is_place and bool(command.most))


def _fitting(plain: list[str], flags: list[str], command: Command) -> list[str]:
    """As many words as the command takes; a value among words too many gets its flag."""
    if command.takes_name and len(plain) > command.most:
        values = [word for word in plain if flag_of(word, command)]
        plain = [word for word in plain if word not in values]
        flags[:0] = [word for value in values for word in (flag_of(value, command) or "", value)]
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
    meant = [value_near(word, [*command.offered]) for word in plain]
    known = [number for number, word in enumerate(meant) if word]
    if command.most == math.inf or not known:
        return [word for word in meant if word]
    return [meant[known[0]], *plain[known[0] + 1 :]]


def _flag_and_value(word: str, waiting: deque[str], command: Command) -> list[str]:
    """A flag that is understood, with its value if it takes one, from the words behind it."""
    name, equals, value = word.partition("=")
    if name not in command.flags and (named := value_named(name, command)):
        return named
    flag = flag_near(name, command) or ""
    if not flag and waiting and (meant := owner_of(waiting[0], command)):
        return [meant, waiting.popleft()]
    values = command.flags.get(flag, ())
    if not values:
        is_denied = value.lower() in FALSE_WORDS
        return [opposite(flag)] if is_denied and opposite(flag) in command.flags else [flag]
    if not equals and waiting:
        value = waiting.popleft()
    if value.startswith("-"):
        waiting.appendleft(value)
        value = ""
    known = value_near(value, values) if value else values[0]
    if not known and (owner := owner_of(value, command)):
        return [owner, value]
    return [flag, known]


def _of_the_last(flags: Sequence[str], word: str, command: Command) -> list[str] | None:
    """The flags with a word behind them that was meant for the last one."""
    *others, last = flags or ("",)
    other = opposite(last)
    if last in command.flags and other in command.flags:
        if word.lower() in TRUE_WORDS:
            return [*others, last]
        if word.lower() in FALSE_WORDS:
            return [*others, other]
    word = word.strip(",")
    if others and word in command.flags.get(others[-1], ()):
        return [*flags, others[-1], word] if others[-1] in command.usual else [*flags]
    return None
