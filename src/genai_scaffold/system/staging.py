"""Directories to work in that are gone again, whatever happens."""

import atexit
import contextlib
import functools
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from genai_scaffold.system.signals import signals_ignored

MARKER = ".genai-scaffold-stage"
CONTENT = "genai-scaffold renders a project here; safe to delete when it is not running\n"
STALE_SECONDS = 3600


@contextlib.contextmanager
def staged_directory(parent: Path, name: str) -> Iterator[Path]:
    """Make a hidden directory, and remove it with all it holds.

    Args:
        parent: where to make it; what killed runs left there is removed.
        name: what its own name begins with.
    """
    sweep_stages(parent)
    # Named before it is made: a signal in between leaves nothing that we do not know of.
    stage = parent / f".{name[:32]}.{secrets.token_hex(8)}"
    remove = functools.partial(shutil.rmtree, stage, ignore_errors=True)
    # A signal can cut short the removal itself: the end of the process makes up for it.
    atexit.register(remove)
    try:
        stage.mkdir(mode=0o700)
        (stage / MARKER).write_text(CONTENT, "utf-8")
        yield stage
    finally:
        with signals_ignored():
            remove()
            atexit.unregister(remove)


def sweep_stages(parent: Path) -> None:
    """Remove what killed runs of ours left in a directory more than an hour ago."""
    with contextlib.suppress(OSError):
        for marker in parent.glob(f".*/{MARKER}"):
            with contextlib.suppress(OSError, UnicodeDecodeError):
                if _is_stale(marker):
                    shutil.rmtree(marker.parent, ignore_errors=True)


def _is_stale(marker: Path) -> bool:
    """Whether a marker is one that we wrote, and old."""
    if marker.is_symlink() or marker.parent.is_symlink():
        return False
    status = marker.lstat()
    owned = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
    old = time.time() - status.st_mtime > STALE_SECONDS
    return owned and old and marker.read_text("utf-8") == CONTENT
