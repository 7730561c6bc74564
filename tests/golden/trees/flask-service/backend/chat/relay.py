"""Watches a model's stream while it is passed on."""

from typing import Any

from pydantic_core import from_json, to_json

from backend.errors import UpstreamFailed


class Relay:
    """Decides, event by event, what of one upstream stream the client gets.

    An event is passed on as it came, not built again. Usage is always asked for
    upstream, and taken out where the client did not ask.

    Args:
        include_usage: whether the client asked for usage.
    """

    def __init__(self, *, include_usage: bool) -> None:
        self.usage: Any = None
        self._include_usage = include_usage
        self._finished = False

    def pass_on(self, event: str) -> str | None:
        """Returns the event for the client, or None where there is nothing for it.

        Raises:
            UpstreamFailed: the event is malformed, or it is an error.
        """
        try:
            chunk: Any = from_json(event)
            choices = chunk.get("choices") or ()
            self._finished |= any(choice.get("finish_reason") for choice in choices)
        except (AttributeError, TypeError, ValueError):
            raise UpstreamFailed("The model sent a malformed event") from None
        if chunk.get("error") is not None:
            raise UpstreamFailed("The model failed while it answered")
        self.usage = chunk.get("usage") or self.usage
        if self._include_usage or "usage" not in chunk:
            return event
        del chunk["usage"]
        return to_json(chunk).decode() if choices else None

    def finish(self) -> None:
        """Raises UpstreamFailed where the stream ended before the answer did."""
        if not self._finished:
            raise UpstreamFailed("The model's answer was cut off")
