"""Where a project is to go, where that is said as other programs take it."""

import re
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from genai_scaffold.cli.nearest import Command, flag_near, value_named
from genai_scaffold.cli.words import PLACES, PREPOSITIONS


def joined(folder: str, name: Sequence[str]) -> str:
    """Where a project of a name lies in a folder, which may be that already."""
    return folder if [Path(folder).name] == name else Path(folder, *name).as_posix()


def folder_and_others(given: Sequence[str], command: Command) -> tuple[str, deque[str]]:
    """Where a project is to go, if there is a flag for that elsewhere, and the other words."""
    waiting, others, folder = deque(given), deque[str](), ""
    if command.takes_name and waiting and _is_dashed(waiting[0], command):
        others.append(waiting.popleft()[1:])
    while waiting:
        name, _, value = (word := waiting.popleft()).partition("=")
        leads_to_path = others and name in PREPOSITIONS and waiting and "/" in waiting[0]
        if command.takes_name and (leads_to_path or (name in PLACES and (value or waiting))):
            folder = value or waiting.popleft()
        else:
            others.append(word)
    return folder, others


def _is_dashed(word: str, command: Command) -> bool:
    """Whether a word is a name with a dash before it."""
    name = word.partition("=")[0]
    is_flag = name in PLACES or flag_near(name, command) or value_named(name, command)
    return not is_flag and re.fullmatch(r"-\w[\w.-]+", word) is not None
