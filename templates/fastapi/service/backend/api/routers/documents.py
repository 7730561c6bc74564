"""Files and vector stores, as in OpenAI's API, and answers from them."""

from typing import Literal
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from starlette.datastructures import UploadFile

from backend.ai.documents.library import Sought
{% if docs -%}
from backend.api import documented
{% endif -%}
from backend.api.dependencies import DocumentsDep, ModelDep, ServicesDep
from backend.api.routing import FormRoute, StrictRoute
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

router = APIRouter(route_class=StrictRoute{{ ', tags=["documents"]' if docs }})
uploads = APIRouter(route_class=FormRoute{{ ', tags=["documents"]' if docs }})
{%- macro responses(name) %}{{ ', responses=documented.' ~ name if docs }}{% endmacro %}


@uploads.post("/v1/files"{{ ', responses=documented.UPLOADED, openapi_extra=documented.UPLOAD' if docs }})
async def upload_file(request: Request, documents: DocumentsDep) -> FileObject:
    """Keeps a file, ready to be searched; the same bytes are the same file, however often sent."""
    async with request.form(max_files=1, max_fields=10) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise InvalidRequest("The form has no `file` with a name", param="file")
        purpose = purpose_of(form)
        content = await file.read()
        return file_object(await documents.add(file.filename or "", content, purpose))


@router.get("/v1/files"{{ responses('KEPT') }})
async def list_files(
    documents: DocumentsDep,
    after: Id | None = None,
    limit: Limit = 20,
    order: Order = "desc",
    purpose: str | None = None,
) -> Files:
    found = await documents.files(purpose, Sought(after, limit, order == "desc"))
    return Files(**page([file_object(each) for each in found], limit))


@router.get("/v1/files/{file_id}"{{ responses('POLLED') }})
async def show_file(file_id: Id, documents: DocumentsDep) -> FileObject:
    return file_object(await documents.polled(file_id))


@router.get("/v1/files/{file_id}/content"{{ responses('CONTENT') }})
async def show_content(file_id: Id, documents: DocumentsDep) -> Response:
    """Sends the file as it was sent here."""
    name, content = await documents.content(file_id)
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(content, headers=headers, media_type="application/octet-stream")


@router.delete("/v1/files/{file_id}"{{ responses('KEPT') }})
async def delete_file(file_id: Id, documents: DocumentsDep) -> Deleted:
    """Deletes it, with all that was made of it, in every store."""
    await documents.delete(file_id)
    return Deleted(id=file_id, object="file")


@router.post("/v1/vector_stores"{{ responses('KEEPING') }})
async def create_vector_store(body: NewStore, documents: DocumentsDep) -> VectorStore:
    name, notes, files = body.name or "", body.metadata or {}, body.file_ids or []
    return vector_store(*await documents.create_store(name, notes, files))


@router.get("/v1/vector_stores"{{ responses('KEPT') }})
async def list_vector_stores(
    documents: DocumentsDep, after: Id | None = None, limit: Limit = 20, order: Order = "desc"
) -> VectorStores:
    found = await documents.stores(Sought(after, limit, order == "desc"))
    return VectorStores(**page([vector_store(*each) for each in found], limit))


@router.get("/v1/vector_stores/{vector_store_id}"{{ responses('KEPT') }})
async def show_vector_store(vector_store_id: Id, documents: DocumentsDep) -> VectorStore:
    return vector_store(*await documents.store(vector_store_id))


@router.post("/v1/vector_stores/{vector_store_id}"{{ responses('KEEPING') }})
async def change_vector_store(
    vector_store_id: Id, body: ChangedStore, documents: DocumentsDep
) -> VectorStore:
    return vector_store(*await documents.change_store(vector_store_id, changes(body)))


@router.delete("/v1/vector_stores/{vector_store_id}"{{ responses('KEPT') }})
async def delete_vector_store(vector_store_id: Id, documents: DocumentsDep) -> Deleted:
    """Deletes the store; its files stay."""
    await documents.delete_store(vector_store_id)
    return Deleted(id=vector_store_id, object="vector_store.deleted")


@router.post("/v1/vector_stores/{vector_store_id}/files"{{ responses('INGESTING') }})
async def add_file(
    vector_store_id: Id, body: NewStoreFile, documents: DocumentsDep
) -> VectorStoreFile:
    """Adds a file that was sent before, perhaps with attributes to search by."""
    await documents.attach(vector_store_id, body.file_id, body.attributes or {})
    await documents.ingest(body.file_id)
    added = await documents.store_file(vector_store_id, body.file_id)
    return vector_store_file(vector_store_id, *added)


@router.get("/v1/vector_stores/{vector_store_id}/files"{{ responses('KEPT') }})
async def list_vector_store_files(
    vector_store_id: Id,
    documents: DocumentsDep,
    after: Id | None = None,
    limit: Limit = 20,
    order: Order = "desc",
    filter: Literal["in_progress", "completed", "failed", "cancelled"] | None = None,
) -> VectorStoreFiles:
    sought = Sought(after, limit, order == "desc")
    found = await documents.store_files(vector_store_id, filter, sought)
    shown = [vector_store_file(vector_store_id, *each) for each in found]
    return VectorStoreFiles(**page(shown, limit))


@router.get("/v1/vector_stores/{vector_store_id}/files/{file_id}"{{ responses('POLLED') }})
async def show_vector_store_file(
    vector_store_id: Id, file_id: Id, documents: DocumentsDep
) -> VectorStoreFile:
    """Shows how far a file is read."""
    await documents.polled(file_id)
    found = await documents.store_file(vector_store_id, file_id)
    return vector_store_file(vector_store_id, *found)


@router.post("/v1/vector_stores/{vector_store_id}/files/{file_id}"{{ responses('KEEPING') }})
async def change_vector_store_file(
    vector_store_id: Id, file_id: Id, body: ChangedStoreFile, documents: DocumentsDep
) -> VectorStoreFile:
    """Gives it other attributes."""
    attributes = body.attributes or {}
    changed = await documents.change_attributes(vector_store_id, file_id, attributes)
    return vector_store_file(vector_store_id, *changed)


@router.delete("/v1/vector_stores/{vector_store_id}/files/{file_id}"{{ responses('KEPT') }})
async def remove_file(vector_store_id: Id, file_id: Id, documents: DocumentsDep) -> Deleted:
    """Takes the file out of the store; the file stays."""
    await documents.detach(vector_store_id, file_id)
    return Deleted(id=file_id, object="vector_store.file.deleted")


@router.post("/v1/vector_stores/{vector_store_id}/search"{{ responses('INGESTING') }})
async def search_vector_store(
    vector_store_id: Id, body: Search, documents: DocumentsDep
) -> Results:
    """Finds passages by words and by meaning; a score of 1 is the first by both."""
    files = await documents.searched(vector_store_id, body.fits)
    found, _ = await documents.search(body.text, body.max_num_results, files)
    return results(body, found, files, knows_meaning=documents.knows_meaning)


@router.post("/answers"{{ responses('INGESTING') }})
async def create_answer(
    body: Question, documents: DocumentsDep, model: ModelDep, services: ServicesDep
) -> DocumentAnswer:
    """Answers from all of the client's files, with where they say it."""
    return await answer(body.question, documents, model, services.settings)


router.include_router(uploads)
