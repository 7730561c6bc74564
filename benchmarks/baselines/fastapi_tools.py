"""A chat with a tool, as pydantic-ai does it: its agent, and its adapter for `useChat`."""

from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.ui.vercel_ai import VercelAIAdapter

app = FastAPI()
agent = Agent(OpenAIChatModel("bench"))


@agent.tool_plain
async def look_up(number: int) -> dict[str, Any]:
    """Looks up an order."""
    return {"number": number, "state": "on its way"}


@app.post("/api/chat")
async def chat(request: Request) -> Response:
    return await VercelAIAdapter.dispatch_request(request, agent=agent, sdk_version=6)
