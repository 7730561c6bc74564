"""One call of the model: what it may cost, what it did cost, and how long it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeGuard

import structlog

from backend.ai.tokens import most_tokens
from backend.ai.upstream import CHAT
from backend.counting import Taking
from backend.errors import AppError, InvalidRequest, UpstreamFailed

logger = structlog.get_logger(__name__)
LONGEST_NAME = 200  # of a model, in the log
MOST_COUNT = 100_000_000  # tokens: no model reads or writes as many
AS_IN_A_CHAT = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "input_tokens_details": "prompt_tokens_details",
    "output_tokens_details": "completion_tokens_details",
}
UNSEEN = ("cancelled", "timeout_error")  # ends after which the model may have worked all the same


class Call:
    """Follows one call from its admission to its line in the log.

    Args:
        kind: `chat` or `embeddings`.
        client: who asked, by the id of the key or by address.
        body: the request as it goes upstream.
        feature: what of this service wrote the request, where it was not the client.
        path: of the model's API.
    """

    taking: Taking

    def __init__(
        self,
        kind: str,
        client: str,
        body: dict[str, Any],
        *,
        feature: str | None = None,
        path: str = CHAT,
    ) -> None:
        self.kind = kind
        self.feature = feature
        self.client = client
        self.path = path
        self.body = body
        self.model: str = body["model"]
        self.reserved = most_tokens(body)
        self.usage: dict[str, int] = {}
        self._outcome = ""
        self._started = time.perf_counter()
        self._first_event: float | None = None

    @property
    def operation(self) -> str:
        """What the call is counted as."""
        return self.feature or self.kind

    @property
    def used(self) -> int:
        """The tokens to pay for: as the model counted, or all that were reserved."""
        may_have_cost = self._first_event is not None or self._outcome in UNSEEN
        return self.usage.get("total_tokens", self.reserved if may_have_cost else 0)

    @property
    def seconds_to_first_token(self) -> float | None:
        first = self._first_event
        return None if first is None else round(first - self._started, 4)

    def begin(self) -> None:
        """Notes that the request is sent to the model."""
        self._started = time.perf_counter()

    @contextmanager
    def accepted(self) -> Iterator[None]:
        """Keeps from the client why the model refused a request that the client did not write."""
        try:
            yield
        except InvalidRequest as error:
            if self.feature is None:
                raise
            logger.error("own_request_refused", operation=self.operation, reason=error.message)
            raise UpstreamFailed("The model refused a request of this service") from error

    def answering(self) -> None:
        """Notes that the model has begun to answer."""
        if self._first_event is None:
            self._first_event = time.perf_counter()

    def count(self, answer: dict[str, Any]) -> None:
        """Notes what the model says that its answer used, where these are counts."""
        usage = answer.get("usage")
        if isinstance(usage, dict):
            usage = {AS_IN_A_CHAT.get(name, name): used for name, used in usage.items()}
            self.usage = {name: n for name, n in usage.items() if is_count(n)}

    def finish(self, failure: BaseException | None) -> None:
        """Notes that the call is over: well, with an error, or because the client left."""
        self._outcome = outcome = outcome_of(failure)
        seconds = round(time.perf_counter() - self._started, 4)
        logger.info(
            "model_call",
            operation=self.operation,
            client=self.client,
            model=self.model[:LONGEST_NAME],
            outcome=outcome,
            prompt_tokens=self.usage.get("prompt_tokens"),
            completion_tokens=self.usage.get("completion_tokens"),
            seconds_to_first_token=self.seconds_to_first_token,
            seconds=seconds,
        )


def is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= MOST_COUNT


def outcome_of(failure: BaseException | None) -> str:
    match failure:
        case None:
            return "ok"
        case AppError():
            return failure.type
        case Exception():
            return "bug"
        case _:
            return "cancelled"
