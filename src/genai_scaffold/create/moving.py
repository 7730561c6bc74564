"""Puts a finished project into its place, in one step where the system has one."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from genai_scaffold.create.destination import (
    entries_of_a_clone,
    is_real_folder,
    refuse_what_a_clone_has,
    unwritable,
)
from genai_scaffold.errors import DestinationError
from genai_scaffold.project.record import ANSWERS_FILE
from genai_scaffold.system.signals import signals_ignored
from genai_scaffold.system.staging import MARKER


def move_into_place(project: Path, destination: Path, *, among: bool = False) -> None:
    """Put the finished project where it belongs, in one step where the system has one.

    Args:
        project: where it is.
        destination: where it belongs.
        among: whether it may be among what a repository has.
    """
    with signals_ignored():
        try:
            if destination.is_dir() and (
                destination.is_mount()
                or destination == Path.cwd()
                or entries_of_a_clone(destination)
                or destination == project.parent.parent
            ):
                move_entries(project, destination, among=among)
                return
            if destination.is_dir():
                project.chmod(stat.S_IMODE(destination.stat().st_mode))
                if os.name == "nt":
                    destination.rmdir()
            project.rename(destination)
        except OSError as error:
            if os.path.lexists(destination / MARKER):
                raise DestinationError(
                    f"{destination} is in the way",
                    why="another run of genai-scaffold is at work there, or was stopped in it",
                    fix=f"if there is none, remove {destination / MARKER}",
                ) from error
            if os.path.lexists(destination):
                raise DestinationError(
                    f"{destination} is in the way",
                    why="something was put there in the meantime",
                    fix="choose another directory",
                ) from error
            raise unwritable(destination, error) from error


def move_entries(project: Path, destination: Path, *, among: bool = False) -> None:
    """Move a project's entries into an empty directory, or a clone; on failure, all back."""
    claim = destination / MARKER
    # Two runs at once: whoever makes the claim goes on, the other one fails here.
    claim.mkdir()
    moved: list[Path] = []
    try:
        # What says that it is a project comes last: one that was killed half-way is none.
        entries = sorted(_entries(project, destination), key=lambda e: e.name == ANSWERS_FILE)
        refuse_what_a_clone_has(destination, (e.relative_to(project).as_posix() for e in entries))
        present = {p.name for p in destination.iterdir()} - {claim.name, project.parent.name}
        if present := present - entries_of_a_clone(destination, among=among):
            raise FileExistsError(present)
        for entry in entries:
            entry.rename(destination / entry.relative_to(project))
            moved.append(entry)
    except OSError:
        for entry in moved:
            (destination / entry.relative_to(project)).rename(entry)
        raise
    finally:
        claim.rmdir()


def _entries(folder: Path, destination: Path) -> Iterator[Path]:
    """What is to be moved: a directory as a whole, unless there is one of its name."""
    for entry in sorted(folder.iterdir()):
        there = destination / entry.name
        if is_real_folder(entry) and is_real_folder(there):
            yield from _entries(entry, there)
        else:
            yield entry
