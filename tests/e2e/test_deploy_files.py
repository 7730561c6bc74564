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
from genai_scaffold.check.checks import check_project
from genai_scaffold.check.deployment import Deployment
from genai_scaffold.check.deployments import read_deployments
from genai_scaffold.project.files import project_at

pytestmark = pytest.mark.slow

# Apache's is tried in test_mod_wsgi.py.
TARGETS = (
    "render",
    "docker",
    "kubernetes",
    "cloud-run",
    "fly",
    "heroku",
    "railway",
    "systemd",
)
FILES = (
    "render.yaml",
    "Dockerfile",
    "compose.yaml",
    "k8s/base/deployment.yaml",
    "cloud-run.yaml",
    "fly.toml",
    "Procfile",
    "railway.json",
    "deploy/my-app.service",
)
DOCKER_STOP = 10  # seconds until `docker stop` kills, where it is not told otherwise
LASTS = 4  # seconds that a stream goes on after SIGTERM
INSTALLED = "/srv/my-app/.venv/bin/"  # where a server of one's own has it

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
    found = read_deployments(project_at(project.folder))
    return {deployment.file.path: deployment for deployment in found}


@twins
def test_every_deploy_file_is_tried(deployed: Project) -> None:
    assert set(deployments(deployed)) == set(FILES)
    assert check_project(deployed.folder) == []


@twins
@pytest.mark.parametrize("path", FILES)
def test_what_it_starts_is_healthy_and_finishes_its_streams(
    deployed: Project, upstream: Upstream, redis_url: str, path: str
) -> None:
    deployment = deployments(deployed)[path]
    command = deployment.command.replace(INSTALLED, "")
    with started(
        lambda _: command, deployed.folder, variables(deployment, deployed, upstream, redis_url)
    ) as server:
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
        grace = deployment.grace or DOCKER_STOP
        assert server.process.wait(stopped + grace - time.monotonic()) in {0, -signal.SIGTERM}


def variables(
    deployment: Deployment, project: Project, upstream: Upstream, redis_url: str
) -> dict[str, str]:
    """What the file sets; what it leaves to its user is set to what this test runs."""
    environment = deployment.environment or {}
    stated = {name: value for name, value in environment.items() if value and "$" not in value}
    secrets = {name: value for name, value in connected(upstream).items() if name != "APP_ENV"}
    shared = {"REDIS_URL": redis_url} if "REDIS_URL" in environment else {}
    return {**project.variables, **secrets, **stated, **shared}
