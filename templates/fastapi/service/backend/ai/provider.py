"""The model: an OpenAI-compatible upstream, or the offline one where there is no key."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
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
Stream = AsyncIterator[list[str]]  # the JSON of events that arrived together, and `[DONE]`
Piece = TypeVar("Piece")


async def begun(pieces: AsyncIterator[Piece]) -> AsyncIterator[Piece]:
    """Returns a generator from its first `yield` on: one that is dropped before it ends nothing."""
    await anext(pieces)
    return pieces


class Provider(Protocol):
    """Takes requests, and gives answers, in the form of OpenAI's chat completions."""

    async def complete(self, request: dict[str, Any], path: str = CHAT) -> dict[str, Any]: ...

    async def stream(self, request: dict[str, Any], path: str = CHAT) -> Stream:
        """Returns the answer's stream, once the model has accepted the request."""
        ...

    async def embed(self, request: dict[str, Any]) -> dict[str, Any]: ...

    async def models(self) -> list[str]: ...

    async def close(self) -> None: ...


class UpstreamProvider:
    """Any endpoint that speaks OpenAI's API; the SDK does the retries and the timeouts."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self._client = client
{%- if 'documents' in features %}
        self.embedder = self  # unless another endpoint embeds
{%- endif %}
        self._remainders: set[asyncio.Task[None]] = set()

    async def complete(self, request: dict[str, Any], path: str = CHAT) -> dict[str, Any]:
        return await self._post(path, request)

    async def embed(self, request: dict[str, Any]) -> dict[str, Any]:
        return await self.{{ 'embedder.' if 'documents' in features }}_post(EMBEDDINGS, request)

    async def stream(self, request: dict[str, Any], path: str = CHAT) -> Stream:
        options = openai.RequestOptions(headers=outgoing_headers())
        kind = openai.AsyncStream[object]
        try:
            stream = await self._client.post(
                path,
                body=request,
                cast_to=object,
                options=options,
                stream=True,
                stream_cls=kind,
            )
        except FAILURES as error:
            raise translate(error) from error
        return await begun(self._events(stream))

    async def models(self) -> list[str]:
        options = openai.RequestOptions(headers=outgoing_headers())
        try:
            response = await self._client.get("/models", cast_to=httpx2.Response, options=options)
        except FAILURES as error:
            raise translate(error) from error
        return model_names(response)

    async def close(self) -> None:
        for remainder in self._remainders:
            remainder.cancel()
        await self._client.close()
{%- if 'documents' in features %}
        if self.embedder is not self:
            await self.embedder.close()
{%- endif %}

    async def _events(self, stream: openai.AsyncStream[object]) -> Stream:
        # The SDK would build a model for every token, at three times the cost.
        reader, received = EventReader(), stream.response.aiter_bytes()
        try:
            yield []
            async for data in received:
                if events := reader.read(data):
                    yield events
                if reader.done:
                    break
        except FAILURES as error:
            raise translate(error) from error
        finally:
            if reader.done and len(self._remainders) < MOST_REMAINDERS:
                remainder = asyncio.create_task(read_to_the_end(stream, received))
                self._remainders.add(remainder)
                remainder.add_done_callback(self._remainders.discard)
            else:
                await stream.close()

    async def _post(self, path: str, request: dict[str, Any]) -> dict[str, Any]:
        options = openai.RequestOptions(headers=outgoing_headers())
        try:
            response = await self._client.post(
                path, body=request, cast_to=httpx2.Response, options=options
            )
        except FAILURES as error:
            raise translate(error) from error
        return json_of(response, LIST_IN[path])


async def read_to_the_end(
    stream: openai.AsyncStream[object], received: AsyncIterator[bytes]
) -> None:
    with suppress(TimeoutError, *FAILURES):
        async with asyncio.timeout(REMAINDER_SECONDS):
            async for _ in received:
                pass
    await stream.close()


class OfflineProvider:
    """The offline model, at a pace that a person can see.

    Args:
        pause: seconds between two events of a stream.
    """

    def __init__(self, pause: float = 0.02) -> None:
        self._pause = pause

    async def complete(self, request: dict[str, Any], path: str = CHAT) -> dict[str, Any]:  # noqa: ARG002
        return offline.complete(request)

    async def embed(self, request: dict[str, Any]) -> dict[str, Any]:
        return offline.embed(request)

    async def stream(self, request: dict[str, Any], path: str = CHAT) -> Stream:  # noqa: ARG002
        return self._paced(offline.stream(request))

    async def _paced(self, events: Iterator[str]) -> Stream:
        for event in events:
            yield [event]
            await asyncio.sleep(self._pause)

    async def models(self) -> list[str]:
        return [offline.MODEL]

    async def close(self) -> None:
        """Has nothing to close."""


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


def connect(settings: Settings, transport: httpx2.AsyncBaseTransport) -> UpstreamProvider:
    """Returns the model that the settings name.

    Args:
        transport: connects to it.
    """
    client = openai.AsyncOpenAI(
        api_key=settings.llm_api_key.get_secret_value() if settings.llm_api_key else "",
        base_url=settings.llm_base_url,
        timeout=httpx2.Timeout(settings.llm_timeout_seconds, connect=5),
        max_retries=2,
        default_headers={"accept-encoding": "identity"},  # packing would hold a stream back
        # Follows no redirection, which would take a prompt to where nobody has sent it.
        http_client=httpx2.AsyncClient(
            transport=Guarded(transport, min(LONGEST_WAIT, settings.llm_timeout_seconds))
        ),
    )
    client.platform_headers()  # which starts a process, once: here, and in no request
    return UpstreamProvider(client)
