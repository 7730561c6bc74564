"""The standard streams, made fit for any text and for any way of starting us."""

import codecs
import contextlib
import io
import os
import sys
from collections.abc import Iterator

# What a terminal without Unicode shows instead.
ASCII = {"✓": "+", "✗": "x", "·": "-", "→": "->", "…": "...", "‹": "<"}  # noqa: RUF001
FALLBACK = "genai-scaffold-ascii"
WIDEST_TERMINAL = 1000  # columns


def prepare_streams() -> None:
    """Open streams that are closed, let every stream take every text, and have a sane width."""
    # What prints, prints nothing at a width of 0, and for minutes at one of millions.
    if not 0 < _number(os.environ.get("COLUMNS", "1")) <= WIDEST_TERMINAL:
        del os.environ["COLUMNS"]
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
    codecs.register_error(FALLBACK, _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=FALLBACK)


@contextlib.contextmanager
def keys_unseen() -> Iterator[None]:
    """Keep keys off the screen while nobody reads them; whoever reads next gets them."""
    if sys.platform == "win32" or not _has_the_terminal():
        yield
        return
    import termios  # which Windows lacks

    before = termios.tcgetattr(sys.stdin)
    unseen = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, unseen)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _has_the_terminal() -> bool:
    """Whether the keys are ours: whoever changes a terminal from the background is stopped."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """Write in ASCII what a stream cannot encode."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    return "".join(ASCII.get(character, "?") for character in characters), error.end
