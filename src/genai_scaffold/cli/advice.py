"""The last line of an error: the command that was meant, as it can be pasted."""

import os
import re
import shlex
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from typer import TyperException

from genai_scaffold.cli.cleaning import lack_of, without
from genai_scaffold.cli.known import known_commands
from genai_scaffold.cli.mistakes import Meant, command_near, corrected
from genai_scaffold.cli.shared import PROGRAM, can_ask
from genai_scaffold.cli.words import GUIDES
from genai_scaffold.errors import (
    MisspeltError,
    NoProjectError,
    NoRepositoryError,
    OccupiedError,
    ScaffoldError,
    SpareError,
    UsageError,
    closest,
)
from genai_scaffold.project.record import ANSWERS_FILE, find_project, is_project
from genai_scaffold.system.git import run_git

ALREADY_ASKED = frozenset({"--yes", "-y", "--help", "-h"})


def advised(problem: ScaffoldError, arguments: list[str]) -> ScaffoldError:
    """The same error, with the whole command that was meant where one is known."""
    match problem:
        case MisspeltError():
            problem.fix = _with_what_was_meant(problem, arguments)
        case SpareError():
            rest = without(arguments, problem.spare)
            if rest != arguments:
                problem.fix += f": {_pasted(rest)}"
        case NoRepositoryError():
            problem.fix += f": {_pasted(without(arguments, ('--git',)))}"
        case NoProjectError():
            problem.fix = _with_its_project(problem, arguments)
        case OccupiedError():
            problem.fix += f": {_pasted(_with_a_free_place(problem, arguments))}"
    return problem


def misunderstood(problem: TyperException, arguments: list[str]) -> UsageError:
    """Say what is not understood, and name the nearest command that would be."""
    what = getattr(problem, "message", "").partition(". Did you mean")[0]
    first = arguments[0] if arguments else ""
    is_alone = all(word.startswith("-") for word in arguments[1:2])
    meant = None if first in GUIDES and is_alone else _corrected(arguments)
    if meant:
        fix = _question(meant.words) if meant.is_whole else f"leave it out: {_pasted(meant.words)}"
    elif first in GUIDES:
        fix = GUIDES[first]
    elif (near := command_near(first, known_commands())) or first.startswith("-"):
        fix = f"see {_pasted([word for word in (near, '--help') if word])}"
    else:
        named = _corrected(["new", *arguments])
        fix = f"to create a project of that name: {_pasted(named.words if named else ['new'])}"
    return UsageError(
        what.rstrip(".") or problem.format_message(),
        why=lack_of(arguments) or "the command line is not understood",
        fix=fix,
    )


def _with_what_was_meant(problem: MisspeltError, arguments: list[str]) -> str:
    """Ask for the whole command with the word that was meant, unless that stood elsewhere."""
    meant = _corrected(arguments)
    words = meant.words if meant and meant.is_whole else arguments
    if problem.meant and _separate(words) == _separate(arguments):
        is_as_given = "=".join(words) == "=".join(arguments)
        words = arguments if is_as_given else words
        word = re.compile(rf"(?:^|(?<=[/=])){re.escape(problem.said)}/*$")
        words = [
            word.sub(problem.meant, given) if is_as_given or flag.startswith("-") else given
            for flag, given in zip(["", *words], words, strict=False)
        ]
    is_known = problem.fix.startswith("did you mean `") and len(words) < len(arguments)
    return problem.fix if is_known or words == arguments else _question(words)


def _separate(words: list[str]) -> list[str]:
    """The words and values, in whatever order they were given."""
    return sorted("=".join(words).split("="))


def _with_its_project(problem: NoProjectError, arguments: list[str]) -> str:
    """Name the project that comes nearest, or how to get one."""
    place = problem.project.absolute()
    is_named = place != Path.cwd()
    meant = _corrected(arguments) if is_named else None
    if meant and meant.is_whole and _separate(meant.words) != _separate(arguments):
        return _question(meant.words)
    rest = list(_without_path(arguments, place))
    flag = ["--project"] if arguments[0] in {"add", "remove"} else []
    around = _project_around(Path.cwd())
    for found in _projects_near(place):
        return _question(rest if found == around else [*rest, *flag, os.path.relpath(found)])
    if lost := _lost_record(place):
        return f"bring that file back: `{lost}`"
    return f"go into a project, or create one: {_pasted(['new', 'my-app'])}"


def _without_path(arguments: list[str], place: Path) -> Iterator[str]:
    """The words but for those that name a directory."""
    for number, word in enumerate(arguments):
        following = arguments[number + 1] if word == "--project" and word != arguments[-1] else ""
        path = following or word.removeprefix("--project=")
        if not path or Path(path).absolute() != place:
            yield word


def _projects_near(place: Path) -> Iterator[Path]:
    """The project that a path leads into, those of a like name beside it, and the nearest here."""
    if place.is_file() and (inside := _project_around(place.parent)):
        yield inside
    beside = {entry.name: entry for entry in _projects_in(place.parent)}
    if near := closest(place.name, beside):
        yield beside[near]
    if around := _project_around(Path.cwd()):
        yield around
    yield from _projects_in(Path.cwd())


def _project_around(folder: Path) -> Path | None:
    found = find_project(folder)
    return found if is_project(found) else None


def _projects_in(folder: Path) -> list[Path]:
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    return [entry for entry in entries if is_project(entry)]


def _lost_record(place: Path) -> str:
    """The command that brings back what says how a project was made; nothing if git has none."""
    last = run_git(place, "rev-list", "--max-count=1", "HEAD", "--", ANSWERS_FILE).output.strip()
    if not (place.is_dir() and last):
        return ""
    is_there = run_git(place, "cat-file", "-e", f"HEAD:./{ANSWERS_FILE}").code == 0
    enter = [] if place == Path.cwd() else ["-C", str(place)]
    commit = "HEAD" if is_there else f"{last[:10]}~1"
    return shlex.join(["git", *enter, "checkout", commit, "--", ANSWERS_FILE])


def _with_a_free_place(problem: OccupiedError, arguments: list[str]) -> list[str]:
    """The command with another path where something is in the way."""
    taken, wanted = problem.taken, problem.wanted
    if _is_kept(taken):
        free = _free(taken / "my-app", "")
    else:
        free = _free(taken, taken.suffix if taken.is_file() else "") / wanted.relative_to(taken)
    words = [_replaced(word, wanted, free) for word in arguments]
    if words != arguments:
        return words
    return [arguments[0], os.path.relpath(free), *arguments[1:]]


def _is_kept(folder: Path) -> bool:
    """Whether a directory is one to put projects in: where we are, a home, or of the system."""
    is_around = Path.cwd().is_relative_to(folder) and not is_project(folder)
    return folder.is_dir() and (is_around or folder == Path.home() or len(folder.parts) <= 2)  # noqa: PLR2004


def _free(path: Path, ending: str) -> Path:
    """A path where nothing is: of several, the first by number."""
    name = path.name.removesuffix(ending)
    numbered = (path.with_name(f"{name}-{number}{ending}") for number in count(2))
    return path if not os.path.lexists(path) else next(p for p in numbered if not p.exists())


def _replaced(word: str, wanted: Path, free: Path) -> str:
    """A word of the command, or the value behind its flag, with another path."""
    flag, equals, path = word.rpartition("=") if word.startswith("-") else ("", "", word)
    where, name = os.path.split(os.path.abspath(path))  # noqa: PTH100 - of links, pathlib raises
    if not path or os.path.join(os.path.realpath(where), name) != str(wanted):  # noqa: PTH118
        return word
    return f"{flag}{equals}{free if Path(path).is_absolute() else os.path.relpath(free)}"


def _corrected(arguments: list[str]) -> Meant | None:
    return corrected(arguments, known_commands())


def _question(meant: list[str]) -> str:
    return f"did you mean {_pasted(meant)}?"


def _pasted(meant: list[str]) -> str:
    """A command as it works where it is read: if nobody can be asked there, it asks nothing."""
    asks = meant[0] == "new" and ALREADY_ASKED.isdisjoint(meant) and not can_ask(None)
    return f"`{shlex.join([PROGRAM, *meant, *['--yes'] * asks])}`"
