"""Answers clients' requests with what was said before, and keeps what is said now."""

import copy
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress

from backend.ai.call import Call
from backend.ai.conversations import Conversations
from backend.ai.events import Event
from backend.ai.metering import Meter
from backend.ai.provider import begun
from backend.ai.relay import Relay
from backend.database import Database
from backend.errors import AppError, InvalidRequest, NotFound, Unavailable
{%- if 'tools' not in features %}
from backend.gateway.chats import ChatTurn, KeptMessage
{%- endif %}
from backend.gateway.policy import admit_chat{{ ', admit_page' if 'tools' not in features else '' }}
from backend.gateway.responses.events import ResponseStream, whole
from backend.gateway.responses.passed import ENDS, PassedStream, ResponseRelay
from backend.gateway.responses.request import ResponseRequest, named_as_sent, to_chat
from backend.gateway.responses.schemas import kind_of_item
{%- if 'tools' not in features %}
from backend.gateway.schemas import UIChatRequest
{%- endif %}
from backend.gateway.service import Answer, ChatService
from backend.gateway.views import (
    answers_to_keep,
    as_items,
    fitting,
    item_to_keep,
    said,
    tied,
    unnamed,
)
from backend.json_text import JSONObject, read_json, write_json
from backend.settings import Settings
from backend.tables import new_id

LEFT = Unavailable("The answer was cut off")


class RememberingService(ChatService):
    def __init__(self, meter: Meter, settings: Settings, database: Database) -> None:
        super().__init__(meter, settings)
        self._database = database

    async def respond(self, request: ResponseRequest, client: str) -> JSONObject:
        turn = ResponseTurn(request, self._of(client))
        with turn.named_as_sent():
            call = await self._asked(turn, client)
            await turn.begin()
            try:
                told = await self._meter.complete(call)
                answer = told if self._settings.passes_responses else whole(request, told)
                answer |= turn.echo
                await turn.keep(answer)
            except BaseException:
                await turn.forget()
                raise
            return answer

    async def stream_response(self, request: ResponseRequest, client: str) -> Answer:
        turn, passes = ResponseTurn(request, self._of(client)), self._settings.passes_responses
        with turn.named_as_sent():
            call = await self._asked(turn, client)
            await turn.begin()
            relay = ResponseRelay() if passes else Relay(include_usage=True)
            try:
                chunks = await self._meter.stream(call, relay)
                telling = KeptPassed(turn) if passes else KeptResponse(request, turn)
                return await begun(telling.kept(chunks)), telling
            except BaseException:
                await turn.forget()
                raise
{%- if 'tools' not in features %}

    async def stream_ui(self, request: UIChatRequest, client: str, system: str) -> Answer:
        turn = ChatTurn(request, self._of(client))
        body = admit_page(await turn.asked(self._settings), self._settings, system)
        call = Call("chat", client, body)
        chunks = await self._meter.stream(call, Relay(include_usage=True))
        telling = KeptMessage(turn)
        return await begun(telling.kept(chunks)), telling
{%- endif %}

    async def _asked(self, turn: "ResponseTurn", client: str) -> Call:
        """Returns what the model is asked, in the form that it takes."""
        request = await turn.with_context(self._settings.max_messages)
        if self._settings.passes_responses:
            return self._passed(request, client)
        chat = to_chat(request, self._settings)
        return Call("chat", client, admit_chat(chat, self._settings))

    def _of(self, client: str) -> Conversations:
        return Conversations(self._database, self._settings.history_days, client)


def is_reference(sent: JSONObject) -> bool:
    return kind_of_item(sent) == "item_reference"


class ResponseTurn:
    """A request for a response: what was said before it, and what is kept of it."""

    def __init__(self, request: ResponseRequest, conversations: Conversations) -> None:
        self._id = new_id("resp")
        self.echo: JSONObject = {
            "previous_response_id": request.previous_response_id,
            "store": request.store is not False,
        }
        if request.conversation is not None:
            self.echo["conversation"] = {"id": request.conversation}
        if self._is_kept:
            self.echo["id"] = self._id
        self._request = request
        self._conversations = conversations
        self._items: list[JSONObject] = []
        self._recalled = 0

    async def with_context(self, most: int) -> ResponseRequest:
        """Returns the request with all that it refers to."""
        found = await self._referred()
        before = await self._said_before(most)
        asked: list[JSONObject] = []
        for sent in self._request.items:
            if is_reference(sent):
                known = [found[sent["id"]]] if sent["id"] in found else []
                self._items += known
                asked += as_items(known)
            else:
                self._items.append(item_to_keep(sent))
                asked.append(sent)
        refers = (self._request.conversation, self._request.previous_response_id) != (None, None)
        if not refers and asked == self._request.items:
            return self._request
        room = most - len(asked) - bool(self._request.instructions)
        recalled = [*unnamed(tied(as_items(fitting(before, room))))]
        self._recalled = len(recalled)
        return self._request.following([*recalled, *unnamed(asked)])

    async def _said_before(self, most: int) -> Sequence[JSONObject]:
        if self._request.conversation is not None:
            return await self._conversations.recall(self._request.conversation, most)
        if self._request.previous_response_id is not None:
            previous = self._request.previous_response_id
            return await self._conversations.recall_response(previous, most)
        return ()

    async def _referred(self) -> dict[str, JSONObject]:
        names = {sent["id"] for sent in self._request.items if is_reference(sent)}
        found = await self._conversations.referred(names) if names else {}
        for name in names - found.keys():
            if not name.startswith("rs_"):  # which no model takes back
                raise NotFound(f"There is no item {name[:64]!r}", param="input")
        return found

    @contextmanager
    def named_as_sent(self) -> Iterator[None]:
        """Gives an error the name of what the client sent, of which the first item is the first."""
        try:
            with named_as_sent():
                yield
        except InvalidRequest as error:
            if found := re.match(r"input\[(\d+)\]: ", error.message):
                place = int(found[1]) - self._recalled
                named = f"input[{place}]" if place >= 0 else "input"
                error.message = f"{named}: {error.message[found.end() :]}"
            raise

    async def begin(self) -> None:
        if self._is_kept:
            try:
                await self._conversations.begin(
                    self._id,
                    self._items,
                    conversation=self._request.conversation,
                    previous=self._request.previous_response_id,
                )
            except Unavailable:
                if self._request.store or "conversation" in self.echo:
                    raise
                self.echo["store"] = False  # nobody has asked for it
            except BaseException:  # the client has left meanwhile
                await self.forget()
                raise

    async def keep(self, response: JSONObject) -> None:
        if self._is_kept:
            stored = {name: value for name, value in response.items() if name != "output"}
            await self._conversations.finish(
                self._id, answers_to_keep(response), stored if self.echo["store"] else None
            )

    async def keep_cut(self, response: JSONObject) -> None:
        """Keeps as much as was answered, where that is anything."""
        if response["output"]:
            await self.keep(response)
        else:
            await self.forget()

    async def forget(self) -> None:
        """Leaves no question without an answer, which a client asks again."""
        if self._is_kept:
            with suppress(Unavailable):
                await self._conversations.forget(self._id)

    @property
    def _is_kept(self) -> bool:
        return self.echo["store"] or "conversation" in self.echo


class KeptResponse(ResponseStream):
    """Tells of a response that is kept."""

    def __init__(self, request: ResponseRequest, turn: ResponseTurn) -> None:
        super().__init__(request)
        self._response.json |= turn.echo
        self._turn = turn
        self._last: list[Event] = []

    async def kept(self, answer: AsyncIterator[Sequence[str]]) -> AsyncIterator[Sequence[str]]:
        try:
            yield []
            async for chunks in answer:
                yield chunks
            self._last = [*super().closing()]
        except BaseException:
            with suppress(AppError):
                await self._turn.keep_cut(self._cut())
            raise
        await self._turn.keep(self._response.json)

    def closing(self) -> Iterator[Event]:
        yield from self._last

    def _cut(self) -> JSONObject:
        response = copy.deepcopy(self._response)
        for _ in response.fail(LEFT):
            pass
        return response.json


class KeptPassed(PassedStream):
    """Tells of a response that is kept, and that the model's own provider makes."""

    def __init__(self, turn: ResponseTurn) -> None:
        super().__init__()
        self._turn = turn
        self._told: JSONObject = {}
        self._items: dict[object, JSONObject] = {}

    async def kept(self, answer: AsyncIterator[Sequence[str]]) -> AsyncIterator[Sequence[str]]:
        ended = False
        try:
            yield []
            async for chunks in answer:
                events = [self._taken(read_json(chunk)) for chunk in chunks]
                if any(told["type"] in ENDS for told in events):
                    ended = True  # what is begun is kept, whoever leaves meanwhile
                    await self._turn.keep(self._told)
                yield [write_json(told) for told in events]
        except BaseException:
            if not ended:
                with suppress(AppError):
                    await self._turn.keep_cut(self._cut())
            raise

    def _taken(self, told: JSONObject) -> JSONObject:
        match told:
            case {"response": dict(response)}:
                response |= self._turn.echo
                self._told = response
            case {"output_index": place, "item": dict(item)}:
                self._items[place] = {**item}
            case {"output_index": place, "type": "response.output_text.delta", "delta": str(text)}:
                item = self._items.setdefault(place, {"type": "message", "role": "assistant"})
                item["text"] = item.get("text", "") + text
        return told

    def _cut(self) -> JSONObject:
        output = []
        for item in self._items.values():
            text = item.pop("text", "")
            if item.get("status") != "completed":
                item["status"] = "incomplete"
                if item["type"] == "message":
                    if not text:
                        continue
                    item["content"] = [said(text)]
            output.append(item)
        failed = {"status": "failed", "error": {"code": "server_error", "message": LEFT.message}}
        return {**self._told, **failed, "output": output}
