"""Asks the model for a client: reserves before what it may cost, settles after what it did cost."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from backend.ai.call import Call
from backend.ai.provider import Provider, Stream, begun, streams_of_request
from backend.ai.relay import Relay
from backend.json_text import JSONObject
from backend.limits import Limits


class Meter:
    def __init__(self, provider: Provider, limits: Limits) -> None:
        self._provider = provider
        self._limits = limits

    def complete(self, call: Call) -> JSONObject:
        return self._answer(call, partial(self._provider.complete, path=call.path))

    def embed(self, call: Call) -> JSONObject:
        return self._answer(call, self._provider.embed)

    def stream(self, call: Call, relay: Relay) -> Stream:
        """Returns the answer's stream, once the model has accepted the request."""
        self._begin(call)
        try:
            with call.accepted():
                stream = self._provider.stream(call.body, call.path)
        except BaseException as failure:
            self._finish(call, failure)
            raise
        streams_of_request().add(stream)
        return replace(stream, events=begun(self._pass_on(stream, relay, call)))

    def models(self) -> list[str]:
        return self._provider.models()

    def _answer(self, call: Call, ask: Callable[[JSONObject], JSONObject]) -> JSONObject:
        self._begin(call)
        try:
            with call.accepted():
                answer = ask(call.body)
            call.answering()
            call.count(answer)
        finally:
            self._finish(call, sys.exception())
        return answer

    def _pass_on(self, stream: Stream, relay: Relay, call: Call) -> Iterator[list[str]]:
        try:
            yield []
            with relay.until_complete():
                for events in stream:
                    call.answering()
                    if passed := relay.pass_on(events):
                        yield passed
                    if relay.failure:
                        break
        finally:
            call.count(relay.answer)
            self._finish(call, sys.exception())

    def _begin(self, call: Call) -> None:
        call.taking = self._limits.reserve(call.client, call.reserved)
        call.begin()

    def _finish(self, call: Call, failure: BaseException | None) -> None:
        call.finish(failure)
        self._limits.settle(
            call.taking, operation=call.operation, reserved=call.reserved, used=call.used
        )
