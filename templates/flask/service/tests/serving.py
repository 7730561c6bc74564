"""How the tests run the application, and how they replace the network behind it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from threading import Event, Thread
from typing import Any, TypeVar
from unittest.mock import patch

import httpx2
from flask import Flask
from pydantic import SecretStr
from werkzeug.serving import ThreadedWSGIServer

from backend.ai.provider import UpstreamProvider, connect
from backend.api import streaming
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
{%- if database %}
        app.extensions["services"].database.close()
{%- endif %}


def upstream(answer: Answer) -> UpstreamProvider:
    """Returns the real provider, with `answer` in the place of the network."""
    settings = Settings(
        llm_api_key=SecretStr("test"), llm_base_url="http://upstream/v1", llm_model="some-model"
    )
    return connect(settings, httpx2.MockTransport(answer))


class WholeStream(httpx2.SyncByteStream):
    """An answer that arrives, with nothing done to it yet."""

    def __init__(self, sent: bytes) -> None:
        self.closed = Event()
        self._sent = sent

    def __iter__(self) -> Iterator[bytes]:
        yield self._sent

    def close(self) -> None:
        self.closed.set()


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


def leave(app: Flask, path: str, asked: Any, frames: int, until: Callable[[], bool]) -> None:
    """Sends a request, leaves after so many frames of its answer, and waits."""
    no_more_than_is_read = patch.object(streaming, "MOST_AHEAD", -1)
    with no_more_than_is_read, app.test_client().post(path, json=asked) as response:
        for _ in islice(response.iter_encoded(), frames):
            pass
    for _ in range(3000):
        if until():
            break
        time.sleep(0.01)
    else:
        raise TimeoutError("what the client left has not ended")
{%- if database %}
    app.extensions["services"].database.close()
{%- endif %}


def result(returned: Result) -> Result:
    """Returns what our own code returns: the tests need not know that it is not awaited."""
    return returned


def pieces(stream: Iterator[Result]) -> list[Result]:
    """Returns what a stream of our own code yields."""
    return list(stream)
