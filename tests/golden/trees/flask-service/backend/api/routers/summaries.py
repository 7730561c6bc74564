from typing import Annotated

from flask import Blueprint
from pydantic import BaseModel, Field

from backend.api import documented
from backend.api.dependencies import admit_client, model
from backend.api.routing import typed
from backend.features.summaries import Summary, summarize

router = Blueprint("summaries", __name__)


class LongText(BaseModel):
    text: Annotated[str, Field(min_length=1, examples=["A long text"])]


@router.post("/summaries")
@typed(tag="features", responses=documented.FEATURE, guard=admit_client)
def create_summary(body: LongText) -> Summary:
    """Summarises a text: a title, its points, and how it sounds."""
    return summarize(body.text, model())
