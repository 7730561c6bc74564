"""What can go wrong, each with its exit code and a way out."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar


class ScaffoldError(Exception):
    """What happened, why, and what to do: the three lines that the user reads.

    Args:
        what: what happened, in a few words.
        why: the cause, as a fact about the user's input or machine.
        fix: what to do next, preferably a command that can be pasted.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, why: str, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.fix = fix


class UsageError(ScaffoldError):
    """An answer that is not accepted, or that contradicts another one."""

    exit_code = 2


class MisspeltError(UsageError):
    """A word that is not offered; of a command, which can be given again with one that is.

    Args:
        what: as of every error.
        why: the same.
        fix: the same.
        said: the word, where only whoever refuses it knows what was meant.
        meant: that.
    """

    def __init__(self, what: str, *, why: str, fix: str, said: str = "", meant: str = "") -> None:
        super().__init__(what, why=why, fix=fix)
        self.said = said
        self.meant = meant


class SpareError(UsageError):
    """Flags that cannot stand beside others; without them, the command holds.

    Args:
        what: as of every error.
        why: the same.
        fix: the same, without that command.
        spare: these flags, each with its value behind it.
    """

    def __init__(self, what: str, *, why: str, fix: str, spare: Sequence[str]) -> None:
        super().__init__(what, why=why, fix=fix)
        self.spare = spare


class NoProjectError(UsageError):
    """A directory that is no project, where a command needs one."""

    def __init__(self, project: Path, *, why: str) -> None:
        super().__init__(
            f"{project} is not a generated project",
            why=why,
            fix="name the directory of one",
        )
        self.project = project


class DestinationError(ScaffoldError):
    """Something of yours is in the way."""

    exit_code = 3


class OccupiedError(DestinationError):
    """Something is where a new directory or file was to be; with another path, the command holds.

    Args:
        what: as of every error.
        why: the same.
        fix: the same, without that command.
        taken: the path of what is in the way.
        wanted: the path that was to be, which may lie below that.
    """

    def __init__(
        self, what: str, *, why: str, fix: str, taken: Path, wanted: Path | None = None
    ) -> None:
        super().__init__(what, why=why, fix=fix)
        self.taken = taken
        self.wanted = wanted or taken


class EnvironmentFailure(ScaffoldError):  # noqa: N818 - EnvironmentError is a builtin
    """The machine lacks a permission, room on the disk, or a tool that was asked for."""

    exit_code = 4


class NoRepositoryError(EnvironmentFailure):
    """There cannot be the repository that --git asks for; without that flag, the command holds."""


class RenderError(ScaffoldError):
    """Rendering or verification failed; nothing was written."""

    exit_code = 5


class InstallError(ScaffoldError):
    """The project was created and is kept, but could not be installed, or not started."""

    exit_code = 6


class StartError(InstallError):
    """Its dependencies are installed, but its service does not run."""


def by_word(names: Mapping[str, str]) -> dict[str, str]:
    """Each name under every word that is used for it; of each name, words with blanks between."""
    return {word: name for name, words in names.items() for word in words.split()}


def closest(word: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The known word that a misspelt one was probably meant to be; a likeness of 1 is equality."""
    matches = difflib.get_close_matches(word.casefold(), known, n=1, cutoff=likeness)
    return matches[0] if matches else None
