"""What is kept for a client: OpenAI's conversations and responses, and the chats of its pages."""

from fastapi import APIRouter, Response

{% if docs -%}
from backend.api import documented
{% endif -%}
from backend.api.answering import answer
from backend.api.dependencies import ClientDep, ConversationsDep
from backend.api.routing import StrictRoute
from backend.gateway.conversation_schemas import (
    Chat,
    ChatList,
    ConversationObject,
    Deleted,
    Limit,
    NewConversation,
    NewItems,
    NewMetadata,
    NewTitle,
    Order,
    chat,
    checked,
    listed,
    the_one,
)
from backend.gateway.schemas import Id
from backend.gateway.views import as_items, as_messages, item_to_keep

MOST_SHOWN = 1000  # of a chat's messages, the last
router = APIRouter(route_class=StrictRoute{{ ', tags=["history"]' if docs }})
{%- macro responses(name) %}{{ ', responses=documented.' ~ name if docs }}{% endmacro %}


@router.get("/api/chats"{{ responses('KEPT') }})
async def list_chats(
    conversations: ConversationsDep, after: Id | None = None, limit: Limit = 20
) -> ChatList:
    """Lists the chats of a page, of which the last used is the first."""
    found = await conversations.recent(after, limit + 1)
    return ChatList(data=[chat(each) for each in found[:limit]], has_more=len(found) > limit)


@router.get("/api/chats/{chat_id:non_empty_path}"{{ responses('ANY') }})
async def show_chat(chat_id: Id, conversations: ConversationsDep) -> Response:
    """Shows a chat with its messages, as `useChat` takes them."""
    found = chat(await conversations.find(chat_id)).model_dump()
    said = await conversations.recall(chat_id, MOST_SHOWN)
    return answer({**found, "messages": as_messages(said)}, {})


@router.patch("/api/chats/{chat_id:non_empty_path}"{{ responses('KEEPING') }})
async def rename_chat(chat_id: Id, body: NewTitle, conversations: ConversationsDep) -> Chat:
    notes = (await conversations.find(chat_id))["metadata"]
    return chat(await conversations.rename(chat_id, {**notes, "title": body.title}))


@router.delete("/api/chats/{chat_id:non_empty_path}"{{ responses('KEPT') }})
async def delete_chat(chat_id: Id, conversations: ConversationsDep) -> Deleted:
    await conversations.delete(chat_id)
    return Deleted(id=chat_id, object="chat.deleted")


@router.post("/v1/conversations"{{ responses('KEEPING') }})
async def create_conversation(
    body: NewConversation, conversations: ConversationsDep
) -> ConversationObject:
    """Begins a conversation, perhaps with what was said elsewhere, as in OpenAI's API."""
    items = [item_to_keep(item) for item in checked(body.items)]
    made = await conversations.create(body.metadata or {}, items)
    return ConversationObject.model_validate(made)


@router.get("/v1/conversations/{conversation_id}"{{ responses('KEPT') }})
async def show_conversation(
    conversation_id: Id, conversations: ConversationsDep
) -> ConversationObject:
    return ConversationObject.model_validate(await conversations.find(conversation_id))


@router.post("/v1/conversations/{conversation_id}"{{ responses('KEEPING') }})
async def change_conversation(
    conversation_id: Id, body: NewMetadata, conversations: ConversationsDep
) -> ConversationObject:
    """Gives it other metadata."""
    changed = await conversations.rename(conversation_id, body.metadata or {})
    return ConversationObject.model_validate(changed)


@router.delete("/v1/conversations/{conversation_id}"{{ responses('KEPT') }})
async def delete_conversation(conversation_id: Id, conversations: ConversationsDep) -> Deleted:
    """Deletes it with all that was said in it."""
    await conversations.delete(conversation_id)
    return Deleted(id=conversation_id, object="conversation.deleted")


@router.get("/v1/conversations/{conversation_id}/items"{{ responses('ITEMS') }})
async def list_items(
    conversation_id: Id,
    conversations: ConversationsDep,
    after: Id | None = None,
    limit: Limit = 20,
    order: Order = "desc",
) -> Response:
    """Shows what was said."""
    newest = order == "desc"
    found = await conversations.items(conversation_id, start=after, most=limit + 2, newest=newest)
    return answer(listed(as_items(found, newest=newest), after, limit), {})


@router.post("/v1/conversations/{conversation_id}/items"{{ responses('ITEMS') }})
async def add_items(
    conversation_id: Id, body: NewItems, conversations: ConversationsDep
) -> Response:
    """Adds what was said elsewhere."""
    items = [item_to_keep(item) for item in checked(body.items)]
    await conversations.add(conversation_id, items)
    return answer(listed(items, None, len(items)), {})


@router.get("/v1/conversations/{conversation_id}/items/{item_id}"{{ responses('ANY') }})
async def show_item(conversation_id: Id, item_id: Id, conversations: ConversationsDep) -> Response:
    found = await conversations.items(conversation_id, start=item_id, most=1, newest=False)
    return answer(the_one(as_items(found), item_id), {})


@router.delete("/v1/conversations/{conversation_id}/items/{item_id}"{{ responses('KEPT') }})
async def delete_item(
    conversation_id: Id, item_id: Id, conversations: ConversationsDep
) -> ConversationObject:
    changed = await conversations.delete_item(conversation_id, item_id)
    return ConversationObject.model_validate(changed)


@router.get("/v1/responses/{response_id}"{{ responses('ANY') }})
async def show_response(response_id: Id, conversations: ConversationsDep) -> Response:
    return answer(await conversations.response(response_id), {})


@router.delete("/v1/responses/{response_id}"{{ responses('KEPT') }})
async def delete_response(response_id: Id, conversations: ConversationsDep) -> Deleted:
    """Deletes it with what it answers."""
    await conversations.delete_response(response_id)
    return Deleted(id=response_id, object="response")


@router.get("/v1/responses/{response_id}/input_items"{{ responses('ITEMS') }})
async def list_input_items(
    response_id: Id,
    conversations: ConversationsDep,
    after: Id | None = None,
    limit: Limit = 20,
    order: Order = "desc",
) -> Response:
    """Shows what a response is an answer to."""
    asked = await conversations.asked(response_id)
    items = list(as_items(asked))
    return answer(listed(items[::-1] if order == "desc" else items, after, limit), {})


@router.get("/v1/history"{{ responses('ITEMS') }})
async def export_history(
    conversations: ConversationsDep, after: Id | None = None, limit: Limit = 20
) -> Response:
    """Shows all that is kept for the client, turn by turn, oldest first."""
    return answer(listed(await conversations.everything(after, limit + 1), None, limit), {})


@router.delete("/v1/history"{{ responses('KEPT') }})
async def delete_history(client: ClientDep, conversations: ConversationsDep) -> Deleted:
    """Deletes all that is kept for the client."""
    await conversations.delete_everything()
    return Deleted(id=client, object="history.deleted")
