"""What a request to the model may cost, in tokens."""

import re
from typing import Any

from pydantic_core import to_json

BYTES_PER_TOKEN = 4  # at most: no tokenizer makes fewer tokens of a text
TOKENS_PER_MEDIUM = 1500  # an image, say: providers charge by what it shows, not by its bytes
TEXTS = ("text", "refusal")
IMAGE_DATA = re.compile(r"data:image/[\w.+-]+;base64,[A-Za-z0-9+/_-]*={0,2}", re.ASCII)
LIMITS = ("max_tokens", "max_completion_tokens")


def most_tokens(body: dict[str, Any]) -> int:
    """Returns the most tokens that a request may cost: a guess of those in, all of those out."""
    parts = [part for message in body.get("messages", ()) for part in content_parts(message)]
    media = [part for part in parts if part.get("type") not in TEXTS]
    read = len(to_json(body)) - sum(map(bytes_of_image, media))
    sent = -(-read // BYTES_PER_TOKEN) + TOKENS_PER_MEDIUM * len(media)
    answered = max((body[name] for name in LIMITS if body.get(name)), default=0)
    return sent + token_ids(body.get("input")) + answered * (body.get("n") or 1)


def content_parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    return content if isinstance(content, list) else []


def bytes_of_image(part: dict[str, Any]) -> int:
    """Returns how long an image is that is sent as data, not by its address."""
    match part:
        case {"type": "image_url", "image_url": {"url": str(url)} | str(url)}:
            return len(url) if IMAGE_DATA.fullmatch(url) else 0
    return 0


def token_ids(value: Any) -> int:
    """Returns how many numbers there are: a text to embed may be sent as tokens."""
    if isinstance(value, list):
        return sum(map(token_ids, value))
    return isinstance(value, int)
