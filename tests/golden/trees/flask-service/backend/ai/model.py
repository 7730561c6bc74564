"""The model, as the features of this service ask it."""

from collections.abc import Iterator, Sequence
from typing import Unpack

import structlog
from pydantic import ValidationError

from backend.ai.answers import Answer, Said, Vector, faults, typed, vectors
from backend.ai.call import Call
from backend.ai.metering import Meter
from backend.ai.pieces import ToolCall
from backend.ai.provider import Stream
from backend.ai.questions import (
    Asked,
    Options,
    Tool,
    asked_again,
    in_form_of,
    question,
    streamed,
)
from backend.ai.relay import Relay
from backend.errors import AnswerMalformed
from backend.json_text import JSONObject, read_json
from backend.settings import Settings

TRIES = 2  # at an answer of the form that is asked for
logger = structlog.get_logger(__name__)


class Model:
    """Asks for one client, from whose tokens the answers are paid.

    Each question takes an `operation`, the feature's name: so it is called in the log and in
    `GET /v1/usage`. `asked` is a text, or a conversation, which may hold images.

    Raises:
        AnswerRefused: by the model, or by its provider's filter.
        AnswerCutOff: it reached `max_tokens`.
        AnswerMalformed: it has another form than was asked for, twice.
        UpstreamFailed: there is none, whatever the reason; each of the above is one of these.
        RateLimited: the client's tokens are used up, or the model is busy.
    """

    def __init__(self, meter: Meter, settings: Settings, client: str) -> None:
        self._meter = meter
        self._settings = settings
        self._client = client

    def answer(
        self,
        system: str,
        asked: Asked,
        returns: type[Answer],
        *,
        operation: str,
        **options: Unpack[Options],
    ) -> Answer:
        """Returns an answer of the form that is asked for; the model has two tries."""
        body = in_form_of(returns, question(system, asked, options, self._settings), self._settings)
        for _ in range(TRIES):
            said = self._complete(operation, body)
            try:
                return typed(said, returns)
            except ValidationError as error:
                wrong = faults(error)
                kinds = sorted({fault["type"] for fault in wrong})
                logger.warning("answer_malformed", operation=operation, faults=kinds)
                body = asked_again(body, said, wrong)
        raise AnswerMalformed("The model's answer has not the form that was asked for")

    def stream(
        self, system: str, asked: Asked, *, operation: str, **options: Unpack[Options]
    ) -> Iterator[str]:
        """Returns the text in pieces, as it is written, once the model has begun."""
        pieces = self.step(system, asked, (), operation=operation, **options)
        return (piece for piece in pieces if isinstance(piece, str))

    def step(
        self,
        system: str,
        asked: Asked,
        tools: Sequence[Tool],
        *,
        operation: str,
        **options: Unpack[Options],
    ) -> Iterator[str | ToolCall]:
        """Returns the same where the model may call tools: those that it calls come last."""
        body = streamed(question(system, asked, options, self._settings), tools, self._settings)
        call = Call("chat", self._client, body, feature=operation)
        return self._pieces(self._meter.stream(call, Relay(include_usage=True)))

    def embed(
        self, texts: Sequence[str], *, operation: str, model: str | None = None
    ) -> list[Vector]:
        """Returns a vector for each text."""
        body = {"model": model or self._settings.embedding_model, "input": list(texts)}
        call = Call("embeddings", self._client, body, feature=operation)
        return vectors(self._meter.embed(call), len(texts))

    def _complete(self, operation: str, body: JSONObject) -> str:
        said = Said()
        said.add(self._meter.complete(Call("chat", self._client, body, feature=operation)))
        said.finish()
        return said.text

    def _pieces(self, stream: Stream) -> Iterator[str | ToolCall]:
        said = Said()
        for events in stream:
            for event in events:
                if text := said.add(read_json(event)):
                    yield text
        yield from said.finish()
