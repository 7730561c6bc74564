"""Our own workflows install what the tests they run use: the one list that `.ci/run` reads, too."""

import re
from collections.abc import Iterator

import pytest
import yaml
from conftest import REPOSITORY

PACKAGES = (REPOSITORY / ".ci/packages").read_text().splitlines()
INSTALL = "xargs --arg-file .ci/packages sudo apt-get install"


def jobs() -> Iterator[tuple[str, str]]:
    """Every job by its workflow and name, and all that it runs."""
    for path in sorted((REPOSITORY / ".github/workflows").glob("*.yml")):
        for name, job in yaml.safe_load(path.read_text())["jobs"].items():
            yield f"{path.stem}, {name}", "\n".join(step.get("run", "") for step in job["steps"])


JOBS = dict(jobs())
SLOW = [name for name, script in JOBS.items() if "pytest -m slow" in script]


def test_the_packages_are_listed_once_and_in_order() -> None:
    assert sorted(set(PACKAGES)) == PACKAGES
    assert all(re.fullmatch(r"[a-z0-9.+-]+", package) for package in PACKAGES)


@pytest.mark.parametrize("job", SLOW)
def test_a_job_with_slow_tests_installs_what_they_use(job: str) -> None:
    installs, tests = JOBS[job].index(INSTALL), JOBS[job].index("pytest -m slow")
    assert installs < tests


def test_nothing_else_installs_packages() -> None:
    script = (REPOSITORY / ".ci/run").read_text()
    assert "mapfile -t packages < .ci/packages\n" in script
    assert script.count("apt-get install") == 1
    assert [job for job, run in JOBS.items() if run.count("apt-get install") != (job in SLOW)] == []


def test_the_image_is_built_where_root_runs_its_test() -> None:
    as_root = r'^sudo env CI=true "PATH=\$PATH" pytest -m slow tests/e2e/test_image\.py$'
    assert [job for job, run in JOBS.items() if re.search(as_root, run, re.MULTILINE)]
