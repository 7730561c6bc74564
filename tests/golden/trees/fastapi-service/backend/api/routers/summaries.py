from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from backend.api import documented
from backend.api.dependencies import ModelDep
from backend.api.routing import StrictRoute
from backend.features.summaries import Summary, summarize

router = APIRouter(route_class=StrictRoute)


class LongText(BaseModel):
    text: Annotated[str, Field(min_length=1, examples=["A long text"])]


@router.post("/summaries", tags=["features"], responses=documented.FEATURE)
async def create_summary(body: LongText, model: ModelDep) -> Summary:
    """Summarises a text: a title, its points, and how it sounds."""
    return await summarize(body.text, model)
