"""What the user thinks of this service: a tool that writes, so that a person has to approve."""

from typing import Literal

import structlog

from backend.ai.tools import Client

logger = structlog.get_logger(__name__)


def send_feedback(
    rating: Literal["good", "bad"], about: Literal["answers", "speed", "other"], client: Client
) -> str:
    """Sends the user's feedback on this service, good or bad, to those who run it."""
    logger.info("feedback", client=client, rating=rating, about=about)
    return "The feedback is sent"
