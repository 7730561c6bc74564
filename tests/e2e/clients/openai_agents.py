"""OpenAI's Agents SDK with its default model, which speaks the Responses API."""

import asyncio
import sys

from agents import Agent, Runner, function_tool, set_default_openai_client, set_tracing_disabled
from openai import AsyncOpenAI

URL, KEY = sys.argv[1:]


@function_tool
def weather(city: str) -> str:
    """Tells the weather in a city."""
    return f"sunny in {city}"


async def main() -> None:
    set_default_openai_client(AsyncOpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0))
    set_tracing_disabled(True)
    agent = Agent("helper", instructions="Be brief.", tools=[weather], model="offline-echo")
    first = await Runner.run(agent, "hello")
    assert first.final_output == "Once upon a time"
    second = await Runner.run(agent, [*first.to_input_list(), {"role": "user", "content": "more"}])
    assert second.final_output == "Once upon a time"
    for wish in ("call", "think and call", "speak and call"):
        stream = Runner.run_streamed(agent, wish)
        async for _ in stream.stream_events():
            pass
        assert stream.final_output == "Once upon a time"
        results = [item for item in stream.new_items if item.type == "tool_call_output_item"]
        assert [result.output for result in results] == ["sunny in Rome"]


asyncio.run(main())
