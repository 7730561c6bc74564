"""What one client may use: requests a minute, and tokens a day."""

import math
import secrets
from typing import Protocol

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from backend.counting import LOOK, SETTLE, TAKE, MemoryCounter, Spent, Taking, seen
from backend.errors import RateLimited, Unavailable
from backend.settings import Settings

MINUTE, DAY = 60, 24 * 60 * 60
{%- if 'tools' in features %}
APPROVAL_SECONDS = 60 * 60  # in which a call can be approved
{%- endif %}
PREFIX = "{{ project_name }}"  # other services may count in the same Redis
REDIS_SECONDS = 2
NOBODY = ""  # the client who uses nothing
logger = structlog.get_logger(__name__)


class Counter(Protocol):
    async def take(self, client: str, amount: int) -> Taking: ...

    async def settle(self, taking: Taking, change: int, operation: str, used: int) -> None: ...

    async def look(self, client: str) -> Spent: ...


class LocalCounter:
    """A `MemoryCounter`, which never makes anyone wait."""

    def __init__(self, most: int, seconds: int) -> None:
        self._counter = MemoryCounter(most, seconds)

    async def take(self, client: str, amount: int) -> Taking:
        return self._counter.take(client, amount)

    async def settle(self, taking: Taking, change: int, operation: str, used: int) -> None:
        self._counter.settle(taking, change, operation, used)

    async def look(self, client: str) -> Spent:
        return self._counter.look(client)


class RedisCounter:
    """Counts in Redis: as `MemoryCounter`, but for all workers together."""

    def __init__(self, redis: Redis, name: str, most: int, seconds: int) -> None:
        self._name = name
        self._most = most
        self._milliseconds = seconds * 1000
        self._take = redis.register_script(TAKE)
        self._settle = redis.register_script(SETTLE)
        self._look = redis.register_script(LOOK)

    async def take(self, client: str, amount: int) -> Taking:
        arguments: list[str | int] = [amount, self._most, self._milliseconds, secrets.token_hex(8)]
        taken, window, milliseconds = await self._take([self._key(client)], arguments)
        return Taking(client, bool(taken), window, milliseconds / 1000)

    async def settle(self, taking: Taking, change: int, operation: str, used: int) -> None:
        arguments = [taking.window, change, operation, used]
        await self._settle([self._key(taking.client)], arguments)

    async def look(self, client: str) -> Spent:
        return seen(self._most, *await self._look([self._key(client)]))

    def _key(self, client: str) -> str:
        return f"{PREFIX}:{self._name}:{client}"


class Limits:
    """Counts in Redis where there is one, so that all workers count together; else in memory.

    Where Redis is lost, requests are let in uncounted, but no tokens are spent: a budget that
    cannot be checked counts as used up.
    """

    def __init__(self, settings: Settings) -> None:
        self._redis = connect(settings)
        self._requests = self._counter("requests", settings.requests_per_minute, MINUTE)
        self._tokens = self._counter("tokens", settings.tokens_per_day, DAY)
{%- if 'tools' in features and 'history' not in features %}
        self._approvals = self._counter("approvals", 1, APPROVAL_SECONDS)
{%- endif %}

    async def count_request(self, client: str) -> None:
        """Raises RateLimited where the client has made too many requests this minute."""
        try:
            taking = await self._requests.take(client, 1)
        except RedisError as error:
            logger.warning("limits_lost", error=repr(error))
            return
        if not taking.allowed:
            raise refusal("Too many requests", "rate_limit_exceeded", taking)

    async def reserve(self, client: str, tokens: int) -> Taking:
        """Takes tokens from the client's budget before they are used.

        Raises:
            RateLimited: the budget does not hold as many.
            Unavailable: the budget cannot be looked at.
        """
        try:
            taking = await self._tokens.take(client, tokens)
        except RedisError as error:
            raise Unavailable("The token budget cannot be checked now") from error
        if not taking.allowed:
            message = "The daily token budget does not hold as many"
            raise refusal(message, "insufficient_quota", taking)
        return taking

    async def settle(self, taking: Taking, *, operation: str, reserved: int, used: int) -> None:
        """Replaces what was reserved with what was used."""
        try:
            await self._tokens.settle(taking, used - reserved, operation, used)
        except RedisError as error:
            logger.warning("limits_lost", error=repr(error))

    async def spent(self, client: str) -> tuple[Spent, Spent]:
        """Returns what a client has used: requests of this minute, and tokens of this day.

        Raises:
            Unavailable: that cannot be looked at.
        """
        try:
            return await self._requests.look(client), await self._tokens.look(client)
        except RedisError as error:
            raise Unavailable("The limits cannot be looked at now") from error
{%- if 'tools' in features and 'history' not in features %}

    async def use_approval(self, approval_id: str) -> bool:
        """Returns whether an approval is used for the first time.

        Raises:
            Unavailable: that cannot be looked at.
        """
        try:
            return (await self._approvals.take(approval_id, 1)).allowed
        except RedisError as error:
            raise Unavailable("The approval cannot be checked now") from error
{%- endif %}

    async def reachable(self) -> bool:
        try:
            await self._requests.take(NOBODY, 0)  # a write: it may be refused where reads are not
        except RedisError:
            return False
        return True

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.aclose()

    def _counter(self, name: str, most: int, seconds: int) -> Counter:
        if self._redis is None:
            return LocalCounter(most, seconds)
        return RedisCounter(self._redis, name, most, seconds)


def connect(settings: Settings) -> Redis | None:
    if settings.redis_url is None:
        return None
    redis: Redis = Redis.from_url(
        str(settings.redis_url.get_secret_value()),
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
    )
    return redis


def refusal(message: str, code: str, taking: Taking) -> RateLimited:
    seconds = max(1, math.ceil(taking.seconds))
    return RateLimited(message, code=code, retry_after=str(seconds))
