"""Answers, for as long as there is someone to read them."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from fastapi import Request, Response
from starlette.types import Receive, Scope

from backend.api.responses import told
from backend.json_text import write_json

CLIENT_LEFT = 499
LEAVING = "backend.leaving"
Result = TypeVar("Result")


async def answer(
    request: Request,
    work: Coroutine[Any, Any, Result],
    respond: Callable[[Result], Response],
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Responds with what `work` returns, if the client is still there."""
    try:
        working = await while_connected(request.scope, request.receive, work)
    except asyncio.CancelledError as error:  # the server stops, and waits no longer
        raise told(error) from error
    if working.cancelled():
        return Response(status_code=CLIENT_LEFT)
    response = respond(working.result())
    response.headers.update(headers or {})
    return response


def json_response(value: dict[str, Any]) -> Response:
    return Response(write_json(value), media_type="application/json")


async def while_connected(
    scope: Scope, receive: Receive, work: Coroutine[Any, Any, Result]
) -> asyncio.Task[Result]:
    """Returns `work` when it has ended; a client that leaves before cancels it."""
    working = asyncio.create_task(work)
    # One listener for a request and the stream that answers it: some servers allow no second.
    leaving = scope.get(LEAVING) or asyncio.create_task(disconnected(receive))
    scope[LEAVING] = leaving
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        working.cancel()
        await asyncio.wait((working,))
    return working


async def disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
