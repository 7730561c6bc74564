"""The standard streams, made fit for any text and for any way of starting us."""

import codecs
import io
import os
import sys

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
