"""The tool as a user has it: its wheel in an environment of its own, and what it makes there."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from e2e import postgres
from e2e.machine import Machine
from e2e.postgres import Postgres
from e2e.projects import COMBINATIONS, Project
from e2e.servers import started

REPOSITORY = Path(__file__).parents[2]
LONGEST = ["test_project", "test_array", "test_dependencies", "test_pages", "test_update"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the files that take longest: each is one worker's, and none is left over."""

    def place(item: pytest.Item) -> int:
        file = item.path.stem
        return LONGEST.index(file) if file in LONGEST else len(LONGEST)

    items.sort(key=place)


def required(tool: str) -> str:
    """The path of a program that a test uses; without it, a laptop skips the test and CI fails."""
    path = shutil.which(tool)
    if path is None:
        reason = f"{tool} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return Machine.make(tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="session")
def scaffold(machine: Machine) -> Path:
    """The installed `genai-scaffold`: from a wheel, outside the repository."""
    wheels = machine.folder / "wheels"
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(REPOSITORY))
    machine.run(sys.executable, *build)
    [wheel] = wheels.glob("*.whl")
    return machine.environment("tool", str(wheel)) / "genai-scaffold"


@pytest.fixture(scope="session")
def redis_url(machine: Machine) -> Iterator[str]:
    program = required("redis-server")

    def command(port: int) -> str:
        return f"exec {program} --port {port} --save ''"

    with started(command, machine.folder, machine.variables) as redis:
        yield redis.url.replace("http:", "redis:")


@pytest.fixture(scope="session")
def project(machine: Machine, scaffold: Path) -> Callable[[str], Project]:
    """Makes a project of one of the combinations, once, and installs what it pins."""

    @cache
    def rendered(combination: str) -> Path:
        folder = machine.folder / "projects" / combination / "my-app"
        flags = COMBINATIONS[combination]
        machine.run(str(scaffold), "new", str(folder), "--yes", "--no-git", *flags)
        return folder

    @cache
    def installed(requirements: str, requirements_dev: str) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="pins-", dir=machine.folder))
        (folder / "requirements.txt").write_text(requirements)
        (folder / "requirements-dev.txt").write_text(requirements_dev)
        pinned = ("--require-hashes", "-r", str(folder / "requirements-dev.txt"))
        return machine.environment(folder.name, *pinned)

    def make(combination: str) -> Project:
        folder = rendered(combination)
        pins = [(folder / f"requirements{kind}.txt").read_text() for kind in ("", "-dev")]
        return Project(combination, folder, installed(*pins), machine)

    return make


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        Path(name).chmod(0o755)  # its own user has to reach it
        with postgres.running(Path(name) / "cluster") as found:
            yield found
