"""A chat completion told as a response, as openai-agents does it: the SDK's objects, one by one."""

import time
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from agents.models.chatcmpl_converter import Converter
from agents.models.chatcmpl_stream_handler import ChatCmplStreamHandler
from flask import Flask, request
from flask import Response as Answer
from openai import OpenAI
from openai.types.responses import Response

app = Flask(__name__)
client = OpenAI()


@app.post("/v1/responses")
def respond() -> Answer:
    body = request.json
    chunks = client.chat.completions.create(
        model=body["model"],
        messages=Converter.items_to_messages(body["input"]),
        stream=True,
        stream_options={"include_usage": True},
    )
    response = Response(
        id="resp_1",
        created_at=time.time(),
        model=body["model"],
        object="response",
        output=[],
        tool_choice="auto",
        tools=[],
        parallel_tool_calls=True,
    )

    def events() -> Iterator[str]:
        for event in at_once(ChatCmplStreamHandler.handle_stream(response, arriving(chunks))):
            yield f"event: {event.type}\ndata: {event.model_dump_json()}\n\n"
        yield "data: [DONE]\n\n"

    return Answer(events(), mimetype="text/event-stream")


async def arriving(chunks: Iterable[Any]) -> AsyncIterator[Any]:
    for chunk in chunks:
        yield chunk


def at_once(told: AsyncIterator[Any]) -> Iterator[Any]:
    """Yields what waits for nothing: without a loop, which would cost this side more."""
    while True:
        try:
            told.__anext__().__await__().send(None)
        except StopIteration as found:
            yield found.value
        except StopAsyncIteration:
            return
