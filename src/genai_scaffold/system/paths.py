"""What a path is, how files go, and how many of them are named."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

NAMES_SHOWN = 10


def mode_of(path: Path, *, follow_symlinks: bool = True) -> int:
    """The mode of a path, as `stat` has it; 0 where nothing is.

    `Path.is_file` and its like say no, from Python 3.14 on, of what they may not look at.

    Raises:
        OSError: the path cannot be looked at.
    """
    try:
        return path.stat(follow_symlinks=follow_symlinks).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0


def remove_file(folder: Path, path: str) -> None:
    """Delete a file, and the folders that it leaves empty; nothing where a link leads."""
    if is_behind_a_link(folder, path):
        return
    (folder / path).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        for parent in Path(path).parents[:-1]:
            (folder / parent).rmdir()


def goes_away(project: Path, folder: Path, deleted: set[str]) -> bool:
    """Whether a folder has nothing but files that are deleted."""
    content = list(folder.iterdir())
    return bool(content) and all(
        goes_away(project, path, deleted)
        if path.is_dir() and not path.is_symlink()
        else path.relative_to(project).as_posix() in deleted
        for path in content
    )


def is_behind_a_link(folder: Path, path: str) -> bool:
    return any((folder / parent).is_symlink() for parent in Path(path).parents[:-1])


def first_of(names: Iterable[str]) -> str:
    """The first of many names, and how many more there are."""
    found = list(names)
    more = f" and {len(found) - NAMES_SHOWN} more" if len(found) > NAMES_SHOWN else ""
    return ", ".join(found[:NAMES_SHOWN]) + more
