"""What was probably meant, where a command line is not understood."""

import math
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from genai_scaffold.answers.fields import FALSE_WORDS, NONE, TRUE_WORDS, closest_value
from genai_scaffold.errors import by_word, closest

# What other programs call these.
SYNONYMS = by_word(
    {
        "new": "create init generate scaffold start startproject make",
        "recommend": "suggest choose compare advise which",
        "list": "ls show options templates",
        "check": "verify validate lint test",
        "update": "upgrade sync pull refresh",
        "switch": "migrate convert change",
        "add": "install enable with deploy",
        "remove": "rm delete uninstall disable drop",
        "doctor": "diagnose status env info",
        "--help": "help",
        "--version": "version",
    }
)
FLAG_SYNONYMS = by_word(
    {
        "--version": "-v -V -version",
        "--help": "-help -? /?",
        "--yes": "--no-input --no-interactive --non-interactive --defaults --force",
        "--provider": "--model --llm",
        "--preset": "--template --kind --type",
        "--feature": "--with --features --extra",
        "--deploy": "--target --platform --host",
        "--quiet": "--silent -s",
        "--dry-run": "--preview --noop -n",
        "--project": "--path",
        "--license": "--licence",
    }
)


# What is often said by its value alone, and where a thing is.
SAID_ALONE = ("--framework", "--preset", "--provider")
PLACES = ("--project", "--path", "--directory", "--dir", "--destination", "--output", "-o")


class Command(NamedTuple):
    """What a command takes.

    Args:
        flags: each, and what it might be set to, its default first; nothing where it takes none.
        least: how many words it needs beside its flags.
        most: how many it takes.
        offered: the words that it takes first; nothing where they are names or paths.
        example: words that it could be given.
        takes_name: whether words too many are most likely a name with blanks in it.
        repeated: the flags that may be given again.
    """

    flags: Mapping[str, Sequence[str]]
    least: int = 0
    most: float = 0
    offered: Collection[str] = ()
    example: Sequence[str] = ()
    takes_name: bool = False
    repeated: Collection[str] = ()


def corrected(arguments: Sequence[str], commands: Mapping[str, Command]) -> list[str] | None:
    """Find the nearest arguments that are understood; None where nothing is near.

    Args:
        arguments: what was typed behind the program's name.
        commands: what there is; under the empty name, what the program takes without one.
    """
    leading = [word for word in arguments if not word.startswith("-")]
    if not leading:
        known = _flag(arguments[0], commands[""]) if arguments else None
        return [known] if known else None
    name = _command(leading[0], commands)
    if name is None:
        if flag := _flag_of(leading[0], commands["new"]):
            others = [word for word in arguments if word != leading[0]]
            return corrected(["new", *others, flag, leading[0]], commands)
        # No verb has a hyphen, a dot or a slash: it is what is to be created.
        return None if leading[0].isalpha() else corrected(["new", *arguments], commands)
    if name.startswith("-"):
        return [*(word for word in leading[1:2] if word and word in commands), name]
    place = arguments.index(leading[0])
    rest = [*arguments[:place], *arguments[place + 1 :]]
    words = list(_words(rest, commands[name]))
    return None if "" in words else [name, *words]


def _command(word: str, commands: Mapping[str, Command]) -> str | None:
    names = [name for name in commands if name]
    return word if word in names else SYNONYMS.get(word.lower()) or closest(word.lower(), names)


def _flag(word: str, command: Command) -> str | None:
    if word in command.flags:
        return word
    meant = FLAG_SYNONYMS.get(word)
    if meant in command.flags:
        return meant
    name = word.lstrip("-").replace("_", "-").lower()
    return closest(f"--{name}", command.flags, likeness=0.7) if len(name) > 1 else None


def _flag_of(value: str, command: Command) -> str | None:
    """The flag that a value needs not name, since it says which."""
    named = (flag for flag in SAID_ALONE if value in command.flags.get(flag, ()))
    return next(named, None)


def _words(given: Sequence[str], command: Command) -> Iterator[str]:
    """Yield the words of a command as it takes them; an empty one for what has no like."""
    plain: list[str] = []
    flags: list[str] = []
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
        else:
            plain.append(word)
    yield from [*_fitting(plain, flags, command), *flags]


def _names_a_word(name: str, following: str, command: Command) -> bool:
    """Whether a flag that is none stands before what the command takes without one."""
    if command.offered:
        return following in command.offered
    return name in PLACES and bool(command.most) and FLAG_SYNONYMS.get(name) not in command.flags


def _fitting(plain: list[str], flags: list[str], command: Command) -> list[str]:
    """As many words as the command takes; a value among words too many gets its flag."""
    if command.takes_name and len(plain) > command.most:
        values = [word for word in plain if _flag_of(word, command)]
        plain = [word for word in plain if word not in values]
        flags[:0] = [word for value in values for word in (_flag_of(value, command) or "", value)]
    elif command.offered:
        plain = _offered(plain, command)
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
    if name not in command.flags:
        bare = name.lstrip("-").lower()
        for flag, values in command.flags.items():
            if bare in values and bare != NONE:
                return [flag, bare]
            joined = bare.removeprefix(f"{flag.lstrip('-')}-")
            if joined != bare and joined in values:
                return [flag, joined]
    flag = _flag(name, command) or ""
    if not flag and waiting and (meant := _flag_of(waiting[0], command)):
        return [meant, waiting.popleft()]
    values = command.flags.get(flag, ())
    if not values:
        return [flag]
    if not equals and waiting:
        value = waiting.popleft()
    if value.startswith("-"):
        waiting.appendleft(value)
        value = ""
    return [flag, _value(value, values) if value else values[0]]


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
    opposite = last.replace("--no-", "--") if "--no-" in last else last.replace("--", "--no-")
    if last in command.flags and opposite in command.flags:
        if word.lower() in TRUE_WORDS:
            return [*others, last]
        if word.lower() in FALSE_WORDS:
            return [*others, opposite]
    word = word.strip(",")
    if others and word in command.flags.get(others[-1], ()):
        return [*flags, others[-1], word] if others[-1] in command.repeated else [*flags]
    return None
