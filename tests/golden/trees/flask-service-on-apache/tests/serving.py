"""How the tests run the application, and how they replace the network behind it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import TypeVar

import httpx2
from flask import Flask
from pydantic import SecretStr
from werkzeug.serving import ThreadedWSGIServer

from backend.ai.provider import UpstreamProvider, connect
from backend.settings import Settings

Answer = Callable[[httpx2.Request], httpx2.Response]
Result = TypeVar("Result")


class Server(ThreadedWSGIServer):
    daemon_threads = False  # a request that its client has left ends with its own test


@contextmanager
def running(app: Flask) -> Iterator[str]:
    """Serves `app` on a free port of this machine, and yields its address."""
    server = Server("127.0.0.1", 0, app)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def upstream(answer: Answer) -> UpstreamProvider:
    """Returns the real provider, with `answer` in the place of the network."""
    settings = Settings(
        llm_api_key=SecretStr("test"), llm_base_url="http://upstream/v1", llm_model="some-model"
    )
    return connect(settings, httpx2.MockTransport(answer))


class WholeStream(httpx2.SyncByteStream):
    """An answer that arrives, with nothing done to it yet."""

    def __init__(self, sent: bytes) -> None:
        self._sent = sent

    def __iter__(self) -> Iterator[bytes]:
        yield self._sent


class BrokenStream(httpx2.SyncByteStream):
    """A connection that breaks after `sent`."""

    def __init__(self, sent: bytes, error: Exception | None = None) -> None:
        self.broken = Event()
        self._sent = sent
        self._error = error or httpx2.ReadError("gone")

    def __iter__(self) -> Iterator[bytes]:
        yield self._sent
        self.broken.set()
        raise self._error


def result(returned: Result) -> Result:
    """Returns what our own code returns: the tests need not know that it is not awaited."""
    return returned


def pieces(stream: Iterator[Result]) -> list[Result]:
    """Returns what a stream of our own code yields."""
    return list(stream)
