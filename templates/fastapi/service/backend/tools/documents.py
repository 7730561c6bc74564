"""What the user's documents say: a tool that reads."""

from typing import TypedDict

from backend.ai.documents.library import Documents

MOST = 5  # excerpts


class Excerpt(TypedDict):
    file: str
    place: str
    text: str


async def search_documents(query: str, documents: Documents) -> list[Excerpt]:
    """Searches the documents that the user has uploaded, and returns excerpts."""
    search = await documents.search(query, MOST)
    return [Excerpt(file=one.file.filename, place=one.place, text=one.text) for one in search.found]
