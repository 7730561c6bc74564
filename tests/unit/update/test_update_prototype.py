"""A prototype becomes the other framework's, loses its docs, or grows into a service."""

import json
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest
from repositories import commit, contents, new, tool

pytestmark = pytest.mark.slow

OTHER = {"fastapi": "flask", "flask": "fastapi"}
MODULE = {"fastapi": "main.py", "flask": "app.py"}
PROTOTYPE = ("--preset", "prototype", "--deploy", "none")
MINE = "MINE = 1\n"
DECISION = {".copier-answers.yml", "docs/adr/0001-web-framework.md"}

frameworks = pytest.mark.parametrize("framework", OTHER)


class Merged(NamedTuple):
    """A prototype with a file and a line of the user's, and the notes of the merge."""

    project: Path
    notes: list[str]


def merged(folder: Path, framework: str, *command: str) -> Merged:
    project = new(folder / "my-app", "--framework", framework, *PROTOTYPE)
    (project / "mine.py").write_text(MINE)
    with (project / "README.md").open("a") as readme:
        readme.write("\nMine, too.\n")
    commit(project)
    run = tool(*command, str(project), "--yes", "--json")
    assert run.code == 0, run.errors
    said = json.loads(run.output)
    assert (said["conflicts"], said["kept_deleted"]) == ([], [])
    return Merged(project, said["notes"])


def assert_as_new(folder: Path, done: Merged, *flags: str) -> None:
    """A merged project is what a new one is, and the user's work; its decision was made before."""
    fresh = contents(new(folder / "fresh" / "my-app", *flags))
    fresh["mine.py"] = MINE.encode()
    fresh["README.md"] += b"\nMine, too.\n"
    found = contents(done.project)
    assert found.keys() == fresh.keys()
    assert {path for path in found if found[path] != fresh[path]} <= DECISION


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path) -> None:
    (tmp_path / "fresh").mkdir()


@frameworks
def test_switches_to_the_other_framework_s(framework: str, tmp_path: Path) -> None:
    other = OTHER[framework]
    done = merged(tmp_path, framework, "switch", other)
    assert_as_new(tmp_path, done, "--framework", other, *PROTOTYPE)
    assert not (done.project / MODULE[framework]).exists()


@frameworks
def test_loses_its_docs(framework: str, tmp_path: Path) -> None:
    done = merged(tmp_path, framework, "update", "--set", "docs=false")
    assert_as_new(tmp_path, done, "--framework", framework, "--no-docs", *PROTOTYPE)


@frameworks
def test_grows_into_a_service_and_is_told_what_a_new_one_has(
    framework: str, tmp_path: Path
) -> None:
    done = merged(tmp_path, framework, "update", "--set", "preset=service")
    nothing = ("--deploy", "none", "--feature", "none")
    assert_as_new(tmp_path, done, "--framework", framework, *nothing)
    [offer] = [line for line in done.notes if "A new service has" in line]
    assert "ci, pre-commit, page, render, docker, too" in offer
    commit(done.project)
    _, *add = shlex.split(offer.split("`")[1])
    assert tool(*add, "--project", str(done.project)).code == 0
    assert_as_new(tmp_path / "fresh", done, "--framework", framework)
