"""One call of the model: what it may cost, what it did cost, and how long it took."""

import time
from typing import Any

import structlog

from backend.chat.policy import most_tokens

logger = structlog.get_logger(__name__)


class Call:
    """Follows one call from its admission to its line in the log.

    Args:
        client: who asked, by the id of the key or by address.
        body: the request as it goes upstream.
    """

    def __init__(self, client: str, body: dict[str, Any]) -> None:
        self.client = client
        self.body = body
        self.reserved = most_tokens(body)
        self.usage: dict[str, Any] | None = None
        self._started = time.perf_counter()
        self._first_event: float | None = None

    @property
    def used(self) -> int:
        """The tokens to pay for: as the model counted, or all that were reserved."""
        if self.usage and isinstance(total := self.usage.get("total_tokens"), int):
            return total
        return self.reserved if self._first_event is not None else 0

    def answering(self) -> None:
        """Notes that the model has begun to answer."""
        if self._first_event is None:
            self._first_event = time.perf_counter()

    def log(self) -> None:
        first = self._first_event
        usage = self.usage or {}
        logger.info(
            "model_call",
            client=self.client,
            model=self.body["model"],
            prompt_tokens=usage.get("prompt_tokens"),
            completion_tokens=usage.get("completion_tokens"),
            seconds_to_first_token=None if first is None else round(first - self._started, 4),
            seconds=round(time.perf_counter() - self._started, 4),
        )
