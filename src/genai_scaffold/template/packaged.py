"""The packaged template: where it is, what it holds, and its version."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from genai_scaffold import __version__

DIGEST_SHOWN = 8


def template_root() -> Path:
    """The directory that holds copier.yml and templates/."""
    package = Path(__file__).parents[1]
    packaged = package / "_template"
    return packaged if packaged.is_dir() else package.parents[1]


def template_files(root: Path) -> dict[str, bytes]:
    """The files of the template in a directory, by their relative paths with slashes."""
    paths = [root / "copier.yml", *sorted((root / "templates").rglob("*"))]
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in paths
        if path.is_file() and "__pycache__" not in path.parts
    }


def has_links(root: Path) -> bool:
    """Whether some file of the template is a symbolic link, as some installers make them."""
    return any(path.is_symlink() for path in (root / "templates").rglob("*"))


def lay_out(contents: Mapping[str, bytes], destination: Path) -> None:
    """Write a template's files into an existing directory."""
    for folder in {(destination / path).parent for path in contents}:
        folder.mkdir(parents=True, exist_ok=True)
    for path, content in contents.items():
        (destination / path).write_bytes(content)


def template_version() -> str:
    """The version of the template: the package's, and while in development a digest with it.

    A released version stands for one template; a development one for many, told apart by it.
    """
    if "dev" not in __version__:
        return __version__
    return f"{__version__}+{_digest_of(template_root())[:DIGEST_SHOWN]}"


def digest_in(version: str) -> str:
    """The beginning of the template's digest that the version of an unreleased build has."""
    digest = version.partition("+")[2]
    return digest if len(digest) == DIGEST_SHOWN else ""


def is_current(made: str) -> bool:
    """Whether a version stands for the template that is installed, under whatever name."""
    digest = digest_in(made)
    return made == template_version() or bool(
        digest and _digest_of(template_root()).startswith(digest)
    )


@cache
def _digest_of(root: Path) -> str:
    return digest_of_files(template_files(root))


def digest_of_files(contents: Mapping[str, bytes]) -> str:
    """What tells these files, under these paths, from all others: a SHA-256 in hexadecimal."""
    import hashlib  # a recommendation is about no template

    names = {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}
    return digest_of(names)


def digest_of(names: Mapping[str, str]) -> str:
    """The same, of files whose own digests are known."""
    import hashlib

    lines = [f"{names[path]} {path}\n" for path in sorted(names)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def dependencies() -> frozenset[str]:
    """Every distribution that a generated project pins, whichever answers it was made from."""
    return frozenset(
        line.partition("==")[0].strip().lower()
        for path in (template_root() / "templates").glob("*/*/requirements.txt")
        for line in path.read_text("utf-8").splitlines()
        if "==" in line and line[0].isalnum()
    )


def moved_files() -> Mapping[str, str]:
    """Where a file of an earlier release's projects is now, by its path there."""
    table = template_root() / "templates" / "moved.toml"
    return tomllib.loads(table.read_text("utf-8")) if table.is_file() else {}
