"""The clients: many at once, each checking that it got the whole answer."""

import asyncio
import json
import re
import time
from functools import partial
from typing import Any, NamedTuple, cast

from benchmarks.upstream import TOKENS

TIMEOUT = 120  # seconds for any one batch: a server that hangs fails the run
KEY = "bench-key"
CONVERSATION: dict[str, Any] = {
    "model": "bench",
    "stream": True,
    "messages": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Tell me in a few words what a load test is for."},
    ],
}
VALUE: dict[str, Any] = {
    "name": "Ada",
    "tags": ["a", "b"],
    "nested": {"number": 1.5, "flag": True, "none": None},
}
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)

END = b"\r\n0\r\n\r\n"  # of the last chunk before, too: a header may end with a zero

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Stream(NamedTuple):
    """How one stream went.

    Args:
        complete: every token came, and the closing mark.
        first_token: seconds from the connection's start to the first token.
    """

    complete: bool
    first_token: float


def post(path: str, value: dict[str, Any]) -> bytes:
    body = json.dumps(value).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {KEY}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {KEY}\r\n\r\n".encode()


class Asked(NamedTuple):
    """What is asked for a stream.

    Args:
        request: as it is sent.
        token: how each one looks in the answer.
    """

    request: bytes
    token: bytes


CHAT = Asked(post("/v1/chat/completions", CONVERSATION), b'"content":" token')
RESPOND = {"model": "bench", "stream": True, "input": CONVERSATION["messages"]}
RESPONSE, KEPT, NOT_KEPT = (
    Asked(post("/v1/responses", {**RESPOND, **more}), b'"delta":" token')
    for more in ({}, {"store": True}, {"store": False})
)

QUESTION = {"role": "user", "parts": [{"type": "text", "text": "Where are my orders?"}], "id": "m1"}
AGENT = Asked(
    post("/api/chat", {"id": "c1", "trigger": "submit-message", "messages": [QUESTION]}),
    b'"delta":" token',
)


def relay(port: int, streams: int, at_once: int, asked: Asked = CHAT) -> list[Stream]:
    """Asks for `streams` streams, `at_once` at a time, over connections that are kept."""

    async def one_after_another(left: list[int]) -> list[Stream]:
        connection = await asyncio.open_connection("127.0.0.1", port)
        results = []
        while left:
            left.pop()
            results.append(await stream(connection, time.perf_counter(), asked))
        connection[1].close()
        return results

    async def all_of_them() -> list[Stream]:
        left = list(range(streams))
        batches = await asyncio.gather(*(one_after_another(left) for _ in range(at_once)))
        return [result for batch in batches for result in batch]

    return asyncio.run(asyncio.wait_for(all_of_them(), TIMEOUT))


def crowd(port: int, streams: int) -> list[Stream]:
    """Asks for `streams` streams at once, each over a connection of its own."""

    async def connect_and_stream() -> Stream:
        started = time.perf_counter()
        connection = await asyncio.open_connection("127.0.0.1", port)
        result = await stream(connection, started)
        connection[1].close()
        return result

    async def all_of_them() -> list[Stream]:
        return await asyncio.gather(*(connect_and_stream() for _ in range(streams)))

    return asyncio.run(asyncio.wait_for(all_of_them(), TIMEOUT))


async def stream(connection: Connection, started: float, asked: Asked = CHAT) -> Stream:
    reader, writer = connection
    writer.write(asked.request)
    received = b""
    first_token = float("inf")
    while not received.endswith(END):
        data = await reader.read(65536)
        if not data:
            break
        received += data
        if first_token == float("inf") and b" token0" in received:
            first_token = time.perf_counter() - started
    tokens = received.count(asked.token)
    return Stream(tokens == TOKENS and b"data: [DONE]" in received, first_token)


def is_echo(body: bytes) -> bool:
    return bool(json.loads(body) == {"you_sent": VALUE})


class Echo(asyncio.Protocol):
    """Sends one request after another: without asyncio's streams, which cost as much as a server.

    Where the server closes a connection after its answer, the next request opens another.

    Args:
        port: where the server listens.
        request: what is sent, again and again.
        left: how many requests are yet to be sent, by all connections together.
        finished: gets a result when this connection has no more to send, or an exception.
    """

    def __init__(
        self, port: int, request: bytes, left: list[int], finished: asyncio.Future[None]
    ) -> None:
        self._again = partial(Echo, port, request, left, finished)
        self._next: asyncio.Task[Any] | None = None
        self._port = port
        self._request = request
        self._left = left
        self._finished = finished
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, _, body = self._received.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if length is None or len(body) < int(length[1]):
            return
        self._received = b""
        if self._left:
            self._left.pop()
            if b"connection: close" in head.lower():
                connecting = asyncio.get_running_loop().create_connection(
                    self._again, "127.0.0.1", self._port
                )
                self._next = asyncio.ensure_future(connecting)
            else:
                self._transport.write(self._request)
        elif b" 200 " in head and (self._request.startswith(b"GET") or is_echo(body)):
            self._transport.close()
            self._finished.set_result(None)
        else:
            self._finished.set_exception(RuntimeError(f"not an echo: {head + body!r}"))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._next is None and not self._finished.done():
            self._finished.set_exception(exc or RuntimeError("the server closed the connection"))


def echo(
    port: int, requests: int, at_once: int, path: str = "/echo", request: bytes = b""
) -> float:
    """Sends `requests` requests over `at_once` connections, and returns how many a second."""
    request = request or post(path, VALUE)

    async def all_of_them() -> None:
        loop = asyncio.get_running_loop()
        left = [0] * (requests - at_once)
        finished: list[asyncio.Future[None]] = [loop.create_future() for _ in range(at_once)]
        for end in finished:
            await loop.create_connection(partial(Echo, port, request, left, end), "127.0.0.1", port)
        await asyncio.gather(*finished)

    started = time.perf_counter()
    asyncio.run(asyncio.wait_for(all_of_them(), TIMEOUT))
    return requests / (time.perf_counter() - started)
