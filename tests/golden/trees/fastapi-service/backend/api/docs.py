"""The pages that show the API document."""

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, HTMLResponse

from backend.api.docs_pages import ASSETS, CACHE_SECONDS, HEADERS, REDOC, SWAGGER_UI

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def swagger_ui() -> HTMLResponse:
    return HTMLResponse(SWAGGER_UI, headers=HEADERS)


@router.get("/redoc")
async def redoc() -> HTMLResponse:
    return HTMLResponse(REDOC, headers=HEADERS)


@router.get("/docs-assets/{name}")
async def docs_asset(name: str) -> FileResponse:
    if name not in ASSETS:
        raise HTTPException(404)
    caching = {"cache-control": f"public, max-age={CACHE_SECONDS}"}
    return FileResponse(ASSETS[name], headers=caching)
