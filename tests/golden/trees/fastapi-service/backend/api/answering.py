"""Answers, for as long as there is someone to read them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Request, Response

CLIENT_LEFT = 499
Result = TypeVar("Result")


async def answer(
    request: Request, work: Coroutine[Any, Any, Result], respond: Callable[[Result], Response]
) -> Response:
    """Responds with what `work` returns; a client that leaves before cancels it."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(disconnected(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return respond(working.result())
        return Response(status_code=CLIENT_LEFT)
    finally:
        working.cancel()
        leaving.cancel()


async def disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
