"""Requests that no client would send, byte by byte: refused at once, and others are served.

What the server itself refuses, before the application sees it (two lengths, a header of 100 kB),
has the server's own text, not our JSON: of every refusal, only the status is looked at.

`COSTS` is the table of what a stranger may make the service hold; the project's DEPLOY.md tells of
it.
"""

import hashlib
import json
import select
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

from benchmarks.scaling.fleet import NGINX, site
from e2e.conftest import required
from e2e.machine import Machine
from e2e.projects import COMBINATIONS, PROTOTYPES, Project
from e2e.servers import PATIENCE, Server, running, serving

pytestmark = pytest.mark.slow

MEGABYTE = 1_000_000
MOST_PIECES = 60  # of a megabyte: more than any limit
LONGEST = 9_900_000  # bytes: a little less than a body may have by default
HALF_OPEN, HALF_OPEN_BYTES = 300, 200_000
CHAT = b"/v1/chat/completions"
KEY = b"key-of-a-client"
SETTINGS = {
    "API_KEYS": f"alice:{hashlib.sha256(KEY).hexdigest()}",
    "REQUESTS_PER_MINUTE": "100000",
    "TOKENS_PER_DAY": "1000000000",
    # What is held, not what the allocator keeps, which depends on all that was asked before.
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "65536",
}


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, project: Callable[[str], Project]) -> Iterator[Server]:
    with serving(project(request.param), **SETTINGS) as server:
        yield server
        log = server.log.read_text()
        assert '"status":5' not in log
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


def request(*headers: bytes, path: bytes = b"/echo", key: bytes = KEY, body: bytes = b"") -> bytes:
    known = (b"Host: x", b"Content-Type: application/json", b"Authorization: Bearer %s" % key)
    return b"\r\n".join((b"POST %s HTTP/1.1" % path, *known, *headers, b"", b"")) + body


def with_length(body: bytes, path: bytes = b"/echo") -> bytes:
    return request(b"Content-Length: %d" % len(body), path=path, body=body)


def chat(content: bytes, seed: bytes = b"1") -> bytes:
    message = b'{"role": "user", "content": "%s"}' % content
    return b'{"messages": [%s], "max_tokens": 1, "seed": %s}' % (message, seed)


ONE, CHUNKED = b"Content-Length: 1", b"Transfer-Encoding: chunked"
CHUNKS = b"1\r\n1\r\n0\r\n\r\n"
GREETED = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
DEEP = b"[" * 50_000 + b"]" * 50_000


def assert_serves_others(server: Server) -> None:
    assert httpx2.post(f"{server.url}/echo", json=1, timeout=PATIENCE).json() == {"you_sent": 1}


def faulty(name: str, sent: bytes, mended: bytes) -> Any:
    return pytest.param(sent, mended, id=name)


def headed(name: str, fault: bytes, mended: bytes = ONE, body: bytes = b"1") -> Any:
    """A request whose length is wrong, and the same with another header in its place."""
    return faulty(name, request(*fault.split(b"\n"), body=body), request(mended, body=body))


def with_body(name: str, fault: bytes, mended: bytes, path: bytes = b"/echo") -> Any:
    return faulty(name, with_length(fault, path), with_length(mended, path))


def in_chunks(body: bytes) -> bytes:
    return request(CHUNKED, body=body)


@everywhere
@pytest.mark.parametrize(
    ("sent", "mended"),
    [
        headed("two lengths", b"Content-Length: 1\nContent-Length: 2"),
        headed("a length below zero", b"Content-Length: -1"),
        headed("a length that is no number", b"Content-Length: many"),
        headed("a length with a sign", b"Content-Length: +1"),
        headed("a coding that is none", b"Transfer-Encoding: many", CHUNKED, CHUNKS),
        headed("a null byte in a header", ONE + b"\nX-Null: \x00"),
        headed("a header without a name", ONE + b"\n: x"),
        headed("a blank after a header's name", ONE + b"\nX-Blank : x"),
        headed("two hosts", ONE + b"\nHost: y"),
        faulty("a size that is no number", in_chunks(b"many\r\n1\r\n0\r\n\r\n"), in_chunks(CHUNKS)),
        faulty("the same, later", in_chunks(CHUNKS.replace(b"0", b"many")), in_chunks(CHUNKS)),
        faulty("a size below zero", in_chunks(b"-" + CHUNKS), in_chunks(CHUNKS)),
        faulty(
            "a chunk that is longer",
            in_chunks(CHUNKS.replace(b"1\r\n0", b"12\r\n0")),
            in_chunks(CHUNKS),
        ),
        faulty("no request", b"GET / nonsense\r\n\r\n", GREETED),
        faulty("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", GREETED),
        with_body("50,000 levels", DEEP, b"[[]]"),
        with_body("50,000 levels in a chat", chat(b"x", DEEP), chat(b"x", b"[[]]"), CHAT),
        with_body("not UTF-8", b'"\xe9"', b'"\xc3\xa9"'),
        with_body("not UTF-8 in a message", chat(b"\xe9"), chat(b"\xc3\xa9"), CHAT),
        with_body("NaN", b"NaN", b"1"),
        with_body("NaN in a chat", chat(b"x", b"NaN"), chat(b"x", b"1"), CHAT),
        with_body("half a pair", rb'"\ud83d"', rb'"\ud83d\ude80"'),
        with_body("half a pair in a message", chat(rb"\ud83d"), chat(rb"\ud83d\ude80"), CHAT),
    ],
)
def test_refuses(server: Server, sent: bytes, mended: bytes) -> None:
    """What would be answered but for the one fault that it is named after."""
    assert send(server, [mended]).status == 200
    assert send(server, [sent]).status in {400, 501}  # of which 501 is a coding's
    assert_serves_others(server)


@twins
def test_refuses_a_length_with_chunks(server: Server) -> None:
    """Which h11 takes, as HTTP allows, and a prototype with it: a proxy may read it otherwise."""
    assert send(server, [request(CHUNKED, body=CHUNKS)]).status == 200
    assert send(server, [request(ONE, CHUNKED, body=CHUNKS)]).status == 400


@twins
@pytest.mark.parametrize("target", [b"http://x", b"http://x/healthz", b"HTTPS://x:8000/healthz?y"])
def test_takes_a_whole_url(server: Server, target: bytes) -> None:
    """As HTTP wants it of who is no proxy, too."""
    assert send(server, [b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % target]).status == 200


@twins
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([b"X-Long: " + b"x" * 9_000], id="a header of 9 kB"),
        pytest.param([b"X-%d: x" % number for number in range(120)], id="120 headers"),
        pytest.param(
            [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAEAAEAA"],
            id="what Java's client asks first",
        ),
    ],
)
def test_takes_a_large_head(server: Server, headers: list[bytes]) -> None:
    assert send(server, [request(*headers, ONE, body=b"1")]).status == 200


@everywhere
@pytest.mark.parametrize("kilobytes", [65, 100, 200])  # which may come in one piece
def test_bounds_a_head(server: Server, kilobytes: int) -> None:
    header = b"X-Long: " + b"x" * kilobytes * 1000
    assert send(server, [request(header, ONE, body=b"1")]).status in {400, 431}


@pytest.mark.parametrize("server", ["flask"], indirect=True, scope="module")
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(request(b"Transfer-Encoding: many"), 400, id="a coding that is none"),
        pytest.param(b"GET urn:x HTTP/1.1\r\nHost: x\r\n\r\n", 400, id="no path"),
        pytest.param(request(b"X-Long: " + b"x" * 70_000), 431, id="a long header"),
    ],
)
def test_what_gunicorn_refuses_has_the_shape_of_every_error(
    server: Server, sent: bytes, status: int
) -> None:
    with server.connect() as connection:
        connection.sendall(sent)
        with suppress(ConnectionResetError):  # where it has not read all that was sent
            answered = b"".join(iter(lambda: connection.recv(4096), b""))
            head, _, body = answered.partition(b"\r\n\r\n")
            assert int(head.split()[1]) == status
            error = json.loads(body)["error"]
            assert error.keys() == {"message", "type", "param", "code"}
            assert error["type"] == "invalid_request_error"


def without_end(begun: bytes, piece: bytes = b"x" * MEGABYTE) -> Callable[[], Iterator[bytes]]:
    def pieces() -> Iterator[bytes]:
        yield begun
        yield from (piece for _ in range(MOST_PIECES))

    return pieces


def at_once(sent: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: iter([sent])


def cost(name: str, pieces: Callable[[], Iterator[bytes]], statuses: set[int], most: float) -> Any:
    """Tells what is sent, what may be answered, and how many megabytes it may cost at most."""
    return pytest.param(pieces, statuses, most, id=name)


HEAD = b"POST /echo HTTP/1.1\r\nHost: x\r\n"
LINES = b"x: y\r\n" * (MEGABYTE // 6)
CHUNK = b"%x\r\n%s\r\n" % (MEGABYTE, b"x" * MEGABYTE)
TOO_LONG = request(b"Content-Length: %d" % (MOST_PIECES * MEGABYTE))
VALUES = b"[%s1]" % (b'{"a":{}},' * 33_000)
TEXT = "🚀".encode() + b"x" * LONGEST  # one letter makes Python hold each in four bytes
COSTS = [
    cost("a header", without_end(HEAD + b"X-Long: "), {400, 431}, 1),
    cost("headers", without_end(HEAD, LINES), {400, 431}, 1),
    cost("an address", without_end(b"GET /"), {400, 414}, 1),
    cost("a method", without_end(b"P"), {400, 414}, 1),
    cost("a chunk's extension", without_end(request(CHUNKED) + b"1;"), {400}, 1),
    cost("a chunk's size", without_end(request(CHUNKED), b"0" * MEGABYTE), {400}, 1),
    cost("a trailer", without_end(request(CHUNKED, body=CHUNKS[:-2]) + b"X-Long: "), {400}, 1),
    cost("trailers", without_end(request(CHUNKED, body=CHUNKS[:-2]), LINES), {400}, 1),
    cost("a body", without_end(TOO_LONG), {413}, 1),
    cost("a body in chunks", without_end(request(CHUNKED), CHUNK), {413}, 18),
    cost(
        "a body in chunks, without a key",
        without_end(request(CHUNKED, path=CHAT, key=b"guessed"), CHUNK),
        {401},
        3,
    ),
    cost("levels", at_once(with_length(DEEP)), {400}, 2),
    cost("too many values", at_once(with_length(b"[%s1]" % (b"1," * 4_900_000))), {413}, 30),
    cost("as many values as are taken", at_once(with_length(VALUES)), {200}, 25),
    cost("as long a text as is taken", at_once(with_length(b'"%s"' % TEXT)), {200}, 120),
    cost("the same in a chat", at_once(with_length(chat(TEXT), CHAT)), {200}, 160),
]


costs = pytest.mark.parametrize(("pieces", "statuses", "most"), COSTS)


@pytest.mark.parametrize(
    "server", ["fastapi", "flask", "flask-threads-no-docs"], indirect=True, scope="module"
)
@costs
def test_costs_no_more(
    server: Server, pieces: Callable[[], Iterator[bytes]], statuses: set[int], most: float
) -> None:
    assert_costs_no_more(server, pieces, statuses, most)


def assert_costs_no_more(
    server: Server, pieces: Callable[[], Iterator[bytes]], statuses: set[int], most: float
) -> None:
    assert_serves_others(server)
    before = memory_from_now_on(server)
    assert send(server, pieces()).status in statuses
    assert most_memory(server) - before < most * MEGABYTE
    assert_serves_others(server)


def item(role: bytes, letters: int) -> bytes:
    return b'{"role":"%s","content":"%s"}' % (role, b"x" * letters)


@twins
@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param(
            b"/v1/responses",
            b'{"input":[%s,%s]}' % (b",".join([item(b"system", 250)] * 33_000), item(b"user", 1)),
            id="as many messages for the system as are taken",
        ),
        pytest.param(
            b"/api/chat",
            b'{"messages":[{"role":"user","parts":[{"type":"file","mediaType":"text/plain","url":'
            b'"data:,%s"}]}]}' % (b"%41" * 3_300_000),
            id="a file of escapes",
        ),
        pytest.param(b"/v1/embeddings", b'{"input":"%s"}' % (b"x " * 4_900_000), id="a long text"),
    ],
)
def test_takes_no_longer_than_it_is_long(server: Server, path: bytes, body: bytes) -> None:
    assert send(server, [with_length(body, path)]).seconds < 4  # where they once took 8 and more


def memory_from_now_on(server: Server) -> int:
    """The bytes that the server's processes hold; `most_memory` forgets what there was before."""
    for pid in server.processes():
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    return memory(server, "VmRSS:")


def most_memory(server: Server) -> int:
    return memory(server, "VmHWM:")


def memory(server: Server, field: str) -> int:
    statuses = [Path(f"/proc/{pid}/status").read_text() for pid in server.processes()]
    return sum(int(status.partition(field)[2].split()[0]) * 1024 for status in statuses)


begun = pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(HEAD + b"X-Long: " + b"x" * 60_000, id="half a header"),
        pytest.param(request(b"Content-Length: 100", body=b'"'), id="half a body"),
    ],
)


@twins
@begun
def test_serves_others_beside_requests_that_never_end(server: Server, begun: bytes) -> None:
    before = memory_from_now_on(server)
    assert_serves_others_beside(server, begun)
    assert most_memory(server) - before < HALF_OPEN * HALF_OPEN_BYTES


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
