"""Where a project may be put, and puts it there in one step."""

import atexit
import contextlib
import functools
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from genai_scaffold.answers.names import suggested_name
from genai_scaffold.errors import (
    DestinationError,
    EnvironmentFailure,
    MisspeltError,
    ScaffoldError,
    UsageError,
)
from genai_scaffold.project.record import ANSWERS_FILE
from genai_scaffold.system.git import is_repository
from genai_scaffold.system.paths import mode_of
from genai_scaffold.system.signals import signals_ignored
from genai_scaffold.system.staging import MARKER, staged_directory
from genai_scaffold.template import packaged

FILES_SHOWN = 10
REMOTE = re.compile(r"[a-z][a-z+]+://|[\w.-]+@[\w.-]+:|(gh|gl|bb|github|gitlab):")
CLONED = re.compile(r"\.git(ignore)?|(?i:readme|licen[cs]e)(\..+)?")


def destination_at(directory: str) -> Path:
    """The absolute path of a destination; its last part is not followed if it is a link."""
    path = Path(directory)
    if not directory.strip():
        raise UsageError(
            "The directory has no name",
            why="it is an empty word",
            fix="name one: `genai-scaffold new my-app`",
        )
    if REMOTE.match(directory):
        name = suggested_name(path.name.removesuffix(".git"))
        raise MisspeltError(
            f"{directory} is an address, and no directory",
            why="a project is made here; git can push it there",
            fix=f"name a directory, such as {name}",
            said=directory,
            meant=name,
        )
    if path.parts and path.parts[0].startswith("~"):
        raise UsageError(
            f"{directory} would be a directory called {path.parts[0]!r}",
            why="the shell did not expand the tilde",
            fix="write it without quotes, or as $HOME",
        )
    try:
        if path.name in ("", "..") or path == Path():
            return path.resolve()
        return path.parent.resolve() / path.name
    except (OSError, RuntimeError) as error:
        raise unwritable(path, error) from error


def name_at(directory: str) -> str:
    """The name that a directory gives to a project, which may not be one that a project may have.

    Raises:
        UsageError: the directory has none.
    """
    if name := destination_at(directory).name:
        return name
    raise UsageError(
        f"{directory} is no place for a project",
        why="it is the root of all files, and has no name",
        fix="name a directory: `genai-scaffold new my-app`",
    )


def check_destination(destination: Path, *, among: bool = False) -> None:
    """Refuse a destination that holds anything, or that cannot be made.

    Args:
        destination: where it would be.
        among: whether it may be among what a repository has.
    """
    with explained_writes(destination):
        if destination.is_relative_to((packaged.template_root() / "templates").resolve()):
            raise DestinationError(
                f"{destination} is inside genai-scaffold's own template",
                why="the project would become a part of what it is rendered from",
                fix="choose another directory",
            )
        if stat.S_ISLNK(mode_of(destination, follow_symlinks=False)):
            raise DestinationError(
                f"{destination} is in the way",
                why="it is a symbolic link, and what it points to is not ours to fill",
                fix="name the real directory, or another one",
            )
        if destination.is_dir():
            found = sorted(
                {e.name for e in destination.iterdir()}
                - entries_of_a_clone(destination, among=among)
            )
            if found:
                other = "make it a repository with git init" if among else "an empty one"
                raise _holds(destination, found, f"choose another directory, or {other}")
        elif os.path.lexists(destination):
            raise DestinationError(
                f"{destination} is in the way",
                why="it is a file",
                fix="choose another directory, or move it away",
            )
        parent = next(p for p in destination.parents if os.path.lexists(p))
        if not parent.is_dir():
            raise DestinationError(
                f"{destination} cannot be created",
                why=f"{parent} is not a directory",
                fix="choose another directory",
            )
        home = _stage_home(destination)
        if not os.access(home, os.W_OK | os.X_OK):
            raise EnvironmentFailure(
                f"{destination} cannot be created",
                why=f"{home} cannot be written",
                fix="choose another directory, or change its permissions",
            )


def entries_of_a_clone(destination: Path, *, among: bool = False) -> frozenset[str]:
    """What a directory holds that a fresh clone may hold, or any repository, if it is one."""
    if not is_repository(destination):
        return frozenset()
    return frozenset(e.name for e in destination.iterdir() if among or CLONED.fullmatch(e.name))


def refuse_what_a_clone_has(destination: Path, paths: Iterable[str]) -> None:
    """Refuse a clone that holds what the project holds, too."""
    with explained_writes(destination):
        is_clone = destination.is_dir() and entries_of_a_clone(destination)
        taken = {_taken(destination, path) for path in paths} if is_clone else set()
    if found := sorted(taken - {""}):
        raise _holds(
            destination, found, "move these away, and merge them into the project's own afterwards"
        )


def _taken(folder: Path, path: str) -> str:
    """What a directory has where a path would be; disks may not tell cases apart."""
    name, _, rest = path.partition("/")
    for entry in folder.iterdir():
        if entry.name.casefold() == name.casefold():
            if not (rest and _is_folder(entry)):
                return entry.name
            if below := _taken(entry, rest):
                return f"{entry.name}/{below}"
    return ""


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _holds(path: Path, found: list[str], fix: str) -> DestinationError:
    shown = ", ".join(found[:FILES_SHOWN])
    more = f", and {len(found) - FILES_SHOWN} more" if len(found) > FILES_SHOWN else ""
    return DestinationError(f"{path} is in the way", why=f"it holds {shown}{more}", fix=fix)


def unwritable(path: Path, error: Exception) -> ScaffoldError:
    why = getattr(error, "strerror", None) or str(error)
    return EnvironmentFailure(
        f"{path} cannot be created", why=why, fix="choose another directory, or make room"
    )


@contextlib.contextmanager
def explained_writes(path: Path) -> Iterator[None]:
    """Turn what the file system says into one of our errors."""
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error


@contextlib.contextmanager
def parents_made(directory: Path) -> Iterator[None]:
    """Create the missing parents, and take them away again if what follows fails."""
    missing = [path for path in (directory, *directory.parents) if not os.path.lexists(path)]
    remove = functools.partial(_remove_empty, missing)
    # Where a signal cuts short the removal of the stage in them, they are empty only at the end.
    atexit.register(remove)
    try:
        with explained_writes(directory):
            directory.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        with signals_ignored():
            remove()
        raise
    atexit.unregister(remove)


def _remove_empty(directories: list[Path]) -> None:
    """Remove those that hold nothing: another program may have put something there."""
    for directory in directories:
        with contextlib.suppress(OSError):
            directory.rmdir()


@contextlib.contextmanager
def staged_beside(destination: Path) -> Iterator[Path]:
    """Make a directory to render in, beside the destination."""
    with contextlib.ExitStack() as stack:
        with explained_writes(destination):
            stage = staged_directory(_stage_home(destination), destination.name)
            entered = stack.enter_context(stage)
        yield entered


def _stage_home(destination: Path) -> Path:
    """The directory to stage in: the nearest that is there, can be written, and is on its disk."""
    if destination.is_dir() and (
        destination.is_mount() or not os.access(destination.parent, os.W_OK)
    ):
        return destination
    return next(parent for parent in destination.parents if parent.is_dir())


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
        if _is_folder(entry) and _is_folder(there):
            yield from _entries(entry, there)
        else:
            yield entry
