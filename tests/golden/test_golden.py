"""What is generated for the main combinations, file by file, as a reviewer reads it.

`pytest tests/golden --update-golden` accepts a change; the diff of `trees/` then shows it. Two
services are kept whole, of the other trees what differs: `kept.py` writes any of them whole.
"""

import difflib
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Run

from genai_scaffold.template.packaged import template_version
from genai_scaffold.template.questions import WORKSPACE, template_questions
from genai_scaffold.template.render import generated_files
from golden import kept
from golden.kept import TREES, keep, whole

Command = Callable[..., Run]

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
    assert_reviewed(name, contents(work / "my-app"), request)


def test_a_workspace_is_as_it_was_reviewed(
    run: Command, work: Path, request: pytest.FixtureRequest
) -> None:
    (work / "shop/.git").mkdir(parents=True)
    for name in ("chat", "ingest"):
        for path in ("compose.yaml", "requirements-dev.txt"):
            (work / "shop/services" / name).mkdir(parents=True, exist_ok=True)
            (work / "shop/services" / name / path).touch()
    assert run("new", "shop", "--preset", "workspace", "--yes", "--quiet").code == 0
    shutil.rmtree(work / "shop/services")
    assert_reviewed(WORKSPACE, contents(work / "shop"), request)


def assert_reviewed(name: str, made: dict[str, str], request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        keep(name, made)
    differences = compared(whole(name), made)
    assert not differences, "\n".join(differences)


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
    names = {param.values[0] for param in COMBINATIONS}
    assert {path.name for path in TREES.iterdir()} == {*names, WORKSPACE}


def test_of_a_tree_that_is_not_whole_only_what_differs_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "TREES", tmp_path)
    service = {"a.py": "1\n", "b.py": "2\n", "only/here.py": "3\n"}
    other = {"a.py": "1\n", "b.py": "two\n", "more.py": "4\n"}
    keep("flask-service", service)
    keep("flask-other", other)
    assert (whole("flask-service"), whole("flask-other")) == (service, other)
    assert set(kept.own("flask-other")) == {"b.py", "more.py", kept.SAME}
    keep("flask-service", {**service, "a.py": "changed\n"})
    assert compared(whole("flask-other"), other) != []


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
