"""Files and vector stores, as in OpenAI's API, and answers from them."""

from typing import Literal
from urllib.parse import quote

from flask import Blueprint, Response, request

from backend.ai.documents.library import Sought
{% if docs -%}
from backend.api import documented
{% endif -%}
from backend.api.dependencies import admit_client, documents, model, services
from backend.api.routing import typed
from backend.errors import InvalidRequest
from backend.features.answers import DocumentAnswer, answer
from backend.gateway.document_schemas import (
    ChangedStore,
    ChangedStoreFile,
    Deleted,
    FileObject,
    Files,
    Id,
    Limit,
    NewStore,
    NewStoreFile,
    Order,
    Question,
    Results,
    Search,
    VectorStore,
    VectorStoreFile,
    VectorStoreFiles,
    VectorStores,
    changes,
    file_object,
    page,
    purpose_of,
    results,
    vector_store,
    vector_store_file,
)

router = Blueprint("documents", __name__)
{%- macro keeps(name) %}@typed({{ 'tag="documents", responses=documented.' ~ name ~ ', ' if docs }}guard=admit_client){% endmacro %}


@router.post("/v1/files")
@typed({{ 'tag="documents", responses=documented.UPLOADED, ' if docs }}guard=admit_client, form=True)
def upload_file() -> FileObject:
    """Keeps a file, ready to be searched; the same bytes are the same file, however often sent."""
    file = request.files.get("file")
    if file is None:
        raise InvalidRequest("The form has no `file` with a name", param="file")
    if len([*request.files.items(multi=True)]) > 1:
        raise InvalidRequest("Too many files. Maximum number of files is 1.")
    purpose = purpose_of(request.form)
    return file_object(documents().add(file.filename or "", file.read(), purpose))


@router.get("/v1/files")
{{ keeps("KEPT") }}
def list_files(
    after: Id | None = None,
    limit: Limit = 20,
    order: Order = "desc",
    purpose: str | None = None,
) -> Files:
    found = documents().files(purpose, Sought(after, limit, order == "desc"))
    return Files(**page([file_object(each) for each in found], limit))


@router.get("/v1/files/<file_id>")
{{ keeps("POLLED") }}
def show_file(file_id: Id) -> FileObject:
    return file_object(documents().polled(file_id))


@router.get("/v1/files/<file_id>/content")
{{ keeps("CONTENT") }}
def show_content(file_id: Id) -> Response:
    """Sends the file as it was sent here."""
    name, content = documents().content(file_id)
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(content, headers=headers, mimetype="application/octet-stream")


@router.delete("/v1/files/<file_id>")
{{ keeps("KEPT") }}
def delete_file(file_id: Id) -> Deleted:
    """Deletes it, with all that was made of it, in every store."""
    documents().delete(file_id)
    return Deleted(id=file_id, object="file")


@router.post("/v1/vector_stores")
{{ keeps("KEEPING") }}
def create_vector_store(body: NewStore) -> VectorStore:
    name, notes, files = body.name or "", body.metadata or {}, body.file_ids or []
    return vector_store(*documents().create_store(name, notes, files))


@router.get("/v1/vector_stores")
{{ keeps("KEPT") }}
def list_vector_stores(
    after: Id | None = None, limit: Limit = 20, order: Order = "desc"
) -> VectorStores:
    found = documents().stores(Sought(after, limit, order == "desc"))
    return VectorStores(**page([vector_store(*each) for each in found], limit))


@router.get("/v1/vector_stores/<vector_store_id>")
{{ keeps("KEPT") }}
def show_vector_store(vector_store_id: Id) -> VectorStore:
    return vector_store(*documents().store(vector_store_id))


@router.post("/v1/vector_stores/<vector_store_id>")
{{ keeps("KEEPING") }}
def change_vector_store(vector_store_id: Id, body: ChangedStore) -> VectorStore:
    return vector_store(*documents().change_store(vector_store_id, changes(body)))


@router.delete("/v1/vector_stores/<vector_store_id>")
{{ keeps("KEPT") }}
def delete_vector_store(vector_store_id: Id) -> Deleted:
    """Deletes the store; its files stay."""
    documents().delete_store(vector_store_id)
    return Deleted(id=vector_store_id, object="vector_store.deleted")


@router.post("/v1/vector_stores/<vector_store_id>/files")
{{ keeps("INGESTING") }}
def add_file(vector_store_id: Id, body: NewStoreFile) -> VectorStoreFile:
    """Adds a file that was sent before, perhaps with attributes to search by."""
    documents().attach(vector_store_id, body.file_id, body.attributes or {})
    documents().ingest(body.file_id)
    added = documents().store_file(vector_store_id, body.file_id)
    return vector_store_file(vector_store_id, *added)


@router.get("/v1/vector_stores/<vector_store_id>/files")
{{ keeps("KEPT") }}
def list_vector_store_files(
    vector_store_id: Id,
    after: Id | None = None,
    limit: Limit = 20,
    order: Order = "desc",
    filter: Literal["in_progress", "completed", "failed", "cancelled"] | None = None,
) -> VectorStoreFiles:
    sought = Sought(after, limit, order == "desc")
    found = documents().store_files(vector_store_id, filter, sought)
    shown = [vector_store_file(vector_store_id, *each) for each in found]
    return VectorStoreFiles(**page(shown, limit))


@router.get("/v1/vector_stores/<vector_store_id>/files/<file_id>")
{{ keeps("POLLED") }}
def show_vector_store_file(vector_store_id: Id, file_id: Id) -> VectorStoreFile:
    """Shows how far a file is read."""
    documents().polled(file_id)
    found = documents().store_file(vector_store_id, file_id)
    return vector_store_file(vector_store_id, *found)


@router.post("/v1/vector_stores/<vector_store_id>/files/<file_id>")
{{ keeps("KEEPING") }}
def change_vector_store_file(
    vector_store_id: Id, file_id: Id, body: ChangedStoreFile
) -> VectorStoreFile:
    """Gives it other attributes."""
    attributes = body.attributes or {}
    changed = documents().change_attributes(vector_store_id, file_id, attributes)
    return vector_store_file(vector_store_id, *changed)


@router.delete("/v1/vector_stores/<vector_store_id>/files/<file_id>")
{{ keeps("KEPT") }}
def remove_file(vector_store_id: Id, file_id: Id) -> Deleted:
    """Takes the file out of the store; the file stays."""
    documents().detach(vector_store_id, file_id)
    return Deleted(id=file_id, object="vector_store.file.deleted")


@router.post("/v1/vector_stores/<vector_store_id>/search")
{{ keeps("INGESTING") }}
def search_vector_store(vector_store_id: Id, body: Search) -> Results:
    """Finds passages by words and by meaning; a score of 1 is the first by both."""
    files = documents().searched(vector_store_id, body.fits)
    found, _ = documents().search(body.text, body.max_num_results, files)
    return results(body, found, files, knows_meaning=documents().knows_meaning)


@router.post("/answers")
{{ keeps("INGESTING") }}
def create_answer(body: Question) -> DocumentAnswer:
    """Answers from all of the client's files, with where they say it."""
    return answer(body.question, documents(), model(), services().settings)
