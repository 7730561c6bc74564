"""What one client may use: requests a minute, and tokens a day."""

import math
import time

import structlog
from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool

from backend.errors import RateLimited, Unavailable
from backend.settings import Settings

REDIS_SECONDS = 2
logger = structlog.get_logger(__name__)


class Limits:
    """Counts in Redis where there is one, so that all workers count together; else in memory.

    Where Redis is lost, requests are let in uncounted, but no tokens are spent: a budget that
    cannot be checked counts as used up.
    """

    def __init__(self, settings: Settings) -> None:
        self._pool = redis_pool(settings)
        self._storage = storage(self._pool)
        self._limiter = FixedWindowRateLimiter(self._storage)
        self._requests = RateLimitItemPerMinute(settings.requests_per_minute)
        self._tokens = RateLimitItemPerDay(settings.tokens_per_day)

    async def count_request(self, client: str) -> None:
        """Raises RateLimited where the client has made too many requests this minute."""
        try:
            if await self._limiter.hit(self._requests, client):
                return
            wait = await self._wait(self._requests, client)
        except StorageError as error:
            logger.warning("limits_lost", error=repr(error))
            return
        raise RateLimited("Too many requests", code="rate_limit_exceeded", retry_after=wait)

    async def reserve(self, client: str, tokens: int) -> None:
        """Takes tokens from the client's budget before they are used.

        Raises:
            RateLimited: the budget does not hold as many.
            Unavailable: the budget cannot be looked at.
        """
        try:
            if await self._limiter.hit(self._tokens, client, cost=tokens):
                return
            wait = await self._wait(self._tokens, client)
        except StorageError as error:
            raise Unavailable("The token budget cannot be checked now") from error
        await self.settle(client, reserved=tokens, used=0)
        message = "The daily token budget does not hold as many"
        raise RateLimited(message, code="insufficient_quota", retry_after=wait)

    async def settle(self, client: str, *, reserved: int, used: int) -> None:
        """Replaces what was reserved with what was used."""
        item = self._tokens
        try:
            await self._storage.incr(item.key_for(client), item.get_expiry(), used - reserved)
        except StorageError as error:
            logger.warning("limits_lost", error=repr(error))

    async def reachable(self) -> bool:
        return await self._storage.check()

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.disconnect()

    async def _wait(self, item: RateLimitItem, client: str) -> str:
        stats = await self._limiter.get_window_stats(item, client)
        return str(max(1, math.ceil(stats.reset_time - time.time())))


def redis_pool(settings: Settings) -> ConnectionPool | None:
    if settings.redis_url is None:
        return None
    return ConnectionPool.from_url(
        str(settings.redis_url.get_secret_value()),
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
    )


def storage(pool: ConnectionPool | None) -> MemoryStorage | RedisStorage:
    if pool is None:
        return MemoryStorage()
    return RedisStorage(
        "async+redis://",
        wrap_exceptions=True,
        implementation="redispy",
        connection_pool=pool,  # type: ignore[arg-type] # passed on to redis-py
    )
