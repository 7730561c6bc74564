"""What one client may use: requests a minute, and tokens a day."""

import math
import time

import structlog
from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter

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
        self._storage = storage(settings)
        self._limiter = FixedWindowRateLimiter(self._storage)
        self._requests = RateLimitItemPerMinute(settings.requests_per_minute)
        self._tokens = RateLimitItemPerDay(settings.tokens_per_day)

    def count_request(self, client: str) -> None:
        """Raises RateLimited where the client has made too many requests this minute."""
        try:
            if self._limiter.hit(self._requests, client):
                return
            wait = self._wait(self._requests, client)
        except StorageError as error:
            logger.warning("limits_lost", error=repr(error))
            return
        raise RateLimited("Too many requests", code="rate_limit_exceeded", retry_after=wait)

    def reserve(self, client: str, tokens: int) -> None:
        """Takes tokens from the client's budget before they are used.

        Raises:
            RateLimited: the budget does not hold as many.
            Unavailable: the budget cannot be looked at.
        """
        try:
            if self._limiter.hit(self._tokens, client, cost=tokens):
                return
            wait = self._wait(self._tokens, client)
        except StorageError as error:
            raise Unavailable("The token budget cannot be checked now") from error
        self.settle(client, reserved=tokens, used=0)
        message = "The daily token budget does not hold as many"
        raise RateLimited(message, code="insufficient_quota", retry_after=wait)

    def settle(self, client: str, *, reserved: int, used: int) -> None:
        """Replaces what was reserved with what was used."""
        item = self._tokens
        try:
            self._storage.incr(item.key_for(client), item.get_expiry(), used - reserved)
        except StorageError as error:
            logger.warning("limits_lost", error=repr(error))

    def reachable(self) -> bool:
        return self._storage.check()

    def _wait(self, item: RateLimitItem, client: str) -> str:
        stats = self._limiter.get_window_stats(item, client)
        return str(max(1, math.ceil(stats.reset_time - time.time())))


def storage(settings: Settings) -> MemoryStorage | RedisStorage:
    if settings.redis_url is None:
        return MemoryStorage()
    url = str(settings.redis_url.get_secret_value())
    return RedisStorage(
        url,
        wrap_exceptions=True,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
    )
