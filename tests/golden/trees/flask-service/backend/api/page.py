"""The chat page, at the path where all but browsers are greeted."""

import functools
from collections.abc import Callable

from flask import Response, request

from backend.api.dependencies import services
from backend.pages import CHAT, HEADERS, wants_page


def shown_to_browsers(view: Callable[[], Response]) -> Callable[[], Response]:
    """Shows browsers the page instead, where it is to be served."""

    @functools.wraps(view)
    def show_or_view() -> Response:
        if not services().settings.page:
            return view()
        if wants_page(request.headers.get("accept", "")):
            response = Response(CHAT, headers=HEADERS, mimetype="text/html")
        else:
            response = view()
        response.vary.add("Accept")
        return response

    return show_or_view
