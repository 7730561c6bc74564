"""How requests are read."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.requests import ClientDisconnect

from backend.api.answering import CLIENT_LEFT, while_connected
from backend.api.dependencies import GUARDS
from backend.api.json_body import {{ 'NO_FORM_TYPE, ' if 'documents' in features else '' }}NO_JSON_TYPE, NOT_JSON, {{ 'is_form, ' if 'documents' in features else '' }}is_json, parse
from backend.api.responses import told
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
    """A route that reads its body with `json_body.parse`, and only for those whom it lets in.

    A client that leaves cancels what it does.
    """
{%- if 'documents' in features %}

    takes_form = False
{%- endif %}

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        needed = set(calls_of(self.dependant))
        guards = [guard for guard in GUARDS if guard in needed]

        async def handle_strictly(request: Request) -> Response:
            for guard in guards:
                await guard(request)
            if self.body_field and not is_json(request.headers.get("content-type")):
                raise HTTPException(415, NO_JSON_TYPE)
{%- if 'documents' in features %}
            if self.takes_form and not is_form(request.headers.get("content-type")):
                raise HTTPException(415, NO_FORM_TYPE)
{%- endif %}
            strict = StrictRequest(request.scope, request.receive)
            try:
                if self.body_field{{ ' or self.takes_form' if 'documents' in features else '' }}:
                    await strict.body()  # what is received from now on is that the client has left
                return await while_connected(request.scope, request.receive, handle(strict))
            except ClientDisconnect:
                return Response(status_code=CLIENT_LEFT)
            except asyncio.CancelledError as error:
                raise told(error) from error

        return handle_strictly
{%- if 'documents' in features %}


class FormRoute(StrictRoute):
    """A route whose handler reads a form."""

    takes_form = True
{%- endif %}


def calls_of(dependant: Dependant) -> Iterator[Callable[..., Any] | None]:
    for needed in dependant.dependencies:
        yield needed.call
        yield from calls_of(needed)
