"""What is remembered, by real servers and real databases."""

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from e2e import postgres
from e2e.machine import Machine
from e2e.postgres import Postgres
from e2e.projects import Project
from e2e.servers import Server, serving

pytestmark = pytest.mark.slow

WRITERS = 50
UNLIMITED = {"REQUESTS_PER_MINUTE": "1000000", "TOKENS_PER_DAY": "1000000000"}
HISTORIES = ["fastapi-history", "flask-history"]


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        Path(name).chmod(0o755)  # its own user has to reach it
        with postgres.running(Path(name) / "cluster") as found:
            yield found


@pytest.fixture(scope="module", params=HISTORIES)
def remembering(request: pytest.FixtureRequest, project: Callable[[str], Project]) -> Project:
    return project(request.param)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest, remembering: Project, database: Postgres, machine: Machine
) -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="database-", dir=machine.folder))
    url = database.url() if request.param == "postgresql" else f"sqlite:///{folder / 'app.db'}"
    with serving(remembering, DATABASE_URL=url, **UNLIMITED) as server:
        yield server


def test_the_order_survives_many_writers(server: Server) -> None:
    with httpx2.Client(base_url=server.url, timeout=60) as client:
        conversation = client.post("/v1/conversations", json={}).json()["id"]

        def ask(number: int) -> int:
            asked = {"input": str(number), "conversation": conversation}
            return client.post("/v1/responses", json=asked).status_code

        with ThreadPoolExecutor(WRITERS) as pool:
            codes = Counter(pool.map(ask, range(WRITERS)))
        assert codes == {200: WRITERS}
        said = texts(client, conversation)
    assert sorted(said[::2]) == sorted(map(str, range(WRITERS)))
    assert said[1::2] == [f"You said: {text}" for text in said[::2]]


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
