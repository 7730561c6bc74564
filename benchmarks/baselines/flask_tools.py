"""A chat with a tool, as pydantic-ai does it: its agent, and its adapter for `useChat`."""

import asyncio
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, request
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.ui.vercel_ai import VercelAIAdapter

app = Flask(__name__)


def look_up(number: int) -> dict[str, Any]:
    """Looks up an order."""
    return {"number": number, "state": "on its way"}


@app.post("/api/chat")
def chat() -> Response:
    return Response(told(request.get_data()), mimetype="text/event-stream")


def told(body: bytes) -> Iterator[str]:
    """Runs the agent, which only waits by asyncio, on a loop of the request's own."""
    with asyncio.Runner() as runner:
        # The client of a model belongs to the loop that it was first asked on.
        agent = Agent(OpenAIChatModel("bench"), tools=[look_up])
        run_input = VercelAIAdapter.build_run_input(body)
        adapter = VercelAIAdapter(agent=agent, run_input=run_input, sdk_version=6)
        events = adapter.encode_stream(adapter.run_stream())

        async def following() -> str | None:
            return await anext(events, None)

        while (event := runner.run(following())) is not None:
            yield event
