"""Pydantic AI with its model for OpenAI, which speaks the Responses API."""

import asyncio
import sys

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

URL, KEY = sys.argv[1:]
MODEL = OpenAIResponsesModel(
    "offline-echo", provider=OpenAIProvider(base_url=f"{URL}/v1", api_key=KEY)
)


def weather(city: str) -> str:
    """Tells the weather in a city."""
    return f"sunny in {city}"


async def main() -> None:
    agent = Agent(MODEL, instructions="Be brief.", tools=[weather])
    first = await agent.run("hello")
    assert first.output == "Once upon a time"
    second = await agent.run("more", message_history=first.all_messages())
    assert second.output == "Once upon a time"
    for wish in ("call", "think and call", "speak and call"):
        async with agent.run_stream_events(wish) as events:
            *_, last = [event async for event in events]
        assert last.result.output == "Once upon a time"
        assert "sunny in Rome" in str(last.result.all_messages())


asyncio.run(main())
