"""The model: an OpenAI-compatible upstream, or the offline one where there is no key."""

import time
from collections.abc import Iterator
from typing import Any, Protocol

import httpx2
import openai
import structlog

from backend import offline
from backend.settings import Settings
from backend.upstream import (
    CHAT,
    EMBEDDINGS,
    FAILURES,
    EventReader,
    json_of,
    model_names,
    translate,
)

logger = structlog.get_logger(__name__)


class Provider(Protocol):
    """Takes requests, and gives answers, in the form of OpenAI's chat completions."""

    def complete(self, request: dict[str, Any]) -> dict[str, Any]: ...

    def stream(self, request: dict[str, Any]) -> Iterator[str]:
        """Returns the JSON of each event, once the model has accepted the request."""
        ...

    def embed(self, request: dict[str, Any]) -> dict[str, Any]: ...

    def models(self) -> list[str]: ...


class UpstreamProvider:
    """Any endpoint that speaks OpenAI's API; the SDK does the retries and the timeouts."""

    def __init__(self, client: openai.OpenAI) -> None:
        self._client = client

    def complete(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._post(CHAT, request)

    def embed(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._post(EMBEDDINGS, request)

    def stream(self, request: dict[str, Any]) -> Iterator[str]:
        kind = openai.Stream[object]
        try:
            stream = self._client.post(
                CHAT, body=request, cast_to=object, stream=True, stream_cls=kind
            )
        except FAILURES as error:
            raise translate(error) from error
        return events(stream)

    def models(self) -> list[str]:
        try:
            response = self._client.get("/models", cast_to=httpx2.Response)
        except FAILURES as error:
            raise translate(error) from error
        return model_names(response)

    def _post(self, path: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            response = self._client.post(path, body=request, cast_to=httpx2.Response)
        except FAILURES as error:
            raise translate(error) from error
        return json_of(response)


def events(stream: openai.Stream[object]) -> Iterator[str]:
    # The SDK would build a model for every token, at three times the cost, and stop at the closing
    # mark: a connection that is not read to its end cannot serve the next request.
    reader = EventReader()
    try:
        with stream:
            for data in stream.response.iter_bytes():
                yield from reader.read(data)
    except FAILURES as error:
        if not reader.done:
            raise translate(error) from error


class OfflineProvider:
    """The offline model, at a pace that a person can see.

    Args:
        pause: seconds between two events of a stream.
    """

    def __init__(self, pause: float = 0.02) -> None:
        self._pause = pause

    def complete(self, request: dict[str, Any]) -> dict[str, Any]:
        return offline.complete(request)

    def embed(self, request: dict[str, Any]) -> dict[str, Any]:
        return offline.embed(request)

    def stream(self, request: dict[str, Any]) -> Iterator[str]:
        return self._paced(offline.stream(request))

    def _paced(self, events: Iterator[str]) -> Iterator[str]:
        for event in events:
            yield event
            time.sleep(self._pause)

    def models(self) -> list[str]:
        return [offline.MODEL]


def create_provider(settings: Settings) -> Provider:
    if settings.llm_api_key is None:
        logger.warning("offline_model", why="LLM_API_KEY is not set", model=offline.MODEL)
        return OfflineProvider()
    return UpstreamProvider(
        openai.OpenAI(
            api_key=settings.llm_api_key.get_secret_value(),
            base_url=settings.llm_base_url,
            timeout=httpx2.Timeout(settings.llm_timeout_seconds, connect=5),
            max_retries=2,
        )
    )
