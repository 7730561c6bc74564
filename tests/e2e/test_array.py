"""Every pair of answers in some project that is installed, checked, tested, started and asked.

A part of the array, the same in each run, unless the option `--whole` asks for all of it.
"""

import random
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import matrix
import pytest

from e2e.conftest import REPOSITORY
from e2e.machine import Machine
from e2e.projects import Project
from e2e.servers import running
from e2e.test_project import assert_answers, on_port
from genai_scaffold.answers.sources import from_flags
from genai_scaffold.answers.spelling import replay_command

pytestmark = pytest.mark.slow

PART = 6
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy", "."),
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "row" in metafunc.fixturenames:
        dice = random.Random(matrix.SEED)  # noqa: S311 - the same part in every run
        whole = metafunc.config.getoption("whole")
        rows = matrix.ARRAY if whole else dice.sample(matrix.ARRAY, PART)
        metafunc.parametrize("row", rows, ids=matrix.name)


@pytest.fixture(scope="session")
def environment(machine: Machine) -> Callable[[str], Path]:
    """Makes one environment for all projects of a framework: an option only adds to its pins."""

    @cache
    def make(framework: str) -> Path:
        requirements = []
        for preset in ("service", "prototype"):
            locked = (
                REPOSITORY / "templates" / framework / preset / "requirements.txt"
            ).read_text()
            pins = machine.folder / f"all-{framework}-{preset}.txt"
            pins.write_text(re.sub(r"^\{%.*\n", "", locked, flags=re.MULTILINE))
            requirements += ["-r", str(pins)]
        return machine.environment(f"all-{framework}", "--require-hashes", *requirements)

    return make


def created(machine: Machine, scaffold: Path, row: matrix.Row, parent: Path) -> Path:
    folder = parent / "my-app"
    given = from_flags({**matrix.given(row), "name": "my-app"})
    arguments = replay_command(str(folder), given)[1:]
    machine.run(str(scaffold), *arguments, "--no-git", "--quiet")
    return folder


def test_works(
    row: matrix.Row,
    machine: Machine,
    scaffold: Path,
    environment: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    folder = created(machine, scaffold, row, tmp_path)
    programs = environment(row["framework"])
    project = Project(matrix.name(row), folder, programs, machine)
    for command in (*CHECKS, (str(scaffold), "check")):
        project.run(*command)
    (folder / ".venv").symlink_to(programs.parent)
    readme = (folder / "README.md").read_text()
    run, test, ask = re.findall(r"```bash\n(.*?)\n```", readme, re.DOTALL)[:3]
    assert " passed" in project.run("sh", "-c", after_setup(test))
    if row["evals"]:
        project.run("pytest", "-m", "eval")  # of the offline model, as in its CI
    start = after_setup(run)
    with running(lambda port: on_port(start, port), folder, machine.variables) as server:
        assert_answers(machine, ask, server)


def after_setup(command: str) -> str:
    """What a command of the README does once the project is installed."""
    setup, installed, rest = command.partition(".txt && ")
    assert setup.startswith("python3 -m venv .venv && .venv/bin/pip install -r")
    assert installed
    return rest
