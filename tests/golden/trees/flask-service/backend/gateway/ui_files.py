"""What goes with a question: as a part that the model takes, or as text."""

import base64
import re
from collections.abc import Collection
from urllib.parse import unquote_to_bytes

from backend.json_text import JSONObject

OTHER_NAMES = {
    "image/jpg": "image/jpeg",
    "audio/mp3": "audio/mpeg",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
}
AUDIO = {"audio/mpeg": "mp3", "audio/wav": "wav"}
TEXT = re.compile(r"text/.*|application/(json|xml|yaml|x-yaml|toml|javascript)|.*\+(json|xml)")
DATA_URL = re.compile(r"data:([^,;]*)([^,]*),(.*)", re.DOTALL)
LONGEST_NAME = 100
MOST_ESCAPES = 100_000  # such as %41: each costs a hundred times what its bytes do


class Unreadable(ValueError):
    """A file that cannot be given to the model; its message says why."""


def file_for_model(part: JSONObject, readable: Collection[str]) -> JSONObject:
    """Returns a file part of the AI SDK's as a content part of OpenAI's.

    Args:
        readable: the media types that the model reads, beside text.

    Raises:
        Unreadable: it reads no such file, or the file cannot be read here.
    """
    kind, url = media_type(part), part.get("url")
    if not isinstance(url, str):
        raise Unreadable(f"{named(part)} has no address")
    if kind in readable and kind.startswith("image/") and re.match(r"data:|https?://", url):
        return {"type": "image_url", "image_url": {"url": url}}
    if kind in readable and kind in AUDIO:
        audio = {"data": packed(part, url), "format": AUDIO[kind]}
        return {"type": "input_audio", "input_audio": audio}
    if kind in readable and kind == "application/pdf":
        data = f"data:{kind};base64,{packed(part, url)}"
        return {"type": "file", "file": {"filename": name_of(part), "file_data": data}}
    if TEXT.fullmatch(kind):
        return {"type": "text", "text": f"[{name_of(part)}]\n{text_in(part, url)}\n"}
    takes = ", ".join(["text", *readable])
    raise Unreadable(f"{named(part)} cannot be given to the model, which takes {takes}")


def media_type(part: JSONObject) -> str:
    """Returns what a file says that it is; browsers leave it to the URL where they do not know."""
    known, given = DATA_URL.match(str(part.get("url"))), part.get("mediaType")
    kind = given if isinstance(given, str) and given else known.group(1) if known else ""
    kind = kind.partition(";")[0].strip().lower()
    return OTHER_NAMES.get(kind, kind)


def named(part: JSONObject) -> str:
    """Returns the file's name and kind, as a person is told of it."""
    return f"{name_of(part)} ({media_type(part)[:LONGEST_NAME] or 'of no kind'})"


def name_of(part: JSONObject) -> str:
    name = part.get("filename")
    return name[:LONGEST_NAME] if isinstance(name, str) and name else "The file"


def packed(part: JSONObject, url: str) -> str:
    return base64.b64encode(content(part, url)).decode()


def text_in(part: JSONObject, url: str) -> str:
    try:
        return content(part, url).decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise Unreadable(f"{named(part)} is not text in UTF-8") from None


def content(part: JSONObject, url: str) -> bytes:
    """Returns what is in a file. It is never fetched: its address is a stranger's."""
    found = DATA_URL.fullmatch(url)
    if found is None:
        raise Unreadable(f"{named(part)} has to be in the request, as a data URL")
    if found.group(3).count("%") > MOST_ESCAPES:
        raise Unreadable(f"{named(part)} is too long for its form: send it in base64")
    data = unquote_to_bytes(found.group(3))
    try:
        return base64.b64decode(data) if found.group(2).endswith(";base64") else data
    except ValueError:
        raise Unreadable(f"{named(part)} is not whole") from None
