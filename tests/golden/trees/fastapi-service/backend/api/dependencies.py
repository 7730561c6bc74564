"""What the routes need, taken from the request."""

from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from backend.api_keys import KeyRing
from backend.chat.service import ChatService
from backend.errors import Unauthorized


async def chat_service(request: Request) -> ChatService:
    return cast("ChatService", request.app.state.chat)


async def require_key(request: Request) -> None:
    """Lets only clients with a key in; with no key configured, everyone."""
    keys = cast("KeyRing", request.app.state.keys)
    if keys and keys.owner(request.headers.get("authorization")) is None:
        raise Unauthorized("Missing or unknown API key", code="invalid_api_key")


Chat = Annotated[ChatService, Depends(chat_service)]
# HTTPBearer only tells the API document that there is a key; `require_key` checks it.
KeyRequired = [Depends(HTTPBearer(auto_error=False)), Depends(require_key)]
