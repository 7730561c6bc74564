"""What was probably meant, where a command line is not understood."""

import math
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from genai_scaffold.answers.fields import FALSE_WORDS, LISTED_AS, TRUE_WORDS
from genai_scaffold.cli.cleaning import as_typed
from genai_scaffold.cli.nearest import (
    Command,
    as_flag,
    flag_near,
    flag_of,
    opposite,
    owner_of,
    value_named,
    value_near,
)
from genai_scaffold.cli.places import folder_and_others, joined
from genai_scaffold.cli.settings import is_setting, settings_in
from genai_scaffold.cli.words import (
    EVERYTHING,
    FILLERS,
    FLAG_SYNONYMS,
    JOINING,
    NOTHING,
    PLACES,
    SAMPLES,
    SYNONYMS,
    UNCLEAR,
)
from genai_scaffold.create.destination import REMOTE
from genai_scaffold.errors import closest


class Meant(NamedTuple):
    """Arguments that are understood.

    Args:
        words: they.
        is_whole: whether all that was said is among them, and nothing was left out.
    """

    words: list[str]
    is_whole: bool = True


def corrected(arguments: Sequence[str], commands: Mapping[str, Command]) -> Meant | None:
    """Find the nearest arguments that are understood; None where nothing is near.

    Args:
        arguments: what was typed behind the program's name.
        commands: what there is; under the empty name, what the program takes without one.
    """
    words = _corrected(as_typed(arguments, commands), commands)
    return Meant([word for word in words if word], "" not in words) if words else None


def _corrected(arguments: list[str], commands: Mapping[str, Command]) -> list[str] | None:
    """The same; an empty word stands for each that was left out."""
    leading = [word for word in arguments if not word.startswith("-")]
    name = command_near(leading[0], commands) if leading else None
    if name is None:
        return _without_command(arguments, leading, commands)
    if name.startswith("-"):
        return [*(word for word in leading[1:2] if word and word in commands), name]
    place = arguments.index(leading[0])
    rest = [*arguments[:place], *arguments[place + 1 :]]
    if rest in (["--version"], ["-V"]):
        return ["--version"]
    if name == "update" or (name == "new" and leading[0] != name):
        # There it would be a path, or the name of a project, that nobody means.
        is_offered = len(leading) > 1 and {*leading[1:]} <= {*commands["add"].offered}
        name = "add" if is_offered else name
    if name == "remove" and {word.lstrip("-") for word in rest} & EVERYTHING:
        return [*NOTHING]
    if name == "add" and any(word in commands["switch"].offered for word in rest):
        name = "add" if any(word in commands["add"].offered for word in rest) else "switch"
    if name == "list":
        rest = [_list_of(word, commands) for word in rest]
    if name == "update" or is_setting(name, rest, commands):
        name = "update"
        rest = list(settings_in(rest, commands["new"]))
    own = rest if commands[name].most else list(_own(rest, commands[name], commands["new"]))
    words = _words(own, commands[name])
    return None if words is None else [name, *words, *[""][: len(rest) - len(own)]]


def _list_of(word: str, commands: Mapping[str, Command]) -> str:
    """What lists a value, unless a word is the name of a list."""
    kinds = commands["list"].offered
    flag = None if value_near(word, [*kinds]) else owner_of(word, commands["new"])
    return LISTED_AS.get((flag or "")[2:], "needs") if flag else word


def _own(rest: Sequence[str], command: Command, other: Command) -> Iterator[str]:
    """What is not said to another command."""
    waiting = deque(rest)
    while waiting:
        word = waiting.popleft()
        name, equals, _ = word.partition("=")
        if name in command.flags or name not in other.flags:
            yield word
        elif other.flags[name] and not equals and waiting and not waiting[0].startswith("-"):
            waiting.popleft()


def _without_command(
    arguments: Sequence[str], leading: Sequence[str], commands: Mapping[str, Command]
) -> list[str] | None:
    """What is said of a project to create, most likely; or a flag of the program."""
    first = arguments[0].partition("=")[0] if arguments else ""
    creating = first in commands["new"].flags and first not in commands[""].flags
    if leading and not creating:
        if flag := flag_of(leading[0], commands["new"]):
            others = [word for word in arguments if word != leading[0]]
            return _corrected(["new", *others, flag, leading[0]], commands)
        if leading[0] in commands["list"].offered:
            return _corrected(["list", *arguments], commands)
        # No verb has a hyphen, a dot, a slash or a capital: it is what is to be created.
        creating = not (leading[0].isalpha() and leading[0].islower())
    if creating:
        return _corrected(["new", *arguments], commands)
    known = flag_near(first, commands[""]) if first and not leading else None
    return [known] if known else None


def command_near(word: str, commands: Mapping[str, Command]) -> str | None:
    """The command, or the flag of the program, that a word comes near; None where none does."""
    names = [name for name in commands if name]
    spelt = word.lower()
    near = closest(spelt, (*names, *SYNONYMS), 0.8) or closest(spelt, names)
    return word if word in names else SYNONYMS.get(near or "", near)


def _words(given: Sequence[str], command: Command) -> list[str] | None:
    """The words of a command as it takes them, an empty one for what has no like; or None."""
    plain: list[str] = []
    flags: list[str] = []
    known = 0  # how many of these there were at the last plain word
    folder, waiting = folder_and_others(given, command)
    while waiting:
        word = waiting.popleft()
        word = as_flag(word, waiting[0] if waiting else "", command)
        name, _, value = word.partition("=")
        if word.strip("-,") in command.offered:
            plain.append(word.strip("-,"))
        elif word.startswith("-") and word != "-":
            following = value or (waiting[0] if waiting else "")
            if name in command.flags or not _names_a_word(name, following, command):
                flags += _flag_and_value(word, waiting, command, is_named=bool(plain))
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
    fitting = _fitting(plain, flags, command)
    fitting = [joined(folder, fitting)] if folder else fitting
    return None if len(fitting) < command.least else [*fitting, *_once(flags, command)]


def _once(flags: Sequence[str], command: Command) -> list[str]:
    """The flags with their values; of one that is taken once, the last."""
    kept: list[str] = []
    waiting = deque(flags)
    while waiting:
        flag = waiting.popleft()
        value = [waiting.popleft()] if command.flags.get(flag) and waiting else []
        if flag in command.usual or flag not in waiting:
            kept += [flag, *value]
    return kept


def _names_a_word(name: str, following: str, command: Command) -> bool:
    """Whether a flag that is none stands before what the command takes without one."""
    is_place = name in PLACES and FLAG_SYNONYMS.get(name) not in command.flags
    return following in command.offered or (is_place and bool(command.most))


def _fitting(plain: list[str], flags: list[str], command: Command) -> list[str]:
    """As many words as the command takes; a value among words too many gets its flag."""
    if not plain and command.least:
        return [] if "" in flags else [*command.example]
    if command.takes_name and len(plain) > command.most:
        find = flag_of if JOINING.isdisjoint(plain) else owner_of
        found = {word: flag for word in plain if (flag := find(word, command))}
        plain = [word for word in plain if word not in found and word not in JOINING]
        flags[:0] = [word for value, flag in found.items() for word in (flag, value)]
        while len(plain) > command.most and plain[0] in FILLERS:
            plain = plain[1:]
        plain = [word for word in plain if not REMOTE.match(word)] or plain
    elif plain and not command.most:
        found = {word: flag for word in plain if (flag := owner_of(word, command))}
        flags += [
            word for value, flag in found.items() if value not in UNCLEAR for word in (flag, value)
        ]
    elif command.offered and plain:
        places = [word for word in plain if word not in command.offered and os.path.isdir(word)]  # noqa: PTH112
        words = [word for word in plain if word not in places]
        plain = _offered(words, command)
        if places and "--project" in command.flags:
            flags += ["--project", places[0]]
        elif command.least and plain:
            plain += places
    if len(plain) > command.most and command.takes_name:
        names = [word for word in plain if word and not word.isalnum()]
        paths = [word for word in plain if "/" in word] or names
        # Words that are whole names, such as my-app, are two projects; others are one name.
        return [paths[0], *[""][: len(names) - 1]] if paths else ["-".join(filter(None, plain))]
    return plain if command.most == math.inf else plain[: int(command.most)]


def _offered(plain: Sequence[str], command: Command) -> list[str]:
    """The words that are offered, without those that only join them; the next may be a path."""
    if command.most != math.inf and "to" in plain:
        plain = plain[plain.index("to") + 1 :]
    meant = [value_near(word, [*command.offered]) for word in plain]
    known = [number for number, word in enumerate(meant) if word]
    if command.least and len([word for word in plain if word in command.offered]) > 1:
        known = known[1:]  # from one to the other
    if command.most == math.inf or not known:
        return [word for word in meant if word]
    return [meant[known[0]], *plain[known[0] + 1 :]]


def _flag_and_value(
    word: str, waiting: deque[str], command: Command, *, is_named: bool
) -> list[str]:
    """A flag that is understood, with its value if it takes one, from the words behind it."""
    name, equals, value = word.partition("=")
    if name not in command.flags and (named := value_named(name, command)):
        return named
    flag = flag_near(name, command)
    if not flag:
        if waiting and (meant := owner_of(waiting[0], command)):
            return [meant, waiting.popleft()]
        if not equals and _is_its_value(waiting, command, is_named=is_named):
            waiting.popleft()
        return [""]
    values = command.flags[flag]
    if not values:
        is_denied = value.lower() in FALSE_WORDS
        return [opposite(flag)] if is_denied and opposite(flag) in command.flags else [flag]
    if not equals and waiting:
        value = waiting.popleft()
    if value.startswith("-"):
        waiting.appendleft(value)
        value = ""
    known = value_near(value, values) if value else values[0] or SAMPLES.get(flag, "")
    if value and not known and (owner := owner_of(value, command)):
        return [owner, value]
    if values != ("",) and flag not in command.usual:
        known = known.partition(",")[0]
    return [flag, known] if known else [""]


def _is_its_value(waiting: Sequence[str], command: Command, *, is_named: bool) -> bool:
    """Whether the next word most likely belongs to the flag before it, which is none."""
    following, *others = *waiting, "-"
    if following.startswith("-") or following in command.offered or "=" in following:
        return False
    if command.takes_name:
        return is_named or not others[0].startswith("-")
    return not os.path.exists(following)  # noqa: PTH110


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
