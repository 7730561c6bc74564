"""Plain answers, for as long as there is someone to read them."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse

CLIENT_LEFT = 499


async def answer(request: Request, work: Coroutine[Any, Any, dict[str, Any]]) -> Response:
    """Answers with what `work` returns; a client that leaves before cancels it."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(disconnected(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return JSONResponse(working.result())
        return Response(status_code=CLIENT_LEFT)
    finally:
        working.cancel()
        leaving.cancel()


async def disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
