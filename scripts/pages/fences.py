"""The pages of the documentation, and the commands in them."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"

FENCE = re.compile(
    r"^```(?P<language>bash|console)(?: (?P<how>\w+))?\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)

Kind: TypeAlias = Literal["run", "show", "server", "elsewhere"]
HOW: Mapping[str | None, Kind] = {None: "run", "server": "server", "elsewhere": "elsewhere"}


class Step(NamedTuple):
    """One command of a page, or several that are run at once.

    Args:
        line: where it stands in the page.
        commands: what a shell runs.
        kind: whether it is run, and whether what it says is shown.
    """

    line: int
    commands: str
    kind: Kind


def pages() -> list[Path]:
    """Every page, in order."""
    return [README, *sorted(DOCS.rglob("*.md"))]


def steps(page: str) -> Iterator[Step]:
    """The commands of a page, in order.

    Raises:
        ValueError: a fence is of a kind that is not known.
    """
    for fence in FENCE.finditer(page):
        line = page.count("\n", 0, fence.start()) + 1
        if fence["language"] == "console":
            for number, shown in enumerate(fence["body"].splitlines(), 1):
                if shown.startswith("$ "):
                    yield Step(line + number, shown.removeprefix("$ "), "show")
        elif fence["how"] in HOW:
            yield Step(line + 1, fence["body"], HOW[fence["how"]])
        else:
            raise ValueError(f"line {line}: no fence is called {fence['how']}")


def with_words(page: str, words: Mapping[int, str]) -> str:
    """A page that shows what its commands said, given by their lines."""

    def shown(fence: re.Match[str]) -> str:
        if fence["language"] != "console":
            return fence[0]
        line = page.count("\n", 0, fence.start()) + 1
        body = []
        for number, text in enumerate(fence["body"].splitlines(), 1):
            if text.startswith("$ "):
                body += [text, *words[line + number].splitlines()]
        return "\n".join(["```console", *body, "```"])

    return FENCE.sub(shown, page)
