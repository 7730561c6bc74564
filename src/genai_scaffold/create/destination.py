"""Where a project may be put, and the directory beside it that it is made in."""

import atexit
import contextlib
import functools
import os
import re
import shlex
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from genai_scaffold.answers.names import suggested_name
from genai_scaffold.errors import (
    DestinationError,
    EnvironmentFailure,
    MisspeltError,
    OccupiedError,
    ScaffoldError,
)
from genai_scaffold.system.git import is_repository
from genai_scaffold.system.paths import mode_of
from genai_scaffold.system.signals import signals_ignored
from genai_scaffold.system.staging import staged_directory
from genai_scaffold.template import packaged

FILES_SHOWN = 10
REMOTE = re.compile(r"[a-z][a-z+]+://|[\w.-]+@[\w.-]+:|(gh|gl|bb|github|gitlab):")
CLONED = re.compile(r"\.git(ignore)?|(?i:readme|licen[cs]e)(\..+)?")


def destination_at(directory: str) -> Path:
    """The absolute path of a destination; its last part is not followed if it is a link."""
    path = Path(directory)
    if not directory.strip():
        raise MisspeltError(
            "The directory has no name",
            why="it is an empty word",
            fix="name one, such as my-app",
            said=directory,
            meant="my-app",
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
        raise MisspeltError(
            f"{directory} would be a directory called {path.parts[0]!r}",
            why="the shell did not expand the tilde",
            fix="write it without quotes, or as $HOME",
            said=directory,
            meant=os.path.expanduser(directory),  # noqa: PTH111 - that one raises
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
    raise MisspeltError(
        f"{directory} is no place for a project",
        why="it is the root of all files, and has no name",
        fix="name a directory, such as my-app",
        said=directory,
        meant="my-app",
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
            raise OccupiedError(
                f"{destination} is in the way",
                why="it is a symbolic link, and what it points to is not ours to fill",
                fix="name the real directory, or another one",
                taken=destination,
            )
        if destination.is_dir():
            found = sorted(
                {e.name for e in destination.iterdir()}
                - entries_of_a_clone(destination, among=among)
            )
            if found:
                raise _holds(destination, found, among=among)
        elif os.path.lexists(destination):
            raise OccupiedError(
                f"{destination} is in the way",
                why="it is a file",
                fix="move it away, or choose another directory",
                taken=destination,
            )
        parent = next(p for p in destination.parents if os.path.lexists(p))
        if not parent.is_dir():
            raise OccupiedError(
                f"{destination} cannot be created",
                why=f"{parent} is not a directory",
                fix="choose another directory",
                taken=parent,
                wanted=destination,
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
        raise DestinationError(
            f"{destination} is in the way",
            why=f"it holds {_some_of(found)}",
            fix="move these away, and merge them into the project's own afterwards",
        )


def _taken(folder: Path, path: str) -> str:
    """What a directory has where a path would be; disks may not tell cases apart."""
    name, _, rest = path.partition("/")
    for entry in folder.iterdir():
        if entry.name.casefold() == name.casefold():
            if not (rest and is_real_folder(entry)):
                return entry.name
            if below := _taken(entry, rest):
                return f"{entry.name}/{below}"
    return ""


def is_real_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _holds(path: Path, found: list[str], *, among: bool) -> DestinationError:
    what, why = f"{path} is in the way", f"it holds {_some_of(found)}"
    if among:
        fix = "choose another directory, or make it a repository with git init"
        return DestinationError(what, why=why, fix=fix)
    return OccupiedError(what, why=why, fix="choose another directory, or an empty one", taken=path)


def _some_of(found: list[str]) -> str:
    more = f", and {len(found) - FILES_SHOWN} more" if len(found) > FILES_SHOWN else ""
    return f"{', '.join(found[:FILES_SHOWN])}{more}"


def unwritable(path: Path, error: Exception) -> ScaffoldError:
    why = getattr(error, "strerror", None) or str(error)
    fix = "choose another directory, or make room"
    if isinstance(error, FileNotFoundError):
        fix = f"make its directory: `{shlex.join(['mkdir', '-p', str(path.parent)])}`"
    return EnvironmentFailure(f"{path} cannot be created", why=why, fix=fix)


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
