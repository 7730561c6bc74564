"""What a request to the model may cost, in tokens."""

import re
from typing import Any

from pydantic_core import to_json

BYTES_PER_TOKEN = 4  # at most: no tokenizer makes fewer tokens of a text
TOKENS_PER_MEDIUM = 1500  # an image, say: providers charge by what it shows, not by its bytes
TEXTS = ("text", "refusal", "input_text", "output_text")
IMAGE_DATA = re.compile(r"data:image/[\w.+-]+;base64,[A-Za-z0-9+/_-]*={0,2}", re.ASCII)
LIMITS = ("max_tokens", "max_completion_tokens")
OF_A_RESPONSE = "max_output_tokens"


def most_tokens(body: dict[str, Any]) -> int:
    """Returns the most tokens that a request may cost: a guess of those in, all of those out."""
    said = body.get("messages", body.get("input"))
    messages = said if isinstance(said, list) else []
    parts = [part for message in messages for part in content_parts(message)]
    media = [part for part in parts if part.get("type") not in TEXTS]
    read = len(to_json(body)) - sum(map(bytes_of_image, media))
    sent = -(-read // BYTES_PER_TOKEN) + TOKENS_PER_MEDIUM * len(media)
    answered = max((body[name] for name in (*LIMITS, OF_A_RESPONSE) if body.get(name)), default=0)
    return sent + token_ids(body.get("input")) + answered * (body.get("n") or 1)


def content_parts(message: Any) -> list[dict[str, Any]]:
    """Returns what a message consists of, or an item of a response; a text to embed, of nothing."""
    content = message.get("content", message.get("output")) if isinstance(message, dict) else None
    found = content if isinstance(content, list) else []
    return [part for part in found if isinstance(part, dict)]


def bytes_of_image(part: dict[str, Any]) -> int:
    """Returns how long an image is that is sent as data, not by its address."""
    match part:
        case {"type": "image_url" | "input_image", "image_url": {"url": str(url)} | str(url)}:
            return len(url) if IMAGE_DATA.fullmatch(url) else 0
    return 0


def token_ids(value: Any) -> int:
    """Returns how many numbers there are: a text to embed may be sent as tokens."""
    if isinstance(value, list):
        return sum(map(token_ids, value))
    return isinstance(value, int)
