"""Each deploy file is taken at its word: started, asked for health and stopped as it says."""

import signal
import time
from collections.abc import Callable, Iterator

import pytest

from e2e.machine import Machine
from e2e.projects import Project
from e2e.servers import started
from e2e.test_upstream import connected, streaming
from e2e.upstream import WORDS, Upstream, listening
from genai_scaffold import agreement, verify
from genai_scaffold.agreement import Deployment

pytestmark = pytest.mark.slow

TARGETS = ("render", "docker", "heroku")
# What these write, and the seconds that a platform waits after SIGTERM where no file can tell it.
FILES = {"render.yaml": None, "Dockerfile": 10, "compose.yaml": None, "Procfile": 30}
LASTS = 4  # seconds that a stream goes on after SIGTERM

twins = pytest.mark.parametrize("deployed", ["fastapi", "flask"], indirect=True, scope="module")


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with listening() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def deployed(
    request: pytest.FixtureRequest,
    project: Callable[[str], Project],
    machine: Machine,
    scaffold: str,
) -> Project:
    """A project for every target, which installs the same as one for the usual targets."""
    folder = machine.folder / "projects" / f"{request.param}-deployed" / "my-app"
    flags = ("--framework", request.param, *(f"--deploy={target}" for target in TARGETS))
    machine.run(str(scaffold), "new", str(folder), "--yes", "--no-git", *flags)
    return project(request.param)._replace(folder=folder)


def deployments(project: Project) -> dict[str, Deployment]:
    found = agreement.deployments(verify.project_at(project.folder))
    return {deployment.file.path: deployment for deployment in found}


@twins
def test_every_deploy_file_is_tried(deployed: Project) -> None:
    assert set(deployments(deployed)) == set(FILES)
    assert agreement.check(deployed.folder) == []


@twins
@pytest.mark.parametrize("path", FILES)
def test_what_it_starts_is_healthy_and_finishes_its_streams(
    deployed: Project, upstream: Upstream, path: str
) -> None:
    found = deployments(deployed)
    deployment, image = found[path], found["Dockerfile"]
    grace = deployment.grace or FILES[path]
    assert grace is not None
    command, environment = deployment.command, deployment.environment or {}
    if not command:
        command, environment = image.command, {**(image.environment or {}), **environment}
    secrets = {name: value for name, value in connected(upstream).items() if name != "APP_ENV"}
    constants = {name: value for name, value in environment.items() if value and "$" not in value}
    variables = {**deployed.variables, **secrets, **constants}
    with started(lambda _: command, deployed.folder, variables) as server:
        for health in deployment.health_paths or ("/healthz",):
            server.wait_until_healthy(health)
        with streaming(server, "wait") as words:
            call = upstream.next_call()
            assert next(words) == WORDS[0]
            server.process.send_signal(signal.SIGTERM)
            stopped = time.monotonic()
            server.wait_until_closed()
            time.sleep(max(0, stopped + LASTS - time.monotonic()))
            call.go_on.set()
            assert list(words) == [*WORDS[1:], "[DONE]"]
        assert server.process.wait(stopped + grace - time.monotonic()) in {0, -signal.SIGTERM}
