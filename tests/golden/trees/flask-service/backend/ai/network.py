"""The way to the model."""

from collections.abc import Iterator

import httpx2
import openai

from backend.ai.upstream import MOST_ANSWER_BYTES, AnswerTooLarge, guarded
from backend.proxies import proxy_for

LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=100)


def connections(url: str) -> httpx2.BaseTransport:
    """Returns what connects to a URL, by the proxy that the environment names for it."""
    return httpx2.HTTPTransport(limits=LIMITS, proxy=proxy_for(url))


class Guarded(httpx2.BaseTransport):
    """Connections to an upstream that cannot make us hold or wait for more than we would.

    Args:
        longest_wait: seconds until we would try again, where the upstream says when.
    """

    def __init__(self, transport: httpx2.BaseTransport, longest_wait: float) -> None:
        self._transport = transport
        self._longest_wait = longest_wait

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            response = self._transport.handle_request(request)
        except httpx2.ConnectError as error:
            if request.headers.get("x-stainless-retry-count") == "0":
                raise
            # Nobody is there, twice within half a second: the SDK would wait for another one.
            raise openai.APIConnectionError(request=request) from error
        return guarded(response, Bounded(response), self._longest_wait)

    def close(self) -> None:
        self._transport.close()


class Bounded(httpx2.SyncByteStream):
    """What an answer holds, unpacked."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        left = MOST_ANSWER_BYTES
        for data in self._response.iter_bytes():
            left -= len(data)
            if left < 0:
                raise AnswerTooLarge
            yield data

    def close(self) -> None:
        self._response.close()
