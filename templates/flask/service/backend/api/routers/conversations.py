"""What is kept for a client: OpenAI's conversations and responses, and the chats of its pages."""

from flask import Blueprint, Response

{% if docs -%}
from backend.api import documented
{% endif -%}
from backend.api.answering import answer
from backend.api.dependencies import admit_client, client, conversations
from backend.api.routing import typed
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
router = Blueprint("conversations", __name__)
{%- macro keeps(name) %}@typed({{ 'tag="history", responses=documented.' ~ name ~ ', ' if docs }}guard=admit_client){% endmacro %}


@router.get("/api/chats")
{{ keeps("KEPT") }}
def list_chats(after: Id | None = None, limit: Limit = 20) -> ChatList:
    """Lists the chats of a page, of which the last used is the first."""
    found = conversations().recent(after, limit + 1)
    return ChatList(data=[chat(each) for each in found[:limit]], has_more=len(found) > limit)


@router.get("/api/chats/<non_empty_path:chat_id>")
{{ keeps("ANY") }}
def show_chat(chat_id: Id) -> Response:
    """Shows a chat with its messages, as `useChat` takes them."""
    found = chat(conversations().find(chat_id)).model_dump()
    said = conversations().recall(chat_id, MOST_SHOWN)
    return answer({**found, "messages": as_messages(said)}, {})


@router.patch("/api/chats/<non_empty_path:chat_id>")
{{ keeps("KEEPING") }}
def rename_chat(chat_id: Id, body: NewTitle) -> Chat:
    notes = conversations().find(chat_id)["metadata"]
    return chat(conversations().rename(chat_id, {**notes, "title": body.title}))


@router.delete("/api/chats/<non_empty_path:chat_id>")
{{ keeps("KEPT") }}
def delete_chat(chat_id: Id) -> Deleted:
    conversations().delete(chat_id)
    return Deleted(id=chat_id, object="chat.deleted")


@router.post("/v1/conversations")
{{ keeps("KEEPING") }}
def create_conversation(body: NewConversation) -> ConversationObject:
    """Begins a conversation, perhaps with what was said elsewhere, as in OpenAI's API."""
    items = [item_to_keep(item) for item in checked(body.items)]
    made = conversations().create(body.metadata or {}, items)
    return ConversationObject.model_validate(made)


@router.get("/v1/conversations/<conversation_id>")
{{ keeps("KEPT") }}
def show_conversation(conversation_id: Id) -> ConversationObject:
    return ConversationObject.model_validate(conversations().find(conversation_id))


@router.post("/v1/conversations/<conversation_id>")
{{ keeps("KEEPING") }}
def change_conversation(conversation_id: Id, body: NewMetadata) -> ConversationObject:
    """Gives it other metadata."""
    changed = conversations().rename(conversation_id, body.metadata or {})
    return ConversationObject.model_validate(changed)


@router.delete("/v1/conversations/<conversation_id>")
{{ keeps("KEPT") }}
def delete_conversation(conversation_id: Id) -> Deleted:
    """Deletes it with all that was said in it."""
    conversations().delete(conversation_id)
    return Deleted(id=conversation_id, object="conversation.deleted")


@router.get("/v1/conversations/<conversation_id>/items")
{{ keeps("ITEMS") }}
def list_items(
    conversation_id: Id,
    after: Id | None = None,
    limit: Limit = 20,
    order: Order = "desc",
) -> Response:
    """Shows what was said."""
    newest = order == "desc"
    found = conversations().items(conversation_id, start=after, most=limit + 2, newest=newest)
    return answer(listed(as_items(found, newest=newest), after, limit), {})


@router.post("/v1/conversations/<conversation_id>/items")
{{ keeps("ITEMS") }}
def add_items(conversation_id: Id, body: NewItems) -> Response:
    """Adds what was said elsewhere."""
    items = [item_to_keep(item) for item in checked(body.items)]
    conversations().add(conversation_id, items)
    return answer(listed(items, None, len(items)), {})


@router.get("/v1/conversations/<conversation_id>/items/<item_id>")
{{ keeps("ANY") }}
def show_item(conversation_id: Id, item_id: Id) -> Response:
    found = conversations().items(conversation_id, start=item_id, most=1, newest=False)
    return answer(the_one(as_items(found), item_id), {})


@router.delete("/v1/conversations/<conversation_id>/items/<item_id>")
{{ keeps("KEPT") }}
def delete_item(conversation_id: Id, item_id: Id) -> ConversationObject:
    changed = conversations().delete_item(conversation_id, item_id)
    return ConversationObject.model_validate(changed)


@router.get("/v1/responses/<response_id>")
{{ keeps("ANY") }}
def show_response(response_id: Id) -> Response:
    return answer(conversations().response(response_id), {})


@router.delete("/v1/responses/<response_id>")
{{ keeps("KEPT") }}
def delete_response(response_id: Id) -> Deleted:
    """Deletes it with what it answers."""
    conversations().delete_response(response_id)
    return Deleted(id=response_id, object="response")


@router.get("/v1/responses/<response_id>/input_items")
{{ keeps("ITEMS") }}
def list_input_items(
    response_id: Id,
    after: Id | None = None,
    limit: Limit = 20,
    order: Order = "desc",
) -> Response:
    """Shows what a response is an answer to."""
    asked = conversations().asked(response_id)
    items = list(as_items(asked))
    return answer(listed(items[::-1] if order == "desc" else items, after, limit), {})


@router.get("/v1/history")
{{ keeps("ITEMS") }}
def export_history(after: Id | None = None, limit: Limit = 20) -> Response:
    """Shows all that is kept for the client, turn by turn, oldest first."""
    return answer(listed(conversations().everything(after, limit + 1), None, limit), {})


@router.delete("/v1/history")
{{ keeps("KEPT") }}
def delete_history() -> Deleted:
    """Deletes all that is kept for the client."""
    conversations().delete_everything()
    return Deleted(id=client(), object="history.deleted")
