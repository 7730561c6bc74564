"""Two services in one repository, of which one calls the other: a FastAPI one and a Flask one."""

import functools
import os
import queue
import re
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
import yaml
from repositories import commit

from e2e.collector import collecting
from e2e.conftest import required
from e2e.machine import Machine
from e2e.projects import OBSERVED, START, Project
from e2e.servers import PATIENCE, Server, serving, started
from e2e.test_linters import compose, dependabot, workflow, zizmor

pytestmark = pytest.mark.slow

BOUND = 30  # seconds for what takes a moment
HELLO = {"messages": [{"role": "user", "content": "Hello"}]}
PROFILE = """
[tool.datamodel-codegen.profiles.ingest]
input = "../ingest/openapi.json"
output = "backend/contracts/ingest.py"
"""
ROUTER = """from fastapi import APIRouter

from backend.api.dependencies import ClientDep, PeersDep
from backend.api.routing import StrictRoute
from backend.contracts.ingest import LongText, Summary

router = APIRouter(route_class=StrictRoute)


@router.post("/documents")
async def summarize_there(body: LongText, peers: PeersDep, _: ClientDep) -> Summary:
    return await peers["ingest"].post("/summaries", body, Summary)
"""
ROUTERS = """from backend.api.routers import documents, summaries

FEATURES = [summaries.router, documents.router]
"""


class Services(NamedTuple):
    """The workspace, both, and a key that the one has at the other."""

    top: Path
    chat: Project
    ingest: Project
    key: str
    digest: str


@pytest.fixture(scope="module")
def services(machine: Machine, scaffold: Path, project: Callable[[str], Project]) -> Services:
    """As a person makes them; they install the same as two projects of other tests."""
    top = machine.folder / "shop"
    machine.run(str(scaffold), "new", str(top), "--yes", "--quiet", "--preset", "workspace")
    commit(top)
    made = {}
    for name, framework in (("chat", "fastapi"), ("ingest", "flask")):
        folder = top / "services" / name
        flags = ("--framework", framework, *OBSERVED, "--feature", "pre-commit")
        machine.run(str(scaffold), "new", str(folder), "--yes", "--quiet", *flags)
        made[name] = project(f"{framework}-azure")._replace(name=framework, folder=folder)
        (folder / ".venv").symlink_to(made[name].programs.parent)
    machine.run(str(scaffold), "update", str(top))
    commit(top)
    chat, ingest = made["chat"], made["ingest"]
    document = ingest.run("python", "-m", "backend.openapi")
    (ingest.folder / "openapi.json").write_text(document, "utf-8")
    with (chat.folder / "pyproject.toml").open("a", encoding="utf-8") as settings:
        settings.write(PROFILE)
    chat.run("datamodel-codegen", "--profile", "ingest")
    routers = chat.folder / "backend/api/routers"
    (routers / "documents.py").write_text(ROUTER, "utf-8")
    (routers / "__init__.py").write_text(ROUTERS, "utf-8")
    said = ingest.run("python", "-m", "backend.api_keys", "chat")
    key, digest = re.findall(r"\S+$", said, re.MULTILINE)
    return Services(top, chat, ingest, key, digest)


@pytest.fixture(scope="module")
def redis(machine: Machine) -> Iterator[str]:
    program = required("redis-server")

    def command(port: int) -> str:
        return f"exec {program} --port {port} --save ''"

    with started(command, machine.folder, machine.variables) as server:
        yield server.url.replace("http:", "redis:")


class Fleet(NamedTuple):
    """Both as they run, and what they tell.

    Args:
        again: starts the one that is called, where it was before.
        batches: of spans, as they were sent to the collector.
    """

    chat: Server
    ingest: Server
    again: Callable[[], Server]
    batches: queue.Queue[bytes]


@pytest.fixture(scope="module")
def fleet(services: Services, redis: str) -> Iterator[Fleet]:
    with collecting() as collector, ExitStack() as stack:
        telling = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "REDIS_URL": redis,
        }
        own = {**telling, "API_KEYS": services.digest, "OTEL_SERVICE_NAME": "one-that-is-called"}
        ingest = stack.enter_context(serving(services.ingest, **own))

        def again() -> Server:
            command = START["flask"].replace("$PORT", str(ingest.port))
            variables = {**services.ingest.variables, **own}
            anew = stack.enter_context(
                started(lambda _: command, services.ingest.folder, variables)
            )
            anew = anew._replace(url=ingest.url)
            anew.wait_until_healthy()
            return anew

        asking = {
            **telling,
            "OTEL_SERVICE_NAME": "one-that-calls",
            "LLM_BASE_URL": f"{ingest.url}/v1",
            "LLM_API_KEY": services.key,
            "LLM_MODEL": "offline",
            "PEERS": f"ingest={ingest.url}",
            "PEER_KEYS": f"ingest={services.key}",
        }
        chat = stack.enter_context(serving(services.chat, **asking))
        yield Fleet(chat, ingest, again, collector.batches)


def ask(server: Server, path: str, body: Mapping[str, Any], **headers: str) -> httpx2.Response:
    return httpx2.post(f"{server.url}{path}", json=body, headers=headers, timeout=PATIENCE)


@pytest.mark.parametrize("linter", [compose, dependabot, workflow, zizmor])
def test_the_root_is_sound(services: Services, linter: Callable[[Path], str]) -> None:
    assert linter(services.top) == ""


def test_it_finds_both(services: Services, scaffold: Path, machine: Machine) -> None:
    names = ["chat", "ingest"]
    included = yaml.safe_load((services.top / "compose.yaml").read_text("utf-8"))["include"]
    assert included == [f"services/{name}/compose.yaml" for name in names]
    together = [
        name
        for path in included
        for name in yaml.safe_load((services.top / path).read_text("utf-8"))["services"]
    ]
    assert sorted(set(together)) == sorted(together), "none is called as another one"
    for place in (services.top, services.chat.folder, services.ingest.folder):
        machine.run(str(scaffold), "check", str(place))


def test_the_types_are_sound_and_both_agree(services: Services) -> None:
    services.chat.run("mypy", ".")
    services.chat.run("ruff", "check", ".")
    for service in (services.chat, services.ingest):
        service.run("pytest", "-q", "tests/test_contracts.py")


def test_a_changed_peer_is_told_with_the_line(services: Services) -> None:
    committed = services.ingest.folder / "openapi.json"
    before = committed.read_text("utf-8")
    committed.write_text(before.replace('"bullets"', '"items_said"'), "utf-8")
    try:
        for service, told in (
            (services.chat, "+    items_said:"),
            (services.ingest, "items_said"),
        ):
            with pytest.raises(AssertionError, match=re.escape(told)):
                service.run("pytest", "-q", "tests/test_contracts.py")
    finally:
        committed.write_text(before, "utf-8")


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        pytest.param("/v1/chat/completions", HELLO, "Hello", id="plain"),
        pytest.param("/v1/chat/completions", {**HELLO, "stream": True}, "[DONE]", id="streamed"),
        pytest.param("/documents", {"text": "A text that is not empty."}, '"bullets"', id="own"),
    ],
)
def test_one_request_has_one_id_and_one_trace_in_both(
    fleet: Fleet, path: str, body: Mapping[str, Any], said: str
) -> None:
    trace = secrets.token_hex(16)
    parent = f"00-{trace}-b7ad6b7169203331-01"
    answer = ask(fleet.chat, path, body, **{"x-request-id": f"id-{trace}", "traceparent": parent})
    assert (answer.status_code, said in answer.text) == (200, True), answer.text
    fleet.ingest.wait_until_it_says(f"id-{trace}")
    fleet.chat.wait_until_it_says(f"id-{trace}")
    telling = {b"one-that-calls", b"one-that-is-called"}
    while telling:
        batch = fleet.batches.get(timeout=BOUND)
        if bytes.fromhex(trace) in batch:
            telling -= {name for name in telling if name in batch}


def test_their_limits_are_apart_in_one_redis(fleet: Fleet, services: Services, redis: str) -> None:
    ask(fleet.chat, "/v1/chat/completions", HELLO)
    look = f"from redis import Redis; print(*Redis.from_url('{redis}').keys(), sep='\\n')"
    keys = services.chat.run("python", "-c", look).split()
    assert {key.split("'")[1].split(":")[0] for key in keys} == {"chat", "ingest"}


def test_one_that_is_gone_is_an_error_at_once_and_is_missed_no_longer_than_that(
    fleet: Fleet,
) -> None:
    for pid in fleet.ingest.processes():
        os.kill(pid, signal.SIGKILL)
    fleet.ingest.process.wait(BOUND)
    for path, body, who in (
        ("/documents", {"text": "A text."}, "ingest"),
        ("/v1/chat/completions", HELLO, "The model"),
        ("/v1/chat/completions", {**HELLO, "stream": True}, "The model"),
    ):
        quickest = BOUND * 1.0
        for _ in range(5):  # one alone may have to wait for a machine that is busy
            began = time.monotonic()
            answer = ask(fleet.chat, path, body)
            quickest = min(quickest, time.monotonic() - began)
            assert answer.status_code == 502
            assert answer.json()["error"]["message"] == f"{who} could not be reached"
        assert quickest < 1
    fleet.again()
    assert ask(fleet.chat, "/documents", {"text": "A text."}).status_code == 200
    assert ask(fleet.chat, "/v1/chat/completions", HELLO).status_code == 200


def test_the_hooks_of_each_run_where_it_is_and_for_its_own_files(
    machine: Machine, services: Services
) -> None:
    prek = str(machine.environment("prek", "prek") / "prek")
    top = services.top
    run = functools.partial(machine.run, directory=top)
    run(prek, "install")
    commit = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "A")
    run("git", "add", "--all")
    run(*commit)
    (top / "services/ingest/backend/unsound.py").write_text('port: int = "80"\n', "utf-8")
    run("git", "add", "--all")
    with pytest.raises(AssertionError, match=r"backend/unsound\.py:1: error") as refused:
        run(*commit)
    assert re.search(r"services/chat\n(.*Skipped\n){3}.*services/ingest", str(refused.value))
    run("git", "rm", "--force", "--quiet", "services/ingest/backend/unsound.py")
    (top / "AGENTS.md").write_text("# Shop\n", "utf-8")
    run("git", "add", "--all")
    run(*commit)
