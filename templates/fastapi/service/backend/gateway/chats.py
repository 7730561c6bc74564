{% set stream = 'AgentMessageStream' if 'tools' in features else 'UIMessageStream' -%}
{% set answer = 'Events' if 'tools' in features else 'AsyncIterator[Sequence[str]]' -%}
"""A page's chat that is kept: what was said in it before, and what is said now."""

{% if 'tools' in features -%}
from collections.abc import Iterator, Sequence
{%- else -%}
from collections.abc import AsyncIterator, Iterator, Sequence
{%- endif %}
from contextlib import suppress

{% if 'tools' in features -%}
from backend.ai.agent import Events
{% endif -%}
from backend.ai.conversations import Conversations
from backend.ai.events import DONE, Event
{%- if 'tools' in features %}
from backend.ai.pieces import ToolCall
from backend.ai.steps import AgentEvent
from backend.errors import AppError, InvalidRequest
from backend.gateway.approvals import decided, ended, new_approval
from backend.gateway.decisions import decisions
{%- else %}
from backend.errors import AppError
{%- endif %}
from backend.gateway.schemas import ChatCompletionRequest, UIChatRequest
from backend.gateway.shown import Shown
from backend.gateway.{{ 'ui_agent' if 'tools' in features else 'ui_answer' }} import {{ stream }}
from backend.gateway.ui_messages import answer_id, to_chat
from backend.gateway.views import as_messages, fitting, message_as_items, message_to_keep
from backend.json_text import JSONObject
from backend.settings import Settings
from backend.tables import new_id


class ChatTurn:
    """A message of a page, and its answer."""

    def __init__(self, request: UIChatRequest, conversations: Conversations) -> None:
        self.answer_id = answer_id(request) or new_id("msg")
        self.parts: list[JSONObject] = []
{%- if 'tools' in features %}
        self.decisions = decisions(request.messages[-1])
{%- endif %}
        self._id = ""
        self._request = request
        self._conversations = conversations

    async def asked(self, settings: Settings) -> ChatCompletionRequest:
        """Keeps the message, and returns what the model is asked; only a chat with an id is kept.

        Raises:
            UnprocessableRequest: the message has nothing for the model, or what it cannot take.
{%- if 'tools' in features %}
            InvalidRequest: what is approved was not asked for.
            Conflict: it was approved before, or too late, or not everything was decided.
{%- endif %}
        """
        request = self._request
        if request.id is None:
{%- if 'tools' in features %}
            if self.approved:
                message = "Only in a chat with an id can calls be approved"
                raise InvalidRequest(message, param="id", code="unknown_approval")
{%- endif %}
            return to_chat(request, settings.llm_files)
        if request.messages[-1].role != "assistant":
            to_chat(request, settings.llm_files)  # or it is refused, and not kept
        messages = await self._begin(request.id, settings.max_messages)
        request = UIChatRequest.model_validate({"messages": messages})
        return to_chat(request, settings.llm_files)

    async def keep(self, parts: Sequence[JSONObject]) -> None:
        if self._id and any(part["type"] != "step-start" for part in parts):
            message = {"id": self.answer_id, "role": "assistant", "parts": list(parts)}
            await self._conversations.finish(self._id, [message], again=bool(self.parts))
{%- if 'tools' in features %}

    @property
    def approved(self) -> list[ToolCall]:
        return [each.call for each in self.decisions if each.approved]

    @property
    def denied(self) -> list[str]:
        return [each.call.id for each in self.decisions if not each.approved]
{%- endif %}

    async def _begin(self, chat: str, most: int) -> list[JSONObject]:
        """Returns what was said in the chat, as far as the model may be told so many messages."""
        sent = [message_to_keep(message) for message in self._request.messages]
        newest = sent[-1]
        if newest["role"] == "assistant":
            more = self._conversations.ask_more(chat, self.answer_id, most, self._go_on)
            self._id, before = await more
            *before, going_on = as_messages(before)
            self.parts = {{ 'going_on["parts"]' if 'tools' in features else 'with_outputs(going_on["parts"], newest["parts"])' }}
            return ending_with({**going_on, "parts": self.parts}, before, most)
        self._id = new_id("turn")
        is_list = self._request.messages != [self._request.message]
        before = await self._conversations.ask(chat, self._id, sent, is_list=is_list, most=most)
        return ending_with(newest, as_messages(before), most)

    def _go_on(self, answer: JSONObject) -> JSONObject:
{%- if 'tools' in features %}
        """Returns an answer that is kept, with what was decided about its calls."""
        parts = decided(answer.get("parts", ()), self.decisions)
{%- else %}
        """Returns an answer that is kept, with what came of the calls that the page has made."""
        sent = message_to_keep(self._request.messages[-1])
        parts = with_outputs(answer.get("parts", ()), sent["parts"])
{%- endif %}
        return {**answer, "parts": parts} if parts else answer


class KeptMessage({{ stream }}):
    """Tells a page of an answer that is kept."""

    def __init__(self, turn: ChatTurn) -> None:
        super().__init__(turn.answer_id{{ ', turn.denied, new_approval' if 'tools' in features else '' }})
        self._turn = turn
        self._shown = Shown(turn.parts)
        self._last: list[Event] = []

    def opening(self) -> Iterator[Event]:
        yield from self._taken(super().opening())

    def events(self, {{ 'event: AgentEvent' if 'tools' in features else 'chunk: str' }}) -> Iterator[Event]:
        yield from self._taken(super().events({{ 'event' if 'tools' in features else 'chunk' }}))

    def closing(self) -> Iterator[Event]:
        yield from self._last

    async def kept(self, answer: {{ answer }}) -> {{ answer }}:
        try:
            yield []
            async for chunks in answer:
                yield chunks
            self._last = [*self._taken(super().closing())]
        except BaseException:
            with suppress(AppError):
                await self._turn.keep({{ 'ended(self._shown.parts)' if 'tools' in features else 'self._shown.parts' }})
            raise
        await self._turn.keep(self._shown.parts)

    def _taken(self, told: Iterator[Event]) -> Iterator[Event]:
        for event in told:
            if event.data != DONE:
                self._shown.take(event.data)
            yield event


def ending_with(newest: JSONObject, before: Sequence[JSONObject], most: int) -> list[JSONObject]:
    return [*fitting(before, most - len(message_as_items(newest))), newest]

{%- if 'tools' not in features %}


def with_outputs(kept: Sequence[JSONObject], sent: Sequence[JSONObject]) -> list[JSONObject]:
    """Returns the parts of an answer, with what came of the calls that the page has made."""
    given = {part["toolCallId"]: part for part in sent if "toolCallId" in part}
    parts = []
    for part in kept:
        match given.get(part.get("toolCallId")), part:
            case {"state": "output-available", "output": output}, {"state": "input-available"}:
                part = {**part, "state": "output-available", "output": output}
            case {"state": "output-error", "errorText": str(text)}, {"state": "input-available"}:
                part = {**part, "state": "output-error", "errorText": text}
        parts.append(part)
    return parts
{%- endif %}
