"""How requests are read."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from starlette.convertors import PathConvertor, register_url_convertor

from backend.api.json_body import NOT_JSON, parse

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class NonEmptyPath(PathConvertor):
    """As Flask's `path`; Starlette's own also matches nothing at all."""

    regex = "[^/].*"


register_url_convertor("non_empty_path", NonEmptyPath())


class StrictRequest(Request):
    async def json(self) -> Any:
        try:
            return parse(await self.body())
        except ValueError as error:
            raise HTTPException(400, NOT_JSON) from error


class StrictRoute(APIRoute):
    """A route that reads its body with `json_body.parse`."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return handle_strictly
