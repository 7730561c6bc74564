"""What is remembered, by real servers and real databases."""

import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from e2e.machine import Machine
from e2e.postgres import Postgres
from e2e.projects import Project
from e2e.servers import Server, serving

pytestmark = pytest.mark.slow

WRITERS = 50
JSONObject = dict[str, Any]
UNLIMITED = {"REQUESTS_PER_MINUTE": "1000000", "TOKENS_PER_DAY": "1000000000"}
HISTORIES = ["fastapi-history", "flask-history"]


@pytest.fixture(scope="module", params=HISTORIES)
def remembering(request: pytest.FixtureRequest, project: Callable[[str], Project]) -> Project:
    return project(request.param)


@pytest.fixture(
    scope="module",
    params=[
        *((name, kind, "") for name in HISTORIES for kind in ("sqlite", "postgresql")),
        ("flask-history", "postgresql", "--worker-class gthread --threads 16"),
    ],
    ids=" ".join,
)
def server(
    request: pytest.FixtureRequest,
    project: Callable[[str], Project],
    database: Postgres,
    machine: Machine,
) -> Iterator[Server]:
    name, kind, flags = request.param
    folder = Path(tempfile.mkdtemp(prefix="database-", dir=machine.folder))
    url = database.url() if kind == "postgresql" else f"sqlite:///{folder / 'app.db'}"
    variables = {"DATABASE_URL": url, "GUNICORN_CMD_ARGS": flags, **UNLIMITED}
    with serving(project(name), **variables) as server:
        yield server


def test_the_order_survives_many_writers(server: Server) -> None:
    with httpx2.Client(base_url=server.url, timeout=60) as client:
        write_in_order(client)


def write_in_order(client: httpx2.Client) -> None:
    """Has many write to one conversation at once: each question stands before its answer."""
    conversation = client.post("/v1/conversations", json={}).json()["id"]

    def ask(number: int) -> str:
        asked = {"input": str(number), "conversation": conversation}
        answer: list[JSONObject] = client.post("/v1/responses", json=asked).json()["output"]
        text: str = answer[0]["content"][0]["text"]
        return text

    with ThreadPoolExecutor(WRITERS) as pool:
        answers = list(pool.map(ask, range(WRITERS)))
    said = texts(client, conversation)
    assert sorted(said[::2]) == sorted(map(str, range(WRITERS)))
    assert said[1::2] == [answers[int(text)] for text in said[::2]]


def test_clients_that_leave_hold_up_nobody(server: Server) -> None:
    def leave(number: int) -> None:
        asked = {"id": f"left-{number}", "messages": [user("word " * 20)]}
        with (
            httpx2.Client(base_url=server.url, timeout=60) as client,
            client.stream("POST", "/api/chat", json=asked) as answer,
        ):
            for _, line in zip(range(number % 7), answer.iter_lines(), strict=False):
                assert line is not None

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(leave, range(40)))
    begun = time.monotonic()
    with httpx2.Client(base_url=server.url, timeout=60) as client:
        assert client.post("/api/chat", json={"id": "one-more", "messages": [user("Hi")]}).text
        assert time.monotonic() - begun < 4  # SQLite's locks would be waited for 5 s
        chats = client.get("/api/chats?limit=100").json()["data"]
    assert {f"left-{number}" for number in range(40)} <= {chat["id"] for chat in chats}


def test_everything_can_be_deleted_while_more_is_said(server: Server) -> None:
    codes: Counter[int] = Counter()
    with httpx2.Client(base_url=server.url, timeout=60) as client, ThreadPoolExecutor(20) as pool:

        def say(number: int) -> int:
            asked = {"id": f"chat-{number % 3}", "message": {**user("Hi"), "id": f"u{number}"}}
            return client.post("/api/chat", json=asked).status_code

        def follow(_: int) -> int:
            first = client.post("/v1/responses", json={"input": "Hi"})
            if not first.is_success:  # it was deleted before its answer
                return first.status_code
            more = {"input": "More", "previous_response_id": first.json()["id"]}
            return client.post("/v1/responses", json=more).status_code

        def delete_all(_: int) -> int:
            return client.delete("/v1/history").status_code

        said = [pool.submit(each, number) for number in range(60) for each in (say, follow)]
        while not all(each.done() for each in said):
            codes.update(pool.map(delete_all, range(4)))
        codes.update(each.result() for each in said)
    assert codes.keys() <= {200, 404}, codes  # a chat may be deleted in the moment it is made


def test_a_database_that_is_lost_and_comes_back_loses_no_turn(
    remembering: Project, database: Postgres
) -> None:
    stopped = threading.Event()
    answered: Counter[str] = Counter()
    codes: Counter[int] = Counter()

    def keep_asking(client: httpx2.Client, conversation: str, name: int) -> None:
        for count in range(10_000):
            if stopped.is_set():
                return
            asked = {"input": f"{name}-{count}", "conversation": conversation}
            code = client.post("/v1/responses", json=asked).status_code
            codes[code] += 1
            if code == 200:
                answered[asked["input"]] += 1

    def wait_for(code: int) -> None:
        before, deadline = codes[code], time.monotonic() + 60
        while codes[code] < before + 20:
            assert time.monotonic() < deadline, codes
            time.sleep(0.01)

    with (
        serving(remembering, DATABASE_URL=database.url(), **UNLIMITED) as server,
        httpx2.Client(base_url=server.url, timeout=60) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        conversations = [client.post("/v1/conversations", json={}).json()["id"] for _ in range(8)]
        for name, conversation in enumerate(conversations):
            pool.submit(keep_asking, client, conversation, name)
        try:
            wait_for(200)
            database.stop()
            wait_for(503)
            ready = client.get("/readyz")
            assert (ready.status_code, ready.json()["lost"]) == (200, ["database"])
            unasked = client.post("/v1/responses", json={"input": "Hi"})
            assert (unasked.status_code, unasked.json()["store"]) == (200, False)
            database.start()
            wait_for(200)
        finally:
            stopped.set()
        pool.shutdown()
        said = [texts(client, conversation) for conversation in conversations]
        assert client.get("/readyz").json()["lost"] == []
    assert codes.keys() == {200, 503}
    for turns in said:
        assert turns[1::2] == [f"You said: {text}" for text in turns[::2]]
    stored = Counter(text for turns in said for text in turns[::2])
    assert answered <= stored  # what was answered is stored
    assert max(stored.values()) == 1


def test_four_migrate_at_once(remembering: Project, database: Postgres) -> None:
    database.create(remembering.framework)
    url = database.url(remembering.framework)
    variables = {**remembering.variables, "DATABASE_URL": url}

    def migrate(_: int) -> str:
        return remembering.machine.run(
            "python", "-m", "backend.migrate", directory=remembering.folder, **variables
        )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, range(4)))
    checked = remembering.machine.run("alembic", "check", directory=remembering.folder, **variables)
    assert "No new upgrade operations detected" in checked


def test_a_backup_of_postgresql_is_restored(
    project: Callable[[str], Project], database: Postgres
) -> None:
    kept = project("fastapi-history")
    for name in ("before", "after"):
        database.create(name)
    with serving(kept, DATABASE_URL=database.url("before")) as server:
        conversation = remember(server)
    as_deploy_md_says(kept, "Back up", "PostgreSQL", DATABASE_URL=database.url("before"))
    as_deploy_md_says(kept, "Restore", "it into", DATABASE_URL=database.url("after"))
    with serving(kept, DATABASE_URL=database.url("after")) as server:
        assert said_to(server, conversation) == ["Hi", "You said: Hi"]


def test_a_backup_of_sqlite_is_restored_while_it_serves(
    project: Callable[[str], Project],
) -> None:
    kept = project("fastapi-history")
    file = kept.folder / "data" / "app.db"
    with serving(kept, DATABASE_URL="sqlite:///data/app.db") as server:
        conversation = remember(server)
        as_deploy_md_says(kept, "Back up", "SQLite, while it serves")
        with httpx2.Client(base_url=server.url) as client:
            assert client.delete("/v1/history").status_code == 200
    (kept.folder / "app.backup.db").replace(file)
    for beside in ("-wal", "-shm"):
        file.with_name(file.name + beside).unlink(missing_ok=True)
    with serving(kept, DATABASE_URL="sqlite:///data/app.db") as server:
        assert said_to(server, conversation) == ["Hi", "You said: Hi"]


def as_deploy_md_says(project: Project, begins: str, what: str, **variables: str) -> None:
    """Runs the command of a line of DEPLOY.md, in the project's folder."""
    line = rf"^- \*\*{begins}\*\* {what}[^`]*: `(.+)`\.$"
    [command] = re.findall(line, project.read("DEPLOY.md"), re.MULTILINE)
    environment = {**project.variables, **variables}
    project.machine.run("sh", "-c", command, directory=project.folder, **environment)


def remember(server: Server) -> str:
    with httpx2.Client(base_url=server.url, timeout=60) as client:
        conversation: str = client.post("/v1/conversations", json={}).json()["id"]
        asked = {"input": "Hi", "conversation": conversation}
        assert client.post("/v1/responses", json=asked).status_code == 200
    return conversation


def said_to(server: Server, conversation: str) -> list[str]:
    with httpx2.Client(base_url=server.url, timeout=60) as client:
        return texts(client, conversation)


def test_an_approval_is_used_once_in_all_replicas(
    project: Callable[[str], Project], database: Postgres
) -> None:
    made = [project("fastapi-kept-tools"), project("flask-kept-tools")]
    database.create("shared")
    shared = {"DATABASE_URL": database.url("shared"), **UNLIMITED}
    with ExitStack() as stack:
        servers = [stack.enter_context(serving(each, **shared)) for each in made]
        clients = [
            stack.enter_context(httpx2.Client(base_url=server.url, timeout=60))
            for server in servers
        ]
        asked = {"id": "c1", "messages": [user("My feedback: good, about speed")]}
        assert clients[0].post("/api/chat", json=asked).status_code == 200
        answer = clients[1].get("/api/chats/c1").json()["messages"][-1]
        [call] = (part for part in answer["parts"] if "approval" in part)
        call |= {
            "state": "approval-responded",
            "approval": {**call["approval"], "approved": True},
        }

        def approve(client: httpx2.Client) -> int:
            return client.post("/api/chat", json={"id": "c1", "message": answer}).status_code

        with ThreadPoolExecutor(8) as pool:
            codes = Counter(pool.map(approve, clients * 4))
        [done] = (
            part
            for part in clients[1].get("/api/chats/c1").json()["messages"][-1]["parts"]
            if "approval" in part
        )
        assert codes[200] == 1, codes
        assert codes.keys() == {200, 409}
        assert done["state"] == "output-available"


def user(text: str) -> dict[str, object]:
    return {"id": "u1", "role": "user", "parts": [{"type": "text", "text": text}]}


def texts(client: httpx2.Client, conversation: str) -> list[str]:
    """Returns what is said in a conversation, in its order."""
    said: list[str] = []
    page = {"has_more": True, "last_id": ""}
    while page["has_more"]:
        asked = {"order": "asc", "limit": "100"}
        if page["last_id"]:
            asked["after"] = str(page["last_id"])
        page = client.get(f"/v1/conversations/{conversation}/items", params=asked).json()
        said += [item["content"][0]["text"] for item in page["data"]]
    return said
