"""Other services of ours, asked by the routes that are their own."""

from collections.abc import Callable
from typing import TypeVar

import httpx2
import openai
import structlog
from pydantic import BaseModel, SecretStr, ValidationError

from backend.ai.correlation import outgoing_headers
from backend.ai.network import Guarded, connections
from backend.ai.upstream import FAILURES, LONGEST_WAIT, PASSED_ON, reason_of, seconds_to_wait
from backend.errors import AppError, RateLimited, Unavailable, UpstreamFailed, UpstreamTimedOut
from backend.settings import Settings

Answer = TypeVar("Answer", bound=BaseModel)
Connect = Callable[[str], httpx2.AsyncBaseTransport]
RAW = httpx2.Response
NO_KEY = SecretStr("-")  # where none is needed: the SDK sends some
logger = structlog.get_logger(__name__)


class Peer:
    """One of them; it is sent the id of the request that we serve.

    Args:
        name: what errors and the log call it.
        client: knows its address, and our key for it.
    """

    def __init__(self, name: str, client: openai.AsyncOpenAI) -> None:
        self._name = name
        self._client = client

    async def get(self, path: str, answer: type[Answer]) -> Answer:
        """Returns what a route answers; asks once more where that failed.

        Raises:
            AppError: as our client should see it.
        """
        options = openai.RequestOptions(headers=outgoing_headers(), max_retries=1)
        try:
            response = await self._client.get(path, cast_to=RAW, options=options)
        except FAILURES as error:
            raise failure(self._name, error) from error
        return self._read(response, answer)

    async def post(self, path: str, body: BaseModel, answer: type[Answer]) -> Answer:
        """Sends a model, once: what a route does might else be done twice.

        Raises:
            AppError: as our client should see it.
        """
        options = openai.RequestOptions(headers=outgoing_headers(), max_retries=0)
        sent = body.model_dump(mode="json", exclude_unset=True)
        try:
            response = await self._client.post(path, body=sent, cast_to=RAW, options=options)
        except FAILURES as error:
            raise failure(self._name, error) from error
        return self._read(response, answer)

    async def close(self) -> None:
        await self._client.close()

    def _read(self, response: httpx2.Response, answer: type[Answer]) -> Answer:
        try:
            return answer.model_validate_json(response.content)
        except ValidationError as error:
            raise UpstreamFailed(f"{self._name} sent a malformed answer") from error


class Peers:
    """All that `PEERS` names, as in `peers["ingest"]`.

    Args:
        connect: returns what connects to an address.
    """

    def __init__(self, settings: Settings, connect: Connect = connections) -> None:
        self._peers = {}
        for name, url in settings.peers.items():
            client = openai.AsyncOpenAI(
                api_key=settings.peer_keys.get(name, NO_KEY).get_secret_value(),
                base_url=url,
                timeout=httpx2.Timeout(settings.peer_timeout_seconds, connect=1),
                http_client=httpx2.AsyncClient(transport=Guarded(connect(url), LONGEST_WAIT)),
            )
            client.platform_headers()  # which starts a process, once: here, and in no request
            self._peers[name] = Peer(name, client)

    def __getitem__(self, name: str) -> Peer:
        if name not in self._peers:
            raise Unavailable(f"PEERS does not say where {name} is")
        return self._peers[name]

    async def close(self) -> None:
        for peer in self._peers.values():
            await peer.close()


def failure(name: str, error: Exception) -> AppError:
    """Returns our error for one of `FAILURES`, as the client should see it; logs what it was."""
    status = getattr(error, "status_code", None)
    logger.warning("peer_failed", peer=name, error=type(error).__name__, status=status)
    match error:
        case openai.APITimeoutError() | httpx2.TimeoutException():
            return UpstreamTimedOut(f"{name} did not answer in time")
        case openai.APIStatusError():
            return refusal(name, error)
        case _:
            return UpstreamFailed(f"{name} could not be reached")


def refusal(name: str, error: openai.APIStatusError) -> AppError:
    wait = seconds_to_wait(error.response.headers)
    retry_after = None if wait is None else str(wait)
    match error.status_code:
        case 429:
            return RateLimited(f"{name} is busy", code=error.code, retry_after=retry_after)
        case 401 | 403:
            return UpstreamFailed(f"{name} refused this service's own key")
        case status if status in PASSED_ON:
            reason = reason_of(error) or f"{name} refused the request"
            return PASSED_ON[status](reason, param=error.param, code=error.code)
        case _:
            return UpstreamFailed(f"{name} answered with an error", retry_after=retry_after)
