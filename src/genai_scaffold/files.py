"""What a path is."""

from pathlib import Path


def mode(path: Path, *, follow_symlinks: bool = True) -> int:
    """The mode of a path, as `stat` has it; 0 where nothing is.

    `Path.is_file` and its like say no, from Python 3.14 on, of what they may not look at.

    Raises:
        OSError: the path cannot be looked at.
    """
    try:
        return path.stat(follow_symlinks=follow_symlinks).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0
