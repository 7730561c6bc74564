"""What a project may be called, what else a user may write, and what to suggest instead."""

import keyword
import re
import sys
import unicodedata

from genai_scaffold.errors import MisspeltError, UsageError
from genai_scaffold.template.packaged import dependencies

LONGEST_NAME = 64
DASHES = "[\u2010-\u2015\u2212]"  # what word processors make of a hyphen
LONGEST_TEXT = 200

PEP_508 = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
WINDOWS_PATH = re.compile(r"[A-Za-z]:(?:.*[/\\](?=.))?")
MODULES = frozenset({"main", "app", "backend", "tests", "wsgi"})
DEVICES = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
)
# `test` is a package of the standard library that sys does not list.
STANDARD_LIBRARY = sys.stdlib_module_names | {"test"}

# Control characters, lone surrogates, what ends a line or turns its direction, and what is no
# character at all: no format gives all of these back as they were written.
UNDECODED = range(0xDC80, 0xDD00)  # how Python keeps bytes that are no text
UNWRITABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)


def normalize(name: str) -> str:
    """Write a name as package indexes do (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def slug(text: str) -> str:
    """The accepted name that is nearest to any text; may be empty."""
    text = re.sub(DASHES, "-", text)
    ascii_text = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "-", ascii_text)
    return words.lower()[:LONGEST_NAME].strip("-")


def check_name(name: str, *, fix: str = "--name {}") -> str:
    """Accept a project's name and normalize it.

    Args:
        name: what the user wrote.
        fix: where a better name would be written, with `{}` in its place.

    Returns:
        The name as package indexes write it, at most 64 characters.

    Raises:
        UsageError: the name cannot be, or would break the project; the fix suggests another.
    """
    if why := _not_a_name(name):
        suggestion = suggested_name(name)
        raise MisspeltError(
            f"The project cannot be called {name!r}",
            why=why,
            fix=f"try {fix.format(suggestion)}",
            said=name,
            meant=suggestion,
        )
    return normalize(name)


def suggested_name(text: str) -> str:
    """The name that is nearest to any text, of those that a project may have."""
    better = slug(WINDOWS_PATH.sub("", text))
    name = better if better and not _taken(better) else f"{better or 'my'}-app"
    return name[-LONGEST_NAME:].strip("-")


def check_text(text: str, what: str) -> str:
    """Accept a line of free text, without the blanks around it.

    Args:
        text: what the user wrote.
        what: what it is, for the error.

    Raises:
        UsageError: it is longer than 200 characters or not one line of plain text.
    """
    text = text.strip(" \t")
    if unwritable := UNWRITABLE.search(text):
        point = ord(unwritable[0])
        fault = (
            "no UTF-8"
            if point in UNDECODED
            else f"U+{point:04X}: control and direction characters do not survive in every file "
            "format"
        )
        raise UsageError(
            f"The {what} is not one line of plain text",
            why=f"character {unwritable.start() + 1} is {fault}",
            fix="leave it out",
        )
    if len(text) > LONGEST_TEXT:
        raise UsageError(
            f"The {what} is too long",
            why=f"it has {len(text)} characters, and {LONGEST_TEXT} is the most",
            fix="shorten it; the README has room for more",
        )
    return text


def _not_a_name(name: str) -> str | None:
    """Why a name is refused, or None."""
    if not name.isascii() or not PEP_508.fullmatch(name):
        return "a name is made of ASCII letters, digits, and inner hyphens, dots and underscores"
    if len(name) > LONGEST_NAME:
        return f"it has {len(name)} characters, and {LONGEST_NAME} is the most"
    if name.partition(".")[0].lower() in DEVICES:
        return "Windows keeps that name for a device"
    return _taken(normalize(name))


def _taken(name: str) -> str | None:
    """What a normalized name would collide with, or None."""
    module = name.replace("-", "_")
    if keyword.iskeyword(module) or keyword.iskeyword(module.title()):
        return "it is a keyword of Python"
    if module in {known.lower() for known in STANDARD_LIBRARY}:
        return "it is a module of Python's standard library"
    if module in MODULES:
        return "the generated project has a module of that name"
    if name in DEVICES:
        return "Windows keeps that name for a device"
    if name in dependencies():
        return (
            "it is a package that the project installs; the installer would take one for the other"
        )
    return None
