"""How requests are read."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.convertors import PathConvertor, register_url_convertor

from backend.api.dependencies import GUARDS
from backend.api.json_body import NO_JSON_TYPE, NOT_JSON, is_json, parse
from backend.errors import RequestTooLarge

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class NonEmptyPath(PathConvertor):
    """Starlette's own also matches nothing at all."""

    regex = ".+"


register_url_convertor("non_empty_path", NonEmptyPath())


class StrictRequest(Request):
    async def json(self) -> Any:
        try:
            return parse(await self.body())
        except ValueError as error:
            raise HTTPException(400, NOT_JSON) from error
        except RequestTooLarge as error:  # FastAPI takes what it does not know for a 400
            raise HTTPException(413, error.message) from error


class StrictRoute(APIRoute):
    """A route that reads its body with `json_body.parse`, and only for those whom it lets in."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        guards = [needed for needed in calls_of(self.dependant) if needed in GUARDS]
        takes_json = self.body_field is not None

        async def handle_strictly(request: Request) -> Response:
            for guard in guards:
                await guard(request)
            if takes_json and not is_json(request.headers.get("content-type")):
                raise HTTPException(415, NO_JSON_TYPE)
            return await handle(StrictRequest(request.scope, request.receive))

        return handle_strictly


def calls_of(dependant: Dependant) -> Iterator[Callable[..., Any] | None]:
    for needed in dependant.dependencies:
        yield needed.call
        yield from calls_of(needed)
