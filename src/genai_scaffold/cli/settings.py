"""Answers as `update` takes them, where they are given as they are to `new`."""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from genai_scaffold.answers.fields import FALSE_WORDS, TRUE_WORDS
from genai_scaffold.cli.nearest import Command, flag_near, flag_of, value_near
from genai_scaffold.cli.words import SAMPLES, SWITCHES


def is_setting(name: str, rest: Sequence[str], commands: Mapping[str, Command]) -> bool:
    """Whether an answer is meant that neither `switch` nor `add` takes."""
    if name not in {"switch", "add"} or any(
        value_near(word, [*commands[name].offered]) for word in rest
    ):
        return False
    settings = [word for word in settings_in(rest, commands["new"]) if re.match(r"\w+=", word)]
    return any(not word.startswith("framework=") for word in settings)


def settings_in(given: Sequence[str], new: Command) -> Iterator[str]:
    """The words of `update`, where an answer is given as it is to `new`."""
    waiting = deque(given)
    while waiting:
        word = waiting.popleft()
        key, equals, value = word.lstrip("-").partition("=")
        if key == "set" and equals:
            waiting.appendleft(value)
            word = "--set"
        if word == "--set" and waiting:
            yield from (word, _setting(waiting, new))
        elif meant := flag_of(word, new):
            yield from ("--set", f"{meant[2:]}={word}")
        elif new.flags.get(f"--{key}"):
            waiting.appendleft(f"{key}={value}" if equals else key)
            yield from ("--set", _setting(waiting, new))
        elif f"--{key.removeprefix('no-')}" in SWITCHES:
            if waiting and waiting[0].lower() in TRUE_WORDS | FALSE_WORDS:
                value = waiting.popleft()
            is_denied = key.startswith("no-") or value.lower() in FALSE_WORDS
            yield from ("--set", f"{key.removeprefix('no-')}={'no' if is_denied else 'yes'}")
        elif word not in {"set", "to"}:
            yield word


def _setting(waiting: deque[str], new: Command) -> str:
    """An answer as --set takes it, from the words behind that."""
    said = re.sub(r"^(\w+):", r"\1=", waiting.popleft())
    key, equals, value = (part.strip() for part in said.partition("="))
    if not equals and waiting and not waiting[0].startswith("-"):
        value = waiting.popleft()
    flag = flag_near(f"--{key.lower()}", new) or ""
    known = new.flags.get(flag, ())
    if not known:
        return f"{flag[2:]}={value}" if flag in SWITCHES and value else said
    value = value_near(value, known) or value if value else known[0] or SAMPLES.get(flag, "")
    return f"{flag[2:]}={value}"
