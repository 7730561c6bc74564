"""Answers from documents, by real servers and both databases, as a user would begin."""

import json
import os
import re
import resource
import signal
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, ClassVar

import httpx2
import openai
import pytest

from e2e.browser import browsing
from e2e.conftest import required
from e2e.machine import Machine
from e2e.postgres import Postgres
from e2e.projects import Project
from e2e.servers import Server, serving
from e2e.test_page import Chat
from e2e.upstream import listening

pytestmark = pytest.mark.slow

DOCUMENTS = ["fastapi-documents", "flask-documents"]
THINGS = (
    *("lamp", "kettle", "bicycle", "umbrella", "piano", "compass", "hammock", "telescope"),
    *("ladder", "toaster", "violin", "backpack", "curtain", "mirror", "freezer", "armchair"),
)
WARRANTY = "The warranty of the {} ends after two years."
MOST_FILES = len(THINGS) + 4
SECONDS = 60
UNLIMITED = {"REQUESTS_PER_MINUTE": "1000000", "TOKENS_PER_DAY": "1000000000"}


@pytest.fixture(scope="module", params=DOCUMENTS)
def documents(request: pytest.FixtureRequest, project: Callable[[str], Project]) -> Project:
    return project(request.param)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest, documents: Project, database: Postgres, machine: Machine
) -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="database-", dir=machine.folder))
    name = documents.framework
    if request.param == "postgresql":
        database.create(name)
    url = database.url(name) if request.param == "postgresql" else f"sqlite:///{folder / 'app.db'}"
    most = str(MOST_FILES)
    with serving(documents, DATABASE_URL=url, DOCUMENTS_MAX_FILES=most, **UNLIMITED) as server:
        yield server


def test_the_readme_s_commands_show_an_answer_with_where_it_stands(
    documents: Project, server: Server
) -> None:
    [commands] = re.findall(
        r"## What it answers from\n\n```bash\n(.+?)```", documents.read("README.md"), re.DOTALL
    )
    here = commands.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
    said = documents.run("bash", "-ec", here)
    answer = json.loads(said[said.rindex('{"answer"') :])
    quote = WARRANTY.format("lamp")
    assert (answer["answer"], answer["extract"]) == (quote, True)
    [cited] = answer["citations"]
    assert (cited["filename"], cited["place"], cited["quote"]) == ("lamp.md", "Lamp", quote)


def test_the_page_shows_where_it_stands(server: Server, tmp_path: Path) -> None:
    file = {"file": ("lamp.md", f"# Lamp\n\n{WARRANTY.format('lamp')}\n".encode())}
    assert httpx2.post(f"{server.url}/v1/files", files=file).is_success
    with (
        listening() as upstream,
        browsing((required("chromium"),), tmp_path / "profile") as browser,
    ):
        browser.listen()
        chat = Chat(browser, upstream)
        chat.open(server.url)
        shown = chat.ask("Search the documents that I have uploaded: the warranty of the lamp")
        assert shown.startswith("search_documents: done\nSources: lamp.md, Lamp\n")
        assert browser.complaints == []


def test_many_who_send_at_once_lose_nothing_and_have_nothing_twice(server: Server) -> None:
    with (
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0) as client,
        ThreadPoolExecutor(16) as pool,
    ):

        def send(thing: str) -> str:
            file = f"{thing}.md", WARRANTY.format(thing).encode()
            return client.files.create(file=file, purpose="assistants").id

        sent = list(pool.map(send, THINGS * 3))
        count = len(THINGS)
        assert sent[:count] == sent[count:-count] == sent[-count:]
        assert len(set(sent)) == count
        store = client.vector_stores.create(name="things", file_ids=sent[:count])
        assert (store.file_counts.completed, store.file_counts.total) == (count, count)

        def find(thing: str) -> str:
            query = f"When does the warranty of the {thing} end?"
            return next(iter(client.vector_stores.search(store.id, query=query))).filename

        assert list(pool.map(find, THINGS)) == [f"{thing}.md" for thing in THINGS]
        list(pool.map(client.files.delete, sent[:count]))
        assert client.vector_stores.retrieve(store.id).file_counts.total == 0


def test_many_who_send_at_once_have_no_more_than_their_limit(server: Server) -> None:
    with httpx2.Client(base_url=server.url, timeout=SECONDS) as client:
        with ThreadPoolExecutor(16) as pool:

            def send(number: int) -> int:
                file = {"file": (f"{number}.txt", f"The number {number}.".encode())}
                return client.post("/v1/files", files=file).status_code

            statuses = set(pool.map(send, range(MOST_FILES + 16)))
        kept = client.get("/v1/files?limit=100").json()["data"]
        assert (len(kept), statuses) == (MOST_FILES, {200, 413})
        for file in kept:
            assert client.delete(f"/v1/files/{file['id']}").is_success


def test_a_file_of_a_gigabyte_is_refused_before_it_is_read(server: Server) -> None:
    before, files = memory(server), httpx2.get(f"{server.url}/v1/files").json()
    with server.connect() as connection:
        head = (
            "POST /v1/files HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
            "content-type: multipart/form-data; boundary=b\r\ncontent-length: 1000000000\r\n\r\n"
            '--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        )
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
    assert memory(server) < before + 50e6
    assert httpx2.get(f"{server.url}/v1/files").json() == files


def memory(server: Server) -> int:
    """Returns the bytes that its processes have in memory."""
    pages = (Path(f"/proc/{pid}/statm").read_text().split()[1] for pid in server.processes())
    return sum(map(int, pages)) * resource.getpagesize()


class Embedder(BaseHTTPRequestHandler):
    """A model that embeds, and does not answer what comes after the first while it is `held`."""

    held: ClassVar[bool] = True
    asked: ClassVar[list[int]] = []
    waits: ClassVar[Event] = Event()
    leave: ClassVar[Event] = Event()

    def do_POST(self) -> None:
        texts = json.loads(self.rfile.read(int(self.headers["content-length"])))["input"]
        self.asked.append(len(texts))
        if self.held and len(self.asked) > 1:
            self.waits.set()
            self.leave.wait(SECONDS)
            return
        vectors = [[float(len(text)), 1.0] for text in texts]
        data = [{"object": "embedding", "index": n, "embedding": v} for n, v in enumerate(vectors)]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        body = {"object": "list", "data": data, "model": "e", "usage": usage}
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def embedder() -> Iterator[str]:
    Embedder.held = True
    Embedder.asked.clear()
    Embedder.waits.clear()
    Embedder.leave.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Embedder) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        Embedder.leave.set()
        server.shutdown()


def test_what_a_killed_server_was_at_is_gone_on_with(
    documents: Project, machine: Machine, embedder: str
) -> None:
    path = Path(tempfile.mkdtemp(prefix="database-", dir=machine.folder)) / "app.db"
    model = {"LLM_API_KEY": "a", "LLM_BASE_URL": embedder, "EMBEDDING_MODEL": "e"}
    variables = {**model, "DATABASE_URL": f"sqlite:///{path}", **UNLIMITED}
    text = "\n\n".join(f"# Part {n}\n\n{'A sentence of this part. ' * 30}" for n in range(150))

    def send(url: str) -> Any:
        file = {"file": ("long.md", text.encode())}
        return httpx2.post(f"{url}/v1/files", files=file, timeout=SECONDS)

    with serving(documents, **variables) as server, ThreadPoolExecutor(1) as pool:
        sent = pool.submit(send, server.url)
        assert Embedder.waits.wait(SECONDS)
        store = httpx2.post(f"{server.url}/v1/vector_stores", json={}).json()["id"]
        [file] = httpx2.get(f"{server.url}/v1/files").json()["data"]
        for pid in server.processes():
            os.kill(pid, signal.SIGKILL)
        assert isinstance(sent.exception(), httpx2.TransportError)
    Embedder.held = False
    with serving(documents, **variables) as server:
        url = f"{server.url}/v1/vector_stores/{store}/files"
        added = httpx2.post(url, json={"file_id": file["id"]}, timeout=SECONDS).json()
        assert added["status"] == "in_progress"  # somebody may still be at it
        a_minute_passes(path)
        polled = httpx2.get(f"{url}/{file['id']}", timeout=SECONDS).json()
        assert polled["status"] == "completed"
    first, cut, *rest = Embedder.asked
    assert rest == [cut]  # the first ones are not embedded again
    with closing(sqlite3.connect(path)) as database:
        [counts] = database.execute("SELECT count(*), count(vector) FROM passages")
    assert counts == (first + cut, first + cut)


def a_minute_passes(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE files SET worked_at = worked_at - 61")
