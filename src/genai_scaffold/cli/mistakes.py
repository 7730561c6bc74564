"""What was probably meant, where a command line is not understood."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from genai_scaffold.errors import closest

# What other programs call these.
SYNONYMS: Mapping[str, str] = {
    word: name
    for name, words in {
        "new": "create init generate scaffold start startproject make",
        "recommend": "suggest choose compare advise which",
        "list": "ls show options templates",
        "check": "verify validate lint test",
        "update": "upgrade sync pull refresh",
        "switch": "migrate convert change",
        "add": "install enable with",
        "remove": "rm delete uninstall disable drop",
        "doctor": "diagnose status env info",
        "--help": "help",
        "--version": "version",
    }.items()
    for word in words.split()
}
FLAG_SYNONYMS: Mapping[str, str] = {
    word: flag
    for flag, words in {
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
    }.items()
    for word in words.split()
}


class Command(NamedTuple):
    """What a command takes.

    Args:
        flags: each, and what it might be set to; nothing where it takes no value.
        least: how many words it needs beside its flags.
        most: how many it takes.
        example: words that it could be given.
    """

    flags: Mapping[str, Sequence[str]]
    least: int = 0
    most: float = 0
    example: Sequence[str] = ()


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
    if name is None or name.startswith("-"):
        return [name] if name else None
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
    return closest(f"--{word.lstrip('-').replace('_', '-').lower()}", command.flags, likeness=0.7)


def _words(given: Sequence[str], command: Command) -> Iterator[str]:
    """Yield the words of a command as it takes them; an empty one for what has no like."""
    plain: list[str] = []
    flags: list[str] = []
    words = iter(given)
    for word in words:
        if not word.startswith("-") or word == "-":
            plain.append(word)
            continue
        name, equals, value = word.partition("=")
        flag = _flag(name, command)
        flags.append(flag or "")
        values = command.flags.get(flag or "", ())
        if not values:
            continue
        value = value if equals else next(words, "")
        if value.startswith("-") or not value:
            flags += [values[0], *([value] if value else [])]
        else:
            flags.append(value)
    if len(plain) < command.least:
        plain += command.example
    if len(plain) > command.most:
        # Most often a name with a blank in it.
        plain = ["-".join(plain)]
    yield from [*plain, *flags]
