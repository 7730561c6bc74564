"""Responses that the model's own provider makes, passed on as it tells of them."""

from collections.abc import Iterator
from typing import Any

from backend.ai.events import DONE, Event
from backend.ai.relay import Relay
from backend.errors import AppError, UpstreamFailed
from backend.gateway.responses.events import event, failure
from backend.json_text import JSONObject, read_json

ENDS = ("response.completed", "response.incomplete")
FAILURES = ("error", "response.failed")


class ResponseRelay(Relay):
    """Watches a stream of a response's events."""

    def __init__(self) -> None:
        super().__init__(include_usage=True)
        self._ended = False
        self._response: JSONObject = {}

    @property
    def answer(self) -> dict[str, Any]:
        return self._response

    @property
    def _complete(self) -> bool:
        return self._ended

    def _passed(self, event: str) -> str | None:
        if event == DONE:
            return None
        try:
            told: Any = read_json(event)
            kind, response = told["type"], told.get("response")
        except (AttributeError, LookupError, TypeError, ValueError):
            raise UpstreamFailed("The model sent a malformed event") from None
        if kind in FAILURES:
            raise UpstreamFailed("The model failed while it answered")
        if isinstance(response, dict):
            self._response = response
        self._ended |= kind in ENDS
        return event.replace("\n", " ")  # which no text in JSON can hold


class PassedStream:
    """Names the events, and ends those of a response that fails."""

    def __init__(self) -> None:
        self._response: JSONObject = {}
        self._sent = 0

    def opening(self) -> Iterator[Event]:
        return iter(())

    def events(self, chunk: str) -> Iterator[Event]:
        told = read_json(chunk)
        if isinstance(told.get("response"), dict):
            self._response = told["response"]
        self._sent += 1
        yield Event(chunk, str(told["type"]))

    def closing(self) -> Iterator[Event]:
        yield Event(DONE)

    def failure(self, error: AppError) -> Iterator[Event]:
        for number, told in enumerate(failure(self._response, error), self._sent):
            yield event(told, number)
        yield Event(DONE)
