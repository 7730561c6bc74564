"""A Flask project for Apache answers there by the configuration that it brings."""

import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from http import HTTPStatus
from pathlib import Path
from typing import TypeAlias

import httpx2
import pytest

from e2e import postgres
from e2e.conftest import required
from e2e.machine import Machine
from e2e.projects import OBSERVED
from e2e.replies import REPLIES, replies
from e2e.servers import START_SECONDS, Server, running, started
from e2e.stories import WAYS, add_stories
from e2e.test_history import WRITERS, write_in_order
from e2e.test_hostile import HALF_OPEN, SETTINGS, assert_costs_no_more, costs, request
from e2e.test_processes import AT_ONCE, HANDLER, MANY, burst
from e2e.test_upstream import CLIENT_KEY, PRODUCTION, UPSTREAM_KEY, ask, reply, streaming
from e2e.upstream import MODEL, WORDS, Upstream, listening

pytestmark = pytest.mark.slow

Serve: TypeAlias = Callable[..., AbstractContextManager[Server]]

# mod_wsgi embeds the Python that it was built for, which on Debian is the system's.
SYSTEM_PYTHON = "/usr/bin/python3"
MODULE = Path("/usr/lib/apache2/modules/mod_wsgi.so")
# All that a site's own configuration would bring: the modules, a port, and where to log.
SITE = """
ServerRoot "{folder}"
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile "{folder}/apache-{port}.pid"
DefaultRuntimeDir "{folder}"
ErrorLog "/dev/stderr"
User www-data
Group www-data
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule reqtimeout_module {modules}/mod_reqtimeout.so
RequestReadTimeout header=2 body=2
LoadModule wsgi_module {modules}/mod_wsgi.so
WSGISocketPrefix "{folder}/wsgi-{port}"
Include "{configuration}"
"""


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with listening() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def public() -> Iterator[Machine]:
    """A place that Apache's user can read, as it cannot read what pytest makes."""
    folder = Path(tempfile.mkdtemp(prefix="genai-scaffold-"))
    folder.chmod(0o755)
    yield Machine.make(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def serve(public: Machine, scaffold: Path, upstream: Upstream) -> Serve:
    """Starts Apache with the generated site, in which one text may be another."""
    apache = required("apache2")
    if not MODULE.exists():
        required("mod_wsgi.so")
    folder = public.folder / "my-app"
    remembering = ("--feature", "history", "--feature", "documents")
    flags = ("--yes", "--no-git", "--deploy", "mod-wsgi", *OBSERVED, *remembering)
    public.run(str(scaffold), "new", str(folder), *flags)
    with (folder / "app.py").open("a") as entry:
        entry.write(HANDLER)
    add_stories(folder, "flask")
    programs = public.environment(
        "apache", "--require-hashes", "-r", str(folder / "requirements.txt"), python=SYSTEM_PYTHON
    )
    (folder / ".venv").symlink_to(programs.parent)
    model = {"LLM_API_KEY": UPSTREAM_KEY, "LLM_BASE_URL": upstream.url, "LLM_MODEL": MODEL}
    kept = public.folder / "kept"
    kept.mkdir()
    database = {"DATABASE_URL": f"sqlite:///{kept / 'app.db'}"}
    everything = model | PRODUCTION | MANY | database
    (folder / ".env").write_text("".join(f"{name}={each}\n" for name, each in everything.items()))
    public.run(str(programs / "python"), "-m", "backend.migrate", directory=folder)
    for path in (kept, *kept.iterdir()):
        shutil.chown(path, "www-data")
    generated = (folder / "deploy" / "apache.conf").read_text()
    configuration = folder.with_name("app.conf")
    site = folder.with_name("site.conf")

    def command(port: int) -> str:
        site.write_text(
            SITE.format(
                folder=folder.parent, port=port, modules=MODULE.parent, configuration=configuration
            )
        )
        return f"{apache} -f {site} -DFOREGROUND"

    def serve(
        old: str = "", new: str = "", start: Serve = running, **variables: str
    ) -> AbstractContextManager[Server]:
        assert old in generated
        changed = generated.replace(old, new) if old else generated
        configuration.write_text(changed.replace("/srv/my-app", str(folder)))
        return start(command, folder, {**public.variables, **variables})

    return serve


def test_the_order_survives_many_writers_in_postgresql(
    serve: Serve, public: Machine, upstream: Upstream
) -> None:
    key = {"authorization": f"Bearer {CLIENT_KEY}"}
    with (
        postgres.running(public.folder / "cluster") as database,
        serve(DATABASE_URL=database.url()) as server,
        httpx2.Client(base_url=server.url, timeout=60, headers=key) as client,
    ):
        folder = public.folder / "my-app"
        python = str(folder / ".venv" / "bin" / "python")
        address = {**public.variables, "DATABASE_URL": database.url()}
        public.run(python, "-m", "backend.migrate", directory=folder, **address)
        write_in_order(client)
    for _ in range(WRITERS):
        upstream.next_call()


@pytest.fixture(scope="module")
def server(serve: Serve) -> Iterator[Server]:
    with serve() as server:
        yield server


def test_a_stream_arrives_as_it_is_made(server: Server, upstream: Upstream) -> None:
    with streaming(server, "wait") as words:
        call = upstream.next_call()
        assert next(words) == WORDS[0]
        assert not call.ended.is_set()
        call.go_on.set()
        assert list(words) == [*WORDS[1:], "[DONE]"]


@pytest.mark.parametrize("way", WAYS)
def test_who_leaves_a_stream_ends_it(server: Server, upstream: Upstream, way: str) -> None:
    with streaming(server, "endless", WAYS[way]) as words:
        call = upstream.next_call()
        next(words)
    assert call.left.wait(5)


@replies
def test_tells_what_real_models_send(server: Server, upstream: Upstream, name: str) -> None:
    assert reply(server, upstream, name) == (REPLIES[name].status, REPLIES[name].told)


def test_the_clients_key_arrives(server: Server, upstream: Upstream) -> None:
    assert ask(server, "tell") == "".join(WORDS)
    assert upstream.next_call().authorization == f"Bearer {UPSTREAM_KEY}"


def test_apache_keeps_the_log(server: Server) -> None:
    headers = {"x-request-id": "seen-by-apache"}
    httpx2.get(f"{server.url}/healthz", headers=headers)
    assert '"path":"/healthz","status":200' in line_with("seen-by-apache", server)


def test_a_graceful_stop_lets_a_stream_end(serve: Serve, upstream: Upstream) -> None:
    with serve() as server, streaming(server, "wait") as words:
        call = upstream.next_call()
        assert next(words) == WORDS[0]
        server.process.send_signal(signal.SIGWINCH)  # what `apache2ctl graceful-stop` sends
        time.sleep(6)  # longer than mod_wsgi waits where nobody asked for grace
        call.go_on.set()
        assert list(words) == [*WORDS[1:], "[DONE]"]


def test_a_burst_of_first_requests(serve: Serve, upstream: Upstream) -> None:
    with serve(start=started) as server:
        server.wait_until_healthy()
        burst(server, authorization=f"Bearer {CLIENT_KEY}")
        assert upstream.calls.qsize() == AT_ONCE
    upstream.calls.queue.clear()


@pytest.fixture(scope="module")
def offline(serve: Serve) -> Iterator[Server]:
    with serve(APP_ENV="development", LLM_API_KEY="", **SETTINGS) as server:
        yield server


OBJECTS = (
    b"<< /Type /Catalog /Pages 2 0 R >>",
    b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>",
    b"<< /Length 44 >>\nstream\nBT /F 12 Tf 10 10 Td (A kettle holds two litres.) Tj ET\nendstream",
    b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
)


def test_a_pdf_is_read_in_a_process_of_its_own(server: Server, upstream: Upstream) -> None:
    """For which it has to find Python: Apache is the program that runs here."""
    objects = (b"%d 0 obj\n%s\nendobj\n" % each for each in enumerate(OBJECTS, 1))
    pdf = b"%PDF-1.4\n" + b"".join(objects) + b"trailer << /Root 1 0 R >>\nstartxref\n0\n%%EOF"
    key = {"authorization": f"Bearer {CLIENT_KEY}"}
    with httpx2.Client(base_url=server.url, timeout=30, headers=key) as client:
        sent = client.post("/v1/files", files={"file": ("kettle.pdf", pdf)})
        assert sent.status_code == 200, sent.text
        store = client.post("/v1/vector_stores", json={"file_ids": [sent.json()["id"]]}).json()
        query = {"query": "What does a kettle hold?"}
        [found] = client.post(f"/v1/vector_stores/{store['id']}/search", json=query).json()["data"]
    assert found["content"] == [{"type": "text", "text": "A kettle holds two litres."}]
    upstream.calls.queue.clear()


@costs
def test_costs_no_more(
    offline: Server, pieces: Callable[[], Iterator[bytes]], statuses: set[int], most: float
) -> None:
    """Apache takes no body in chunks: its module could read one, but breaks at a malformed one."""
    assert_costs_no_more(offline, pieces, statuses | {HTTPStatus.LENGTH_REQUIRED}, most)


@pytest.mark.parametrize(
    "begun", [b"POST /echo HTTP/1.1\r\nX-Long: x", request(b"Content-Length: 100", body=b'"')]
)
def test_requests_that_never_end_are_ended(offline: Server, begun: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(HALF_OPEN):
            stack.enter_context(offline.connect()).sendall(begun)
        answer = httpx2.get(f"{offline.url}/healthz", timeout=START_SECONDS)
    assert answer.status_code == 200


def test_processes_that_would_count_alone_are_refused(serve: Serve) -> None:
    with serve("processes=1", "processes=2", started) as server:
        deadline = time.monotonic() + START_SECONDS
        while "settings: REDIS_URL must" not in server.log.read_text():
            assert time.monotonic() < deadline, server.log.read_text()
            with suppress(httpx2.TransportError):
                assert httpx2.get(f"{server.url}/healthz", timeout=30).status_code == 500
            time.sleep(0.1)


def line_with(text: str, server: Server) -> str:
    for _ in range(100):
        for line in server.log.read_text().splitlines():
            if text in line:
                return line
        time.sleep(0.05)
    raise AssertionError(server.log.read_text())
