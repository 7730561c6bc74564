"""Watches a model's stream while it is passed on."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from backend.ai.events import DONE
from backend.errors import UpstreamFailed
from backend.json_text import read_json, write_json


class Relay:
    """Decides, event by event, what of one upstream stream the client gets.

    `failure` says why no more of it can be passed on.

    An event is passed on as it came, not built again. Usage is always asked for
    upstream, and taken out where the client did not ask.

    Args:
        include_usage: false where a client is sent the events and did not ask for usage.
    """

    def __init__(self, *, include_usage: bool) -> None:
        self._include_usage = include_usage
        self._named: dict[str, Any] = {}
        self._usage: Any = None
        self._done = False
        self.failure: UpstreamFailed | None = None
        self._reasons: dict[object, Any] = {}  # to finish, by the index of each choice seen

    def pass_on(self, events: Iterable[str]) -> list[str]:
        """Returns what the client gets of these, up to one that is malformed, or an error."""
        passed: list[str] = []
        try:
            for event in events:
                if (found := self._passed(event)) is not None:
                    passed.append(found)
        except UpstreamFailed as failure:
            self.failure = failure
        return passed

    def _passed(self, event: str) -> str | None:
        if event == DONE:
            self._done = True
            return None
        try:
            chunk: Any = read_json(event)
            choices = chunk.get("choices") or ()
            for choice in choices:
                index, reason = choice.get("index"), choice.get("finish_reason")
                self._reasons[index] = reason or self._reasons.get(index)
        except (AttributeError, TypeError, ValueError):
            raise UpstreamFailed("The model sent a malformed event") from None
        if chunk.get("error") is not None:
            raise UpstreamFailed("The model failed while it answered")
        if not self._named.get("id"):  # Azure's first event has none
            self._named = chunk
        self._usage = chunk.get("usage") or self._usage
        if "usage" in chunk and not self._include_usage:
            del chunk["usage"]
            return write_json(chunk) if choices else None
        return event.replace("\n", " ")  # which no text in JSON can hold

    @contextmanager
    def until_complete(self) -> Iterator[None]:
        """Raises UpstreamFailed where the stream ends before the answer does.

        `[DONE]` completes an answer, and so does a reason to finish for each of its choices: if the
        connection breaks after that, nothing is lost.
        """
        try:
            yield
        except UpstreamFailed:
            if not self._complete:
                raise
        if self.failure:
            raise self.failure
        if not self._complete:
            raise UpstreamFailed("The model's answer was cut off")

    @property
    def answer(self) -> dict[str, Any]:
        """What the model has said so far about its answer, as a plain answer has it."""
        choices = [{"finish_reason": reason} for reason in self._reasons.values()]
        said = {name: self._named.get(name) for name in ("id", "model")}
        return {**said, "choices": choices, "usage": self._usage}

    @property
    def _complete(self) -> bool:
        finished = bool(self._reasons) and all(self._reasons.values())
        return self._done or finished
