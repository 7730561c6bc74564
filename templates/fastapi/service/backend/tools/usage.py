"""What the user has left of this service: a tool that reads."""

from typing import Literal, TypedDict

from backend.ai.tools import Client
from backend.limits import Limits


class Left(TypedDict):
    limit: int
    remaining: int
    resets_at: int | None  # seconds since 1970


async def show_usage(of: Literal["tokens", "requests"], client: Client, limits: Limits) -> Left:
    """Shows how many tokens the user has left today, or how many requests this minute."""
    requests, tokens = await limits.spent(client)
    spent = tokens if of == "tokens" else requests
    return Left(limit=spent.limit, remaining=spent.remaining, resets_at=spent.resets_at)
