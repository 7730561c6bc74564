"""The packaged template: where it is, what it holds, and the questions that it asks."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from genai_scaffold import __version__

Value: TypeAlias = str | bool | tuple[str, ...]

DIGEST_SHOWN = 8


class Choice(NamedTuple):
    """One of the values that a question accepts, how it reads, and what it comes to."""

    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True)
class Question:
    """Something that copier.yml asks; its default may depend on other answers."""

    key: str
    help: str
    kind: Literal["choice", "list", "boolean", "text"]
    choices: tuple[Choice, ...]
    default: str | bool
    validator: str = ""

    @property
    def depends_on_preset(self) -> bool:
        return isinstance(self.default, str) and "{{" in self.default and "preset" in self.default

    def default_for(self, answers: Mapping[str, object]) -> Value:
        """The default, given the answers that it depends on."""
        if not (isinstance(self.default, str) and "{{" in self.default):
            return self.default
        import yaml

        value = yaml.safe_load(_rendered(self.default, answers))
        return tuple(value) if isinstance(value, list) else value

    def refusal(self, answers: Mapping[str, object]) -> str:
        """Why a list cannot be had along with the other answers, and what to do; else nothing."""
        return _rendered(self.validator, answers).strip() if self.kind == "list" else ""


def _rendered(text: str, answers: Mapping[str, object]) -> str:
    import jinja2  # takes a tenth of a second, and --help needs none of it

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701 - no HTML
    return environment.from_string(text).render(answers)


def root() -> Path:
    """The directory that holds copier.yml and templates/."""
    package = Path(str(resources.files("genai_scaffold")))
    packaged = package / "_template"
    return packaged if packaged.is_dir() else package.parents[1]


def files(root: Path) -> dict[str, bytes]:
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


def version() -> str:
    """The version of the template: the package's, and while in development a digest with it.

    A released version stands for one template; a development one for many, told apart by it.
    """
    if "dev" not in __version__:
        return __version__
    return f"{__version__}+{_digest_of(root())[:DIGEST_SHOWN]}"


def digest_in(version: str) -> str:
    """The beginning of the template's digest that the version of an unreleased build has."""
    digest = version.partition("+")[2]
    return digest if len(digest) == DIGEST_SHOWN else ""


def is_current(made: str) -> bool:
    """Whether a version stands for the template that is installed, under whatever name."""
    digest = digest_in(made)
    return made == version() or bool(digest and _digest_of(root()).startswith(digest))


@cache
def _digest_of(root: Path) -> str:
    return digest(files(root))


def digest(contents: Mapping[str, bytes]) -> str:
    """What tells these files, under these paths, from all others: a SHA-256 in hexadecimal."""
    names = {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}
    return digest_of(names)


def digest_of(names: Mapping[str, str]) -> str:
    """The same, of files whose own digests are known."""
    lines = [f"{names[path]} {path}\n" for path in sorted(names)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@cache
def _document(root: Path) -> Mapping[str, Any]:
    import yaml  # a program that answers --version needs none of it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = (root / "copier.yml").read_text("utf-8")
    document: Mapping[str, Any] = yaml.load(text, loader)  # noqa: S506 - safe
    return document


def derived(key: str, answers: Mapping[str, object]) -> str:
    """What copier.yml works out from the answers, and never asks."""
    return _rendered(_document(root())[key]["default"], answers).strip()


@cache
def questions() -> Mapping[str, Question]:
    """What copier.yml asks, in its order."""
    return {
        key: _question(key, spec)
        for key, spec in _document(root()).items()
        # Settings of Copier's begin with `_`; what has `when: false` is derived, never asked.
        if not key.startswith("_") and spec.get("when", True)
    }


def _question(key: str, spec: Mapping[str, Any]) -> Question:
    choices = spec.get("choices", {})
    if isinstance(choices, list):
        choices = {value: value for value in choices}
    kind: Literal["choice", "list", "boolean", "text"]
    if spec["type"] == "bool":
        kind = "boolean"
    elif spec.get("multiselect"):
        kind = "list"
    else:
        kind = "choice" if choices else "text"
    return Question(
        key=key,
        help=spec["help"],
        kind=kind,
        choices=tuple(_choice(value, text) for text, value in choices.items()),
        default=spec["default"],
        validator=spec.get("validator", ""),
    )


def _choice(value: str, text: str) -> Choice:
    label, _, hint = text.partition(": ")
    return Choice(value, label, hint)


def moved() -> Mapping[str, str]:
    """Where a file of an earlier release's projects is now, by its path there."""
    table = root() / "templates" / "moved.toml"
    return tomllib.loads(table.read_text("utf-8")) if table.is_file() else {}


def left_to_the_user() -> tuple[str, ...]:
    """The files of a project that the template makes once, and never touches again."""
    return tuple(_document(root()).get("_skip_if_exists", ()))


def dependencies() -> frozenset[str]:
    """Every distribution that a generated project pins, whichever answers it was made from."""
    return frozenset(
        line.partition("==")[0].strip().lower()
        for path in (root() / "templates").glob("*/*/requirements.txt")
        for line in path.read_text("utf-8").splitlines()
        if "==" in line and line[0].isalnum()
    )
