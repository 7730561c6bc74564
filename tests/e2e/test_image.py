"""The Dockerfile of a project is built as it is, and what it starts is run as an engine would."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from e2e.images import Image, Store, image_store, system_python
from e2e.machine import Machine
from e2e.test_deploy_files import DOCKER_STOP
from e2e.test_upstream import connected, streaming
from e2e.upstream import WORDS, Upstream, listening

pytestmark = pytest.mark.slow

USER = "10001"
CANARY = "LLM_API_KEY=not-for-an-image"
FRAMEWORKS = ("fastapi", "flask")
ENTRY = {"fastapi": {"main.py"}, "flask": {"app.py", "gunicorn.conf.py"}}
twins = pytest.mark.parametrize("framework", FRAMEWORKS)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with listening() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def store(machine: Machine) -> Iterator[Store]:
    with image_store(machine) as store:
        yield store


@pytest.fixture(scope="module")
def images(store: Store, scaffold: Path) -> dict[str, Image]:
    """What the Dockerfiles of both twins make, beside a secret that they must not take in."""
    folders = {framework: store.folder / f"{framework}-app" for framework in FRAMEWORKS}
    for framework, folder in folders.items():
        flags = ("--framework", framework, "--python", system_python())
        store.machine.run(str(scaffold), "new", str(folder), "--yes", "--no-git", *flags)
        (folder / ".env").write_text(CANARY)
    store.make_stand_ins((folders["fastapi"] / "Dockerfile").read_text())
    return {framework: store.build(folder, folder.name) for framework, folder in folders.items()}


@pytest.fixture
def variables(upstream: Upstream) -> dict[str, str]:
    """What a user sets; that it is in production, the image says itself."""
    return {name: value for name, value in connected(upstream).items() if name != "APP_ENV"}


@twins
def test_holds_only_what_it_runs(images: dict[str, Image], framework: str) -> None:
    files = set(images[framework].run("ls", "-A", "/app").split())
    assert files == {".venv", "backend"} | ENTRY[framework]


@twins
def test_runs_as_a_user_who_owns_nothing(
    images: dict[str, Image], variables: dict[str, str], framework: str
) -> None:
    image = images[framework]
    with image.started(**variables) as container:
        container.server.wait_until_healthy()
        assert container.users() == {USER}
    assert image.run("find", "/app", "-writable", "-not", "-type", "l") == ""


@twins
def test_its_health_check_knows_health(
    images: dict[str, Image], variables: dict[str, str], framework: str
) -> None:
    image = images[framework]
    kind, *check = image.config["Healthcheck"]["Test"]
    assert kind == "CMD"
    with image.started(**variables) as container:
        container.server.wait_until_healthy()
        port = str(httpx2.URL(container.server.url).port)
        image.run(*check, PORT=port)
    with pytest.raises(AssertionError, match="Connection refused"):
        image.run(*check, PORT=port)


@twins
def test_a_stream_that_runs_is_finished_after_its_stop_signal(
    images: dict[str, Image], variables: dict[str, str], upstream: Upstream, framework: str
) -> None:
    image = images[framework]
    stop = signal.Signals[image.config["StopSignal"]]
    with image.started(**variables) as container:
        container.server.wait_until_healthy()
        with streaming(container.server, "wait") as words:
            call = upstream.next_call()
            assert next(words) == WORDS[0]
            os.kill(container.processes()[0], stop)
            container.server.wait_until_closed()
            call.go_on.set()
            assert list(words) == [*WORDS[1:], "[DONE]"]
        container.server.process.wait(DOCKER_STOP)


@twins
def test_production_is_its_default(images: dict[str, Image], framework: str) -> None:
    with images[framework].started() as container:
        container.server.ended()
    assert "LLM_API_KEY must be set in production" in container.server.log.read_text()


@twins
def test_a_broken_command_is_found(
    images: dict[str, Image],
    store: Store,
    variables: dict[str, str],
    framework: str,
    tmp_path: Path,
) -> None:
    command = images[framework].config["Cmd"][-1]
    broken = command.replace("main:app", "mian:app").replace("app:app", "ap:app")
    assert broken != command
    (tmp_path / "Dockerfile").write_text(f'FROM {framework}-app\nCMD ["sh", "-c", "{broken}"]\n')
    with (
        store.build(tmp_path, f"{framework}-broken").started(**variables) as container,
        pytest.raises(AssertionError, match="it ended"),
    ):
        container.server.wait_until_healthy()
