"""How the tests run the application, and how they replace the network behind it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from itertools import count
from threading import Event, Thread
from typing import Any, TypeVar

import httpx2
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import Message

from backend.ai.provider import UpstreamProvider, connect
from backend.settings import Settings

Answer = Callable[[httpx2.Request], httpx2.Response]
Result = TypeVar("Result")


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """Serves `app` on a free port of this machine, and yields its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None))
    Thread(target=server.run, kwargs={"sockets": [listener]}).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True  # the next test need not wait until it has ended


def upstream(answer: Answer) -> UpstreamProvider:
    """Returns the real provider, with `answer` in the place of the network."""
    settings = Settings(
        llm_api_key=SecretStr("test"), llm_base_url="http://upstream/v1", llm_model="some-model"
    )
    return connect(settings, httpx2.MockTransport(answer))


class WholeStream(httpx2.AsyncByteStream):
    """An answer that arrives, with nothing done to it yet."""

    def __init__(self, sent: bytes) -> None:
        self.closed = Event()
        self._sent = sent

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._sent

    async def aclose(self) -> None:
        self.closed.set()


class BrokenStream(httpx2.AsyncByteStream):
    """A connection that breaks after `sent`."""

    def __init__(self, sent: bytes, error: Exception | None = None) -> None:
        self.broken = Event()
        self._sent = sent
        self._error = error or httpx2.ReadError("gone")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._sent
        self.broken.set()
        raise self._error


def leave(app: FastAPI, path: str, asked: Any, frames: int, until: Callable[[], bool]) -> None:
    """Sends a request, leaves after so many frames of its answer, and waits."""
    request = {"type": "http.request", "body": json.dumps(asked).encode()}

    async def ask() -> None:
        asking, left, taken = iter([request]), asyncio.Event(), count()

        async def receive() -> Message:
            for message in asking:
                return message
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(_: Message) -> None:
            if next(taken) == frames:  # the head comes first
                left.set()
                await asyncio.Event().wait()

        headers = [(b"content-type", b"application/json"), (b"host", b"localhost")]
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
        about = {"raw_path": path.encode(), "query_string": b"", "client": ("127.0.0.1", 1)}
        async with app.router.lifespan_context(app):
            await app({**scope, **about}, receive, send)
            for _ in range(3000):
                if until():
                    return
                await asyncio.sleep(0.01)
        raise TimeoutError("what the client left has not ended")

    asyncio.run(ask())


def result(work: Coroutine[Any, Any, Result]) -> Result:
    """Returns what our own code returns: the tests need not know that it is awaited."""
    return asyncio.run(work)


def pieces(stream: Coroutine[Any, Any, AsyncIterator[Result]]) -> list[Result]:
    """Returns what a stream of our own code yields."""

    async def collect() -> list[Result]:
        return [piece async for piece in await stream]

    return asyncio.run(collect())
