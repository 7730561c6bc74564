"""What is generated for the main combinations, file by file, as a reviewer reads it.

`pytest tests/golden --update-golden` accepts a change; the diff of `trees/` then shows it.
"""

import difflib
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Run

from genai_scaffold.template.packaged import template_version
from genai_scaffold.template.questions import template_questions
from genai_scaffold.template.render import generated_files

Command = Callable[..., Run]

TREES = Path(__file__).parent / "trees"
LINES_SHOWN = 20

TARGETS = [
    word
    for choice in template_questions()["deploy"].choices
    if choice.value != "mod-wsgi"
    for word in ("--deploy", choice.value)
]
COMBINATIONS = [
    pytest.param("fastapi-service", ["--framework", "fastapi"], id="fastapi-service"),
    pytest.param("flask-service", ["--framework", "flask"], id="flask-service"),
    pytest.param(
        "flask-service-on-apache",
        ["--async", "some", "--no-docs", "--deploy", "mod-wsgi"],
        id="flask-service-on-apache",
    ),
    pytest.param(
        "fastapi-service-everywhere",
        ["--framework", "fastapi", "--no-docs", "--feature", "ci", "--license", "none", *TARGETS],
        id="fastapi-service-everywhere",
    ),
    pytest.param(
        "fastapi-prototype",
        ["--framework", "fastapi", "--preset", "prototype"],
        id="fastapi-prototype",
    ),
    pytest.param(
        "flask-prototype-without-validation",
        ["--framework", "flask", "--preset", "prototype", "--no-validation"],
        id="flask-prototype-without-validation",
    ),
]


def normalized(text: str) -> str:
    """Leave out what no reviewer reads: the hashes of requirements, and our own version."""
    text = re.sub(r" \\\n +--hash=\S+", "", text)
    return text.replace(f"_commit: v{template_version()}\n", "_commit: v<version>\n")


def contents(folder: Path) -> dict[str, str]:
    return {
        path: normalized((folder / path).read_text("utf-8")) for path in generated_files(folder)
    }


@pytest.mark.parametrize(("name", "flags"), COMBINATIONS)
def test_is_as_it_was_reviewed(
    name: str, flags: list[str], run: Command, work: Path, request: pytest.FixtureRequest
) -> None:
    assert run("new", "my-app", *flags, "--yes", "--no-git", "--quiet").code == 0
    made, tree = contents(work / "my-app"), TREES / name
    if request.config.getoption("--update-golden"):
        write(made, tree)
    differences = compared(contents(tree) if tree.is_dir() else {}, made)
    assert not differences, "\n".join(differences)


def write(files: dict[str, str], tree: Path) -> None:
    """Make a tree of these files and no others."""
    if tree.is_dir():
        shutil.rmtree(tree)
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text, "utf-8", newline="\n")


def compared(reviewed: dict[str, str], made: dict[str, str]) -> list[str]:
    """Say which files differ, and show the beginning of each difference."""
    lines = []
    for path in sorted(reviewed.keys() | made.keys()):
        if path not in made:
            lines.append(f"{path} is missing")
        elif path not in reviewed:
            lines.append(f"{path} is new")
        elif made[path] != reviewed[path]:
            before, after = reviewed[path].splitlines(), made[path].splitlines()
            shown = list(difflib.unified_diff(before, after, "reviewed", "made", n=1, lineterm=""))
            more = [f"… and {len(shown) - LINES_SHOWN} lines more"] * (len(shown) > LINES_SHOWN)
            lines += [f"{path} differs:", *shown[:LINES_SHOWN], *more]
    return lines


def test_there_is_no_tree_without_a_combination() -> None:
    assert {path.name for path in TREES.iterdir()} == {param.values[0] for param in COMBINATIONS}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "a==1 ; x \\\n    --hash=sha256:0a \\\n    --hash=sha256:1b\nb==2 \\\n    --hash=c\n",
            "a==1 ; x\nb==2\n",
            id="hashes",
        ),
        pytest.param(f"_commit: v{template_version()}\n", "_commit: v<version>\n", id="version"),
        pytest.param("a = 'b' \\\n    'c'\n", "a = 'b' \\\n    'c'\n", id="other-continuations"),
    ],
)
def test_what_is_left_out(text: str, expected: str) -> None:
    assert normalized(text) == expected


def test_a_difference_is_shown_by_file() -> None:
    reviewed = {"gone": "x\n", "same": "y\n", "changed": "a\nb\nc\nd\n"}
    made = {"same": "y\n", "changed": "a\nb\nC\nd\n", "more": "z\n"}
    assert compared(reviewed, made) == [
        "changed differs:",
        "--- reviewed",
        "+++ made",
        "@@ -2,3 +2,3 @@",
        " b",
        "-c",
        "+C",
        " d",
        "gone is missing",
        "more is new",
    ]
