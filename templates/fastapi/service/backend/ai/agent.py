"""A model that calls tools, in steps, until it has answered."""

import sys
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import contextmanager

import structlog
from pydantic import ValidationError

{% if 'tracing' in features -%}
from backend import tracing
{% endif -%}
from backend.ai.call import Call, outcome_of
from backend.ai.metering import Meter
from backend.ai.pieces import ToolCall
from backend.ai.provider import Stream, begun
from backend.ai.relay import Relay
from backend.ai.steps import (
    AgentEvent,
    Called,
    Returned,
    Step,
    StepBegun,
    StepEnded,
    fill_in,
    ids_of_calls,
    outcome,
    result,
    said,
)
from backend.ai.tools import Given, Tool, ToolRun, failed, faults
from backend.ai.waiting import run_together
from backend.json_text import JSONObject
from backend.settings import Settings

Events = AsyncIterator[Sequence[AgentEvent]]  # what happens together, in its order
logger = structlog.get_logger(__name__)


class Agent:
    """Answers for one client, from whose tokens all steps are paid.

    In the last step that it may take, by `AGENT_MAX_STEPS` or because `AGENT_MAX_TOKENS` are used,
    the model may call no more tools: so there is an answer in the end.
    """

    def __init__(
        self, meter: Meter, settings: Settings, tools: Sequence[Tool], given: Given
    ) -> None:
        self._meter = meter
        self._settings = settings
        self._tools = {tool.name: tool for tool in tools}
        self._given = given
        self._asked: list[Call] = []

    async def run(self, body: JSONObject, approved: Sequence[ToolCall] = ()) -> Events:
        """Returns what happens on the way to an answer, once the model has accepted the request.

        It ends with an answer, or with calls that a person has to approve of.

        Args:
            body: the request to the model; each step adds messages to it.
            approved: calls that are made first; in `body`, each has an empty result.
        """
        return await begun(self._events(body, approved))

    async def _events(self, body: JSONObject, approved: Sequence[ToolCall]) -> Events:
        taken = ids_of_calls(body)
        with self._watched():
            if approved:
                yield []
                calls = [self._read(call) for call in approved]
                returned = await self._use(calls, approved=True)
                for each in returned:
                    fill_in(body, each)
                yield returned
            stream = await self._next(body, own=bool(approved))
            if not approved:
                yield []
            while True:
                yield [StepBegun()]
                step = Step(taken, may_call=not self._is_last)
                async for chunks in stream:
                    yield [piece for chunk in chunks for piece in step.read(chunk)]
                called = [self._read(call) for call in step.calls]
                yield called
                returned = await self._use(called)
                yield [*returned, StepEnded(step.finish_reason)]
                if len(returned) < len(called) or not called:
                    return
                body["messages"] += [said(step.text, called), *map(result, returned)]
                stream = await self._next(body, own=True)

    async def _next(self, body: JSONObject, *, own: bool) -> Stream:
        """Asks the model for the next step.

        Args:
            own: whether this service has added to what the client asked.
        """
        used = sum(call.used for call in self._asked)
        limits = self._settings
        is_last = len(self._asked) + 1 >= limits.agent_max_steps or used >= limits.agent_max_tokens
        asked = body
        if tools := [tool.definition for tool in self._tools.values()]:
            asked = {**body, "tools": tools, "tool_choice": "none" if is_last else "auto"}
        call = Call("chat", self._given.client, asked, feature="chat" if own else None)
        self._is_last = is_last
        self._asked.append(call)
        return await self._meter.stream(call, Relay(include_usage=True))

    async def _use(self, called: Sequence[Called], *, approved: bool = False) -> list[Returned]:
        """Makes the calls, but for those that a person has to approve of."""
        made = [each for each in called if approved or not each.needs_approval]
        runs = [each.use for each in made if isinstance(each.use, ToolRun)]
        await run_together(runs, self._settings.tool_timeout_seconds)
        return [Returned(each.call, outcome(each.use)) for each in made]

    def _read(self, call: ToolCall) -> Called:
        tool = self._tools.get(call.name)
        if tool is None:
            names = ", ".join(self._tools)
            return Called(call, None, failed(f"There is no such tool, only {names}"))
        try:
            arguments = call.parsed() if call.pieces else {}
        except ValueError:
            arguments = None
        if not isinstance(arguments, dict):
            return Called(call, None, failed("The arguments are no JSON object"))
        try:
            return Called(call, arguments, ToolRun(tool, tool.read(arguments), self._given))
        except ValidationError as error:
            return Called(call, arguments, failed(faults(error)))

    @contextmanager
    def _watched(self) -> Generator[None, None, None]:
        """Goes around the whole answer, and says in the log what became of it."""
{%- if 'tracing' in features %}
        span = tracing.begin_step("invoke_agent")
{%- endif %}
        try:
            yield
        finally:
            outcome = outcome_of(sys.exception())
            logger.info("agent_run", steps=len(self._asked), outcome=outcome)
{%- if 'tracing' in features %}
            tracing.finish(span, outcome)
{%- endif %}
