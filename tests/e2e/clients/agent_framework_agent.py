"""Microsoft's Agent Framework with its client for OpenAI, which speaks the Responses API."""

import asyncio
import sys

from agent_framework import Agent
from agent_framework.exceptions import ChatClientInvalidRequestException
from agent_framework.openai import OpenAIChatClient

URL, KEY = sys.argv[1:]
CLIENT = OpenAIChatClient(model="offline-echo", api_key=KEY, base_url=f"{URL}/v1")


def weather(city: str) -> str:
    """Tells the weather in a city."""
    return f"sunny in {city}"


async def main() -> None:
    assert (await Agent(CLIENT).run("hello")).text == "Once upon a time"
    # What follows a first answer has to be sent again: nothing is stored.
    agent = Agent(CLIENT, "Be brief.", tools=[weather], default_options={"store": False})
    session = agent.create_session()
    for wish in ("hello", "more"):
        answer = await agent.run(wish, session=session)
        assert answer.text == "Once upon a time", answer
    for wish in ("call", "speak and call"):
        session = agent.create_session()
        stream = agent.run(wish, stream=True, session=session)
        said = "".join([update.text async for update in stream])
        assert said.endswith("Once upon a time"), said
        assert "sunny in Rome" in str((await stream.get_final_response()).to_dict())
    # What docs/clients.md warns of.
    stream = agent.run("think and call", stream=True, session=agent.create_session())
    try:
        async for _ in stream:
            pass
    except ChatClientInvalidRequestException:
        return
    raise AssertionError("it goes on after thoughts: docs/clients.md says that it does not")


asyncio.run(main())
