"""A chat completion told as a response, as openai-agents does it: the SDK's objects, one by one."""

import time
from collections.abc import AsyncIterator
from typing import Any

from agents.models.chatcmpl_converter import Converter
from agents.models.chatcmpl_stream_handler import ChatCmplStreamHandler
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from openai import AsyncOpenAI
from openai.types.responses import Response

app = FastAPI()
client = AsyncOpenAI()


@app.post("/v1/responses")
async def respond(body: dict[str, Any]) -> StreamingResponse:
    chunks = await client.chat.completions.create(
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

    async def events() -> AsyncIterator[str]:
        async for event in ChatCmplStreamHandler.handle_stream(response, chunks):
            yield f"event: {event.type}\ndata: {event.model_dump_json()}\n\n"
        yield "data: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")
