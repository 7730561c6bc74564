"""The model: an OpenAI-compatible upstream, or the offline one where there is no key."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock, Timer
from typing import Any, Protocol, TypeVar

import httpx2
import openai
import structlog

from backend.ai import offline
from backend.ai.correlation import outgoing_headers
from backend.ai.events import EventReader
from backend.ai.network import Guarded, connections
from backend.ai.upstream import (
    CHAT,
    EMBEDDINGS,
    FAILURES,
    LIST_IN,
    LONGEST_WAIT,
    MOST_REMAINDERS,
    REMAINDER_SECONDS,
    json_of,
    model_names,
    translate,
)
from backend.settings import Settings

logger = structlog.get_logger(__name__)
remainders = BoundedSemaphore(MOST_REMAINDERS)
Piece = TypeVar("Piece")


def begun(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Returns a generator from its first `yield` on: one that is dropped before it ends nothing."""
    next(pieces)
    return pieces


class Cancelled(BaseException):
    """The client has left, so that nobody reads the answer."""


@dataclass(frozen=True, eq=False)
class Stream(Iterator[list[str]]):
    """An answer as it is made: the JSON of events that arrived together, and `[DONE]`.

    Args:
        events: what it yields.
        cancel: ends the stream from another thread than the one that waits for its next event.
        close: lets go of the connection, once the client has its answer: this takes a while.
    """

    events: Iterator[list[str]]
    cancel: Callable[[], None]
    close: Callable[[], None]

    def __next__(self) -> list[str]:
        return next(self.events)


class Streams:
    """The answers that the model streams for one request, whichever thread asks for them."""

    def __init__(self) -> None:
        self._streams: list[Stream] = []
        self._cancelled = False

    def add(self, stream: Stream) -> None:
        self._streams.append(stream)
        if self._cancelled:
            stream.cancel()

    def cancel(self) -> None:
        """Ends all of them, and any that is still to begin."""
        self._cancelled = True
        for stream in self._streams[:]:
            stream.cancel()

    def close(self) -> None:
        for stream in self._streams:
            stream.close()


of_request: ContextVar[Streams] = ContextVar("streams")


def streams_of_request() -> Streams:
    return of_request.get(None) or Streams()  # outside of a request nobody can leave


class Provider(Protocol):
    """Takes requests, and gives answers, in the form of OpenAI's chat completions."""

    def complete(self, request: dict[str, Any], path: str = CHAT) -> dict[str, Any]: ...

    def stream(self, request: dict[str, Any], path: str = CHAT) -> Stream:
        """Returns the answer's stream, once the model has accepted the request."""
        ...

    def embed(self, request: dict[str, Any]) -> dict[str, Any]: ...

    def models(self) -> list[str]: ...


class UpstreamProvider:
    """Any endpoint that speaks OpenAI's API; the SDK does the retries and the timeouts."""

    def __init__(self, client: openai.OpenAI) -> None:
        self._client = client
{%- if 'documents' in features %}
        self.embedder = self  # unless another endpoint embeds
{%- endif %}

    def complete(self, request: dict[str, Any], path: str = CHAT) -> dict[str, Any]:
        return self._post(path, request)

    def embed(self, request: dict[str, Any]) -> dict[str, Any]:
        return self.{{ 'embedder.' if 'documents' in features }}_post(EMBEDDINGS, request)

    def stream(self, request: dict[str, Any], path: str = CHAT) -> Stream:
        options = openai.RequestOptions(headers=outgoing_headers())
        kind = openai.Stream[object]
        try:
            stream = self._client.post(
                path,
                body=request,
                cast_to=object,
                options=options,
                stream=True,
                stream_cls=kind,
            )
        except FAILURES as error:
            raise translate(error) from error
        upstream = UpstreamStream(stream)
        return Stream(begun(upstream.events()), upstream.cancel, upstream.close)

    def models(self) -> list[str]:
        options = openai.RequestOptions(headers=outgoing_headers())
        try:
            response = self._client.get("/models", cast_to=httpx2.Response, options=options)
        except FAILURES as error:
            raise translate(error) from error
        return model_names(response)

    def _post(self, path: str, request: dict[str, Any]) -> dict[str, Any]:
        options = openai.RequestOptions(headers=outgoing_headers())
        try:
            response = self._client.post(
                path, body=request, cast_to=httpx2.Response, options=options
            )
        except FAILURES as error:
            raise translate(error) from error
        return json_of(response, LIST_IN[path])


class UpstreamStream:
    """A stream of the SDK's, read in one thread and cancelled, perhaps, in another."""

    def __init__(self, stream: openai.Stream[object]) -> None:
        self._stream = stream
        self._received = stream.response.iter_bytes()
        self._reader = EventReader()
        self._lock = Lock()
        self._cancelled = False

    def events(self) -> Iterator[list[str]]:
        # The SDK would build a model for every token, at three times the cost.
        try:
            yield []
            for data in self._received:
                with self._lock:
                    found = self._reader.read(data)
                if found:
                    yield found
                if self._reader.done:
                    return
        except FAILURES as error:
            if not self._cancelled:
                raise translate(error) from error
        finally:
            if not self._reader.done:
                self._stream.close()
        if self._cancelled:
            raise Cancelled

    def cancel(self) -> None:
        """Ends the connection, and so the wait for it, unless the answer is complete."""
        # The lock holds back the end of the answer, after which another request may be served on
        # the same connection.
        with self._lock:
            if not (self._reader.done or self._stream.response.is_closed):
                self._cancelled = True
                self._hang_up()

    def close(self) -> None:
        """Reads what follows the answer, if it comes soon."""
        if self._reader.done and remainders.acquire(blocking=False):
            timer = Timer(REMAINDER_SECONDS, self._hang_up)
            timer.start()
            with suppress(*FAILURES):
                for _ in self._received:
                    pass
            timer.cancel()
            remainders.release()
        self._stream.close()

    def _hang_up(self) -> None:
        connection = self._stream.response.extensions.get("network_stream")
        if connection and not self._stream.response.is_closed:
            with suppress(OSError):
                connection.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


class OfflineProvider:
    """The offline model, at a pace that a person can see.

    Args:
        pause: seconds between two events of a stream.
    """

    def __init__(self, pause: float = 0.02) -> None:
        self._pause = pause

    def complete(self, request: dict[str, Any], path: str = CHAT) -> dict[str, Any]:  # noqa: ARG002
        return offline.complete(request)

    def embed(self, request: dict[str, Any]) -> dict[str, Any]:
        return offline.embed(request)

    def stream(self, request: dict[str, Any], path: str = CHAT) -> Stream:  # noqa: ARG002
        events = self._paced(offline.stream(request))
        return Stream(events, cancel=lambda: None, close=lambda: None)

    def _paced(self, events: Iterator[str]) -> Iterator[list[str]]:
        for event in events:
            yield [event]
            time.sleep(self._pause)

    def models(self) -> list[str]:
        return [offline.MODEL]


def create_provider(settings: Settings) -> Provider:
    if settings.llm_api_key is None:
        logger.warning("offline_model", why="LLM_API_KEY is not set", model=offline.MODEL)
        return OfflineProvider()
{%- if 'documents' in features %}
    provider = connect(settings, connections(settings.llm_base_url))
    if settings.embedding_base_url:
        key, url = settings.embedding_api_key, settings.embedding_base_url
        elsewhere = settings.model_copy(update={"llm_api_key": key, "llm_base_url": url})
        provider.embedder = connect(elsewhere, connections(url))
    return provider
{%- else %}
    return connect(settings, connections(settings.llm_base_url))
{%- endif %}


def connect(settings: Settings, transport: httpx2.BaseTransport) -> UpstreamProvider:
    """Returns the model that the settings name.

    Args:
        transport: connects to it.
    """
    client = openai.OpenAI(
        api_key=settings.llm_api_key.get_secret_value() if settings.llm_api_key else "",
        base_url=settings.llm_base_url,
        timeout=httpx2.Timeout(settings.llm_timeout_seconds, connect=5),
        max_retries=2,
        default_headers={"accept-encoding": "identity"},  # packing would hold a stream back
        # Follows no redirection, which would take a prompt to where nobody has sent it.
        http_client=httpx2.Client(
            transport=Guarded(transport, min(LONGEST_WAIT, settings.llm_timeout_seconds))
        ),
    )
    client.platform_headers()  # which starts a process, once: here, and in no request
    return UpstreamProvider(client)
