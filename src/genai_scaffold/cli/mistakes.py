"""What was probably meant, where a command line is not understood."""

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from genai_scaffold.answers.fields import FALSE_WORDS, NONE, TRUE_WORDS
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
        "add": "install enable with",
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


class Command(NamedTuple):
    """What a command takes.

    Args:
        flags: each, and what it might be set to; nothing where it takes no value.
        least: how many words it needs beside its flags.
        most: how many it takes.
        offered: the words that it takes; nothing where they are names or paths.
        example: words that it could be given.
        takes_name: whether words too many are most likely a name with blanks in it.
    """

    flags: Mapping[str, Sequence[str]]
    least: int = 0
    most: float = 0
    offered: Collection[str] = ()
    example: Sequence[str] = ()
    takes_name: bool = False


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
    return closest(f"--{word.lstrip('-').replace('_', '-').lower()}", command.flags, likeness=0.7)


def _words(given: Sequence[str], command: Command) -> Iterator[str]:
    """Yield the words of a command as it takes them; an empty one for what has no like."""
    plain: list[str] = []
    flags: list[str] = []
    waiting = deque(given)
    while waiting:
        word = waiting.popleft()
        if word.lstrip("-") in command.offered:
            plain.append(word.lstrip("-"))
        elif word.startswith("-") and word != "-":
            flags += _flag_and_value(word, waiting, command)
        elif belonging := _of_the_last(flags, word, command):
            flags = belonging
        else:
            plain.append(word)
    if len(plain) < command.least:
        plain += command.example
    if len(plain) > command.most:
        plain = ["-".join(plain).lstrip("-")] if command.takes_name else plain[: int(command.most)]
    yield from [*plain, *flags]


def _flag_and_value(word: str, waiting: deque[str], command: Command) -> list[str]:
    """A flag that is understood, with its value if it takes one, from the words behind it."""
    name, equals, value = word.partition("=")
    if name not in command.flags:
        bare = name.lstrip("-").lower()
        for flag, values in command.flags.items():
            if bare in values and bare != NONE:
                return [flag, bare]
    flag = _flag(name, command) or ""
    values = command.flags.get(flag, ())
    if not values:
        return [flag]
    if not equals and waiting:
        value = waiting.popleft()
    if value.startswith("-"):
        waiting.appendleft(value)
        value = ""
    return [flag, value or values[0]]


def _of_the_last(flags: Sequence[str], word: str, command: Command) -> list[str] | None:
    """The flags with a word behind them that was meant for the last one."""
    *others, last = flags or ("",)
    opposite = last.replace("--no-", "--") if "--no-" in last else last.replace("--", "--no-")
    if last in command.flags and opposite in command.flags:
        if word.lower() in TRUE_WORDS:
            return [*others, last]
        if word.lower() in FALSE_WORDS:
            return [*others, opposite]
    if others and word in command.flags.get(others[-1], ()):
        return [*flags, others[-1], word]
    return None
