"""How the tests run the application, and how they replace the network behind it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import httpx2
import openai
from flask import Flask
from werkzeug.serving import make_server

from backend.llm import UpstreamProvider

Answer = Callable[[httpx2.Request], httpx2.Response]


@contextmanager
def running(app: Flask) -> Iterator[str]:
    """Serves `app` on a free port of this machine, and yields its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
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
    network = httpx2.Client(transport=httpx2.MockTransport(answer))
    return UpstreamProvider(
        openai.OpenAI(api_key="test", base_url="http://upstream/v1", http_client=network)
    )


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
