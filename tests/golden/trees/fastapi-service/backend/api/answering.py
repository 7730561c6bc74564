"""Answers, for as long as there is someone to read them."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

from fastapi import Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from backend.json_text import write_json

CLIENT_LEFT = 499
LEAVING = "backend.leaving"
Result = TypeVar("Result")


def answer(value: dict[str, Any], headers: Mapping[str, str]) -> Response:
    return Response(write_json(value), headers=headers, media_type="application/json")


async def while_connected(scope: Scope, receive: Receive, work: Awaitable[Result]) -> Result:
    """Returns what comes of `work`; a client that leaves before cancels it.

    Raises:
        ClientDisconnect: the client has left.
    """
    task, left, working = asyncio.current_task(), False, True

    def listen() -> None:
        # One listener for a request and the stream that answers it: some servers allow no second.
        if LEAVING not in scope:
            scope[LEAVING] = asyncio.create_task(disconnected(receive))
        scope[LEAVING].add_done_callback(leave)

    def leave(_: object) -> None:
        nonlocal left
        if task and working:
            left = True
            task.cancel()

    listening = asyncio.get_running_loop().call_soon(listen)  # what waits for nothing needs none
    try:
        return await work
    except asyncio.CancelledError:
        if not left:
            raise  # the server stops, and waits no longer
        scope[LEAVING].result()  # raises where the client did not leave, but sent too much
        raise ClientDisconnect from None
    finally:
        working = False
        listening.cancel()
        if task and left:
            task.uncancel()


async def disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
