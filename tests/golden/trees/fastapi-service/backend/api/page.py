"""The chat page, at the path where all but browsers are greeted."""

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from backend.api.dependencies import services
from backend.api.routing import Handler, StrictRoute
from backend.pages import CHAT, HEADERS, wants_page


class PageRoute(StrictRoute):
    """A route that shows browsers the page instead, where it is to be served."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def show_or_handle(request: Request) -> Response:
            if not (await services(request)).settings.page:
                return await handle(request)
            if wants_page(",".join(request.headers.getlist("accept"))):
                response: Response = HTMLResponse(CHAT, headers=HEADERS)
            else:
                response = await handle(request)
            response.headers.add_vary_header("Accept")
            return response

        return show_or_handle
