"""The way to the model: aiohttp's connections, which relay a stream at half of httpx2's cost."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial

import aiohttp
import httpx2
import openai
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError

from backend.ai.upstream import MOST_ANSWER_BYTES, AnswerTooLarge, guarded
from backend.proxies import proxy_for

MOST_CONNECTIONS, KEEP_SECONDS = 1000, 5
MOST_HEAD_BYTES, HEAD_ENDS = 100 * 1024, b"\r\n\r\n"
BROKEN = (aiohttp.ClientError, HttpProcessingError, OSError)


def connections(url: str) -> httpx2.AsyncBaseTransport:
    """Returns what connects to a URL, by the proxy that the environment names for it."""
    return Connections(proxy_for(url))


class Connections(httpx2.AsyncBaseTransport):
    def __init__(self, proxy: str | None) -> None:
        self._proxy = proxy
        self._tls = httpx2.create_ssl_context()
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._session is None:  # which only a running loop can have
            self._session = self._open()
        timeout = request.extensions["timeout"]
        with in_words_of_httpx2():
            response = await self._session.request(
                request.method,
                str(request.url),
                headers=request.headers,
                data=request.content or None,
                allow_redirects=False,
                proxy=self._proxy,
                timeout=aiohttp.ClientTimeout(
                    connect=timeout["pool"],
                    sock_connect=timeout["connect"],
                    sock_read=timeout["read"],
                ),
            )
        return httpx2.Response(
            response.status, headers=response.raw_headers, stream=Received(response)
        )

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=MOST_CONNECTIONS, keepalive_timeout=KEEP_SECONDS, ssl=self._tls
        )
        # aiohttp has no public name for what makes its connections.
        connector._factory = partial(Connection, connector._loop)  # type: ignore[assignment]
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=MOST_HEAD_BYTES,
            max_field_size=MOST_HEAD_BYTES,
            max_headers=MOST_HEAD_BYTES,
        )


class Connection(ResponseHandler):
    """One whose answer may break: what came before that counts, and its reader hears of it.

    aiohttp loses an answer whose head and broken body come at once, and one that breaks later has
    no end there.
    """

    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        if self._payload is None or self._payload.is_eof():
            head, ends, data = data.partition(HEAD_ENDS)
            self._head_bytes = 0 if ends else self._head_bytes + len(head)
            super().data_received(head + ends)
        super().data_received(data)
        if self._head_bytes > MOST_HEAD_BYTES and self.transport is not None:
            self.set_exception(HttpProcessingError(message="Too long a head"))
            self.transport.close()
        if self._payload is not None and (error := self.exception()):
            self._payload.set_exception(error)


class Received(httpx2.AsyncByteStream):
    """What arrives of an answer, to the last byte before a connection breaks."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._response.content
        with in_words_of_httpx2():
            try:
                while data := await content.readany():
                    yield data
            except BROKEN:
                content.set_exception(None)  # type: ignore[arg-type]  # it would hide the rest
                if rest := content.read_nowait():
                    yield rest
                raise

    async def aclose(self) -> None:
        self._response.release()


@contextmanager
def in_words_of_httpx2() -> Iterator[None]:
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx2.ConnectTimeout(str(error)) from error
    except TimeoutError as error:
        raise httpx2.ReadTimeout(str(error)) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx2.ConnectError(str(error)) from error
    except (aiohttp.ClientResponseError, HttpProcessingError) as error:
        raise httpx2.RemoteProtocolError(str(error)) from error
    except BROKEN as error:
        raise httpx2.ReadError(str(error)) from error


class Guarded(httpx2.AsyncBaseTransport):
    """Connections to an upstream that cannot make us hold or wait for more than we would.

    Args:
        longest_wait: seconds until we would try again, where the upstream says when.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport, longest_wait: float) -> None:
        self._transport = transport
        self._longest_wait = longest_wait

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            response = await self._transport.handle_async_request(request)
        except httpx2.ConnectError as error:
            if request.headers.get("x-stainless-retry-count") == "0":
                raise
            # Nobody is there, twice within half a second: the SDK would wait for another one.
            raise openai.APIConnectionError(request=request) from error
        return guarded(response, Bounded(response), self._longest_wait)

    async def aclose(self) -> None:
        await self._transport.aclose()


class Bounded(httpx2.AsyncByteStream):
    """What an answer holds, unpacked."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MOST_ANSWER_BYTES
        async for data in self._response.aiter_bytes():
            left -= len(data)
            if left < 0:
                raise AnswerTooLarge
            yield data

    async def aclose(self) -> None:
        await self._response.aclose()
