"""Requests that no client would send, byte by byte: refused at once, and others are served.

What the server itself refuses, before the application sees it (two lengths, a header of 100 kB),
has the server's own text, not our JSON: of every refusal, only the status is looked at.
"""

import select
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest

from benchmarks.scaling.fleet import NGINX, site
from e2e.conftest import required
from e2e.machine import Machine
from e2e.projects import COMBINATIONS, PROTOTYPES, Project
from e2e.servers import PATIENCE, Server, running, serving

pytestmark = pytest.mark.slow

MEGABYTE = 1_000_000
BODY_BYTES = 50 * MEGABYTE
MAX_BODY_BYTES = 10 * MEGABYTE  # by default
HALF_OPEN = 300
CHAT = b"/v1/chat/completions"
DEEP = b"[" * 100_000
ASK = b'{"messages": [{"role": "user", "content": %s}]}'


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, project: Callable[[str], Project]) -> Iterator[Server]:
    with serving(project(request.param), REQUESTS_PER_MINUTE="100000") as server:
        yield server
        log = server.log.read_text()
        assert '"status": 5' not in log
        assert "Traceback" not in log


@pytest.fixture(scope="module")
def proxy(machine: Machine, scaffold: Path, project: Callable[[str], Project]) -> Iterator[Server]:
    """nginx, as its deploy file has it, in front of a service with a thread for each request."""
    nginx = required("nginx")
    folder = machine.folder / "projects" / "flask-threads-proxied" / "my-app"
    flags = ("--yes", "--no-git", "--deploy", "systemd", *COMBINATIONS["flask-threads-no-docs"])
    machine.run(str(scaffold), "new", str(folder), *flags)
    made = project("flask-threads-no-docs")._replace(folder=folder)
    around = folder.parent
    with serving(made, REQUESTS_PER_MINUTE="100000") as server:

        def command(port: int) -> str:
            generated = made.read("deploy/nginx.conf")
            (around / "site.conf").write_text(site(generated, port, [server.port]))
            (around / "nginx.conf").write_text(NGINX.format(folder=around))
            return f"exec {nginx} -c {around}/nginx.conf -p {around}"

        with running(command, around, machine.variables) as proxy:
            yield proxy


twins = pytest.mark.parametrize("server", ["fastapi", "flask"], indirect=True, scope="module")
everywhere = pytest.mark.parametrize(
    "server", ["fastapi", "flask", *PROTOTYPES], indirect=True, scope="module"
)


class Refusal(NamedTuple):
    status: int
    seconds: float


def send(server: Server, pieces: Iterable[bytes]) -> Refusal:
    """Sends the pieces until the server answers, as it may before it has read them all."""
    started = time.monotonic()
    with server.connect() as connection:
        for piece in pieces:
            if select.select([connection], [], [], 0)[0]:
                break
            try:
                connection.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                break
        status_line = connection.recv(4096).split(b"\r\n")[0]
    return Refusal(int(status_line.split()[1]), time.monotonic() - started)


def request(*headers: bytes, path: bytes = b"/echo", body: bytes = b"") -> bytes:
    lines = (b"POST %s HTTP/1.1" % path, b"Host: x", b"Content-Type: application/json", *headers)
    return b"\r\n".join((*lines, b"", b"")) + body


def with_length(body: bytes, path: bytes = b"/echo") -> bytes:
    return request(b"Content-Length: %d" % len(body), path=path, body=body)


def assert_serves_others(server: Server) -> None:
    assert httpx2.post(f"{server.url}/echo", json=1, timeout=PATIENCE).json() == {"you_sent": 1}


@everywhere
@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(
            request(b"Content-Length: 1", b"Content-Length: 2", body=b"12"), id="two lengths"
        ),
        pytest.param(
            request(b"Content-Length: 1", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
            id="a length, and chunks",
        ),
        pytest.param(request(b"Content-Length: -1"), id="a length below zero"),
        pytest.param(request(b"Content-Length: many"), id="a length that is no number"),
        pytest.param(
            request(b"Transfer-Encoding: chunked", body=b"many\r\n1\r\n0\r\n\r\n"),
            id="a chunk whose size is no number",
        ),
        pytest.param(request(b"X-Long: " + b"x" * 100_000), id="a header of 100 kB"),
        pytest.param(request(b"X-Null: \x00"), id="a null byte in a header"),
        pytest.param(b"GET / nonsense\r\n\r\n", id="no request"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", id="TLS"),
        pytest.param(with_length(DEEP), id="100,000 levels"),
        pytest.param(with_length(ASK % DEEP, CHAT), id="100,000 levels in a message"),
        pytest.param(with_length(b'"\xe9"'), id="not UTF-8"),
        pytest.param(with_length(ASK % b'"\xe9"', CHAT), id="not UTF-8 in a message"),
        pytest.param(with_length(b"NaN"), id="NaN"),
        pytest.param(with_length(rb'"\ud800"'), id="half a pair"),
        pytest.param(with_length(ASK % rb'"\ud800"', CHAT), id="half a pair in a message"),
        pytest.param(with_length(b'{"temperature": NaN, ' + ASK[1:] % b'"x"', CHAT), id="NaN chat"),
    ],
)
def test_refuses(server: Server, sent: bytes) -> None:
    assert 400 <= send(server, [sent]).status < 500
    assert_serves_others(server)


@twins
@pytest.mark.parametrize(
    ("headers", "statuses"),
    [
        pytest.param([b"X-Long: " + b"x" * 9_000], {200}, id="a header of 9 kB"),
        pytest.param([b"X-%d: x" % number for number in range(120)], {200}, id="120 headers"),
        pytest.param([b"X-Long: " + b"x" * 100_000], {400, 431}, id="a header of 100 kB"),
        pytest.param(
            [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAEAAEAA"],
            {200},
            id="what Java's client asks first",
        ),
    ],
)
def test_takes_a_large_head_and_bounds_it(
    server: Server, headers: list[bytes], statuses: set[int]
) -> None:
    sent = request(*headers, b"Content-Length: 1", body=b"1")  # which is fine but for its head
    assert send(server, [sent]).status in statuses


def announced() -> Iterator[bytes]:
    yield request(b"Content-Length: %d" % BODY_BYTES, body=b'"')
    yield from (b"x" * MEGABYTE for _ in range(BODY_BYTES // MEGABYTE))


def in_chunks() -> Iterator[bytes]:
    yield request(b"Transfer-Encoding: chunked")
    yield from (b"%x\r\n%s\r\n" % (MEGABYTE, b"x" * MEGABYTE) for _ in range(50))
    yield b"0\r\n\r\n"


@twins
@pytest.mark.parametrize("pieces", [announced, in_chunks])
def test_refuses_a_large_body_before_it_is_read(
    server: Server, pieces: Callable[[], Iterator[bytes]]
) -> None:
    before = most_memory(server)
    refusal = send(server, pieces())
    assert refusal.status == 413
    assert refusal.seconds < 3
    assert most_memory(server) - before < 2.5 * MAX_BODY_BYTES  # with the copy that is parsed
    assert_serves_others(server)


def most_memory(server: Server) -> int:
    """The most bytes that the server's processes have held at once."""
    pids = [server.process.pid, *server.workers()]
    statuses = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return sum(int(status.partition("VmHWM:")[2].split()[0]) * 1024 for status in statuses)


begun = pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Le", id="half a header"),
        pytest.param(request(b"Content-Length: 100", body=b'"'), id="half a body"),
    ],
)


@twins
@begun
def test_serves_others_beside_requests_that_never_end(server: Server, begun: bytes) -> None:
    assert_serves_others_beside(server, begun)


@begun
def test_threads_do_so_behind_the_proxy_of_their_deploy_files(proxy: Server, begun: bytes) -> None:
    assert_serves_others_beside(proxy, begun)


def assert_serves_others_beside(server: Server, begun: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(HALF_OPEN):
            stack.enter_context(server.connect()).sendall(begun)
        started = time.monotonic()
        for _ in range(5):
            assert_serves_others(server)
        assert time.monotonic() - started < 3
