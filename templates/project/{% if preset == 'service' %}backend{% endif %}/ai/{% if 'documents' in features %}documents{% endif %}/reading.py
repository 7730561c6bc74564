"""The text of a file: of Markdown, plain text, HTML or PDF."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

from backend.ai.documents import passages
from backend.ai.documents.passages import Passage
from backend.errors import InvalidRequest

LONGEST_NAME = 255
PDF_SECONDS = 60
UTF_16 = b"\xff\xfe", b"\xfe\xff"
UNSHOWN = {"script", "style", "template", "noscript"}
APART = re.compile(
    "address|article|aside|blockquote|br|dd|div|dl|dt|figure|footer|form|header|hr"
    "|li|main|nav|ol|p|pre|section|table|tr|ul"
)
HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}


class Page(NamedTuple):
    text: str
    place: str = ""


def read(name: str, content: bytes) -> list[Passage]:
    """Returns the passages of a file.

    Raises:
        InvalidRequest: its name or its bytes are none that can be taken; it says why.
    """
    kind = kind_of(name)
    if not content:
        raise refused("is empty")
    pages = pages_of_pdf(content) if kind == ".pdf" else [Page(KINDS[kind](text_of(content)))]
    found = [each for page in pages for each in passages.split(page.text, page.place)]
    if not found:
        raise refused("holds no text; of a scan, send what its text is")
    return found


def kind_of(name: str) -> str:
    if not 0 < len(name) <= LONGEST_NAME or re.search(r"[/\\\x00-\x1f\x7f\ud800-\udfff]", name):
        raise refused("needs a plain name, without a path, of at most 255 characters")
    kind = Path(name).suffix.lower()
    if kind != ".pdf" and kind not in KINDS:
        raise refused(f"is none of {', '.join([*KINDS, '.pdf'])}")
    return kind


def refused(why: str) -> InvalidRequest:
    return InvalidRequest(f"The file {why}", param="file")


def text_of(content: bytes) -> str:
    if content.startswith(UTF_16):
        raise refused("is in UTF-16; save it in UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise refused("is no text in UTF-8") from None
    if "\0" in text:
        raise refused("is no text: it holds NUL")
    return text


class Shown(HTMLParser):
    """Gathers what a page of HTML shows, its headings as Markdown's."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._unshown: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        if tag in UNSHOWN:
            self._unshown.append(tag)
        elif tag in HEADINGS:
            self.pieces.append(f"\n\n{HEADINGS[tag]} ")
        elif APART.fullmatch(tag):
            self.pieces.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._unshown:
            del self._unshown[self._unshown.index(tag) :]
        elif tag in HEADINGS or APART.fullmatch(tag):
            self.pieces.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._unshown:
            self.pieces.append(re.sub(r"\s+", " ", data))


def shown(html: str) -> str:
    parser = Shown()
    parser.feed(html)
    parser.close()
    return re.sub(r" *\n[ \n]*\n ?", "\n\n", "".join(parser.pieces)).strip()


def plain(text: str) -> str:
    return text


KINDS = {".md": plain, ".markdown": plain, ".txt": plain, ".html": shown, ".htm": shown}


def pages_of_pdf(content: bytes) -> list[Page]:
    """Returns the pages, read in a process of its own: what a PDF holds may take it down."""
    if b"%PDF-" not in content[:1024]:
        raise refused("is no PDF, whatever its name says")
    command = [sys.executable, "-m", "backend.ai.documents.pdf"]
    here = Path(__file__).parents[3]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, input=content, capture_output=True, timeout=PDF_SECONDS, cwd=here, check=False
        )
        said = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        raise refused("is a PDF that takes too much time or memory to read") from None
    if "refused" in said:
        raise refused(said["refused"])
    return [Page(text, f"page {number}") for number, text in enumerate(said["pages"], 1)]
