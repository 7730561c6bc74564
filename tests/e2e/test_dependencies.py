"""The ranges in a project's pyproject.toml hold at both ends; the pins have tests of their own."""

from collections.abc import Callable
from pathlib import Path

import matrix
import pytest

from e2e.machine import Machine
from e2e.projects import Project

pytestmark = pytest.mark.slow

RESOLUTIONS = {"lowest": "lowest-direct", "newest": "highest"}
EVERYTHING = [word for feature in matrix.choices("features") for word in ("--feature", feature)]


@pytest.fixture(scope="module", params=matrix.choices("framework"))
def unlocked(
    request: pytest.FixtureRequest,
    machine: Machine,
    scaffold: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], Project]:
    """Makes a service with every feature, and installs one end of its ranges."""
    folder = tmp_path_factory.mktemp(request.param) / "my-app"
    flags = ("--framework", request.param, *EVERYTHING)
    machine.run(str(scaffold), "new", str(folder), "--yes", "--no-git", *flags)

    def at(end: str) -> Project:
        versions = folder.parent / f"{end}.txt"
        uv = ("uv", "--quiet", "pip", "compile", "--upgrade", "--group", "dev", "pyproject.toml")
        resolution = ("--resolution", RESOLUTIONS[end], "--output-file", str(versions))
        machine.run(*uv, *resolution, directory=folder)
        programs = machine.environment(f"{end}-{request.param}", "-r", str(versions))
        return Project(request.param, folder, programs, machine)

    return at


@pytest.mark.parametrize("end", RESOLUTIONS)
def test_a_project_holds_at_both_ends_of_its_ranges(
    end: str, unlocked: Callable[[str], Project]
) -> None:
    project = unlocked(end)
    project.run("pytest", "-q")
    project.run("mypy", ".")
    project.run("ruff", "check", ".")
    project.run("ruff", "format", "--check", ".")
