"""A command line as it was typed on a keyboard, and without some of its words."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from genai_scaffold.answers.names import DASHES
from genai_scaffold.cli.nearest import Command, asked
from genai_scaffold.cli.shared import PROGRAM
from genai_scaffold.cli.words import ABSENT, FILLERS, FORMATS, SYNONYMS

# Word processors, and pages on the web, make one dash of two, and turn quotes.
FLAG_DASHES = re.compile(f"^-?{DASHES}-?")
QUOTES = dict.fromkeys(map(ord, "\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"))


def as_typed(arguments: Sequence[str], commands: Mapping[str, Command]) -> list[str]:
    """The words as keyboards have them, and what joins a command to another word taken apart."""
    keyed = [FLAG_DASHES.sub("--", word.translate(QUOTES)) for word in arguments]
    words = _as_json(list(_apart(_together(keyed), commands)))
    while words and words[0] in (PROGRAM, PROGRAM.replace("-", "_")):
        del words[0]
    first = words[0] if words else ""
    if f"--{first}" in commands[""].flags and first not in SYNONYMS:
        return [f"--{first}", *words[1:]]
    if first.lstrip("-") in commands:
        return [first.lstrip("-"), *words[1:]]
    head, _, tail = first.partition("-")
    name = SYNONYMS.get(head, head)
    if head and tail and name in commands:
        if tail in commands[name].offered:
            return [name, tail, *words[1:]]
        if tail in FILLERS or any(not word.startswith("-") for word in words[1:]):
            return [name, *words[1:]]
    return words


def _together(words: Sequence[str]) -> list[str]:
    """The words, with what blanks around an equals sign have torn apart put together."""
    joined: list[str] = []
    for word in words:
        is_behind = joined and (joined[-1].endswith("=") or word.startswith("="))
        if is_behind and not word.startswith("-"):
            joined[-1] += word
        elif word != "--":
            joined.append(word)
    return joined


def _apart(words: Sequence[str], commands: Mapping[str, Command]) -> Iterator[str]:
    """The words, with those that were quoted as one taken apart: `'new my-app'`, `'x --yes'`."""
    before = ""
    for word in words:
        head, *tail = parts = word.split() or [word]
        is_text = before.startswith("-") or word.startswith("-")
        is_command = not before and (head in commands or head in SYNONYMS)
        if tail and not is_text and (is_command or any(part.startswith("--") for part in tail)):
            yield from parts
        else:
            yield word
        before = word


def _as_json(words: list[str]) -> list[str]:
    """The words, with `--json` for what others write as `--format json`."""
    for number, word in enumerate(words):
        flag, _, value = word.partition("=")
        behind = [] if value else words[number + 1 : number + 2]
        if flag in FORMATS and [value or "", *behind][-1].lower() == "json":
            return [*words[:number], "--json", *words[number + 1 + len(behind) :]]
    return words


def without(arguments: Sequence[str], spare: Sequence[str]) -> list[str]:
    """The arguments but for flags, each with the value that is written behind it."""
    kept = [*arguments]
    for flag, following in zip_longest(spare, spare[1:], fillvalue="-"):
        if flag.startswith("-"):
            words = [flag] if following.startswith("-") else [flag, following]
            for form in (words, ["=".join(words)]):
                found = (i for i in range(len(kept)) if kept[i : i + len(form)] == form)
                if (place := next(found, None)) is not None:
                    del kept[place : place + len(form)]
                    break
    return kept


def lack_of(arguments: Sequence[str]) -> str | None:
    """Why there is no flag for something; None where nobody expects one."""
    flags = (word.partition("=")[0] for word in arguments if word.startswith("-"))
    return next((ABSENT[name] for word in flags if (name := asked(word)[0]) in ABSENT), None)
