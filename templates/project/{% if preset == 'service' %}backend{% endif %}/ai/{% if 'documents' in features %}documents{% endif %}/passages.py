"""A text in passages: small enough to be compared and quoted, each with where it stands."""

import re
from collections.abc import Iterator
from typing import NamedTuple

LONGEST = 1_600  # characters of a passage
WHOLE = 1_400  # up to which a paragraph, a list or a fence with its code is not cut
LONGEST_NAME = 80  # of a heading in a place

HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?$")
UNDERLINE = re.compile(r" {0,3}(=+|-+)$")
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
CUTS = ("\n", ". ", "。", " ")  # where a longer one is cut, the best first


class Passage(NamedTuple):
    text: str  # as it stands in the document
    place: str  # the headings above it, or its line; or its page

    @property
    def searched(self) -> str:
        """What is compared with a question: headings say what a passage is about."""
        return f"{self.place}\n{self.text}"


class Block(NamedTuple):
    """A paragraph, a list, a fence with its code, or a heading."""

    text: str
    level: int = 0  # of a heading
    name: str = ""


def split(text: str, place: str = "") -> list[Passage]:
    """Returns the passages of a Markdown text; or of plain text whose place is known, as a page's.

    Together they are the whole text, without what is blank between them.
    """
    found: list[Passage] = []
    gathered: list[str] = []
    headings: list[Block] = []
    size, line, has_body = 0, 1, False

    def end() -> None:
        nonlocal size, line, has_body
        passage = "".join(gathered)
        if stripped := passage.strip():
            blank, _, _ = passage.partition(stripped[0])
            names = " > ".join(heading.name for heading in headings if heading.name)
            first = line + blank.count("\n")
            found.append(Passage(stripped, place or names or f"line {first}"))
        line += passage.count("\n")
        gathered.clear()
        size, has_body = 0, False

    for block in [Block(text)] if place else blocks(text):
        if block.level:
            # Headings stay with what comes under them.
            if has_body or size + len(block.text) > LONGEST - WHOLE:
                end()
            headings = [outer for outer in headings if outer.level < block.level] + [block]
        for piece in pieces(block.text):
            if size + len(piece) > LONGEST:
                end()
            gathered.append(piece)
            size += len(piece)
        has_body = has_body or (not block.level and not block.text.isspace())
    end()
    return found


def blocks(text: str) -> Iterator[Block]:
    """Returns what a Markdown text is made of, to the last blank; a fence holds no heading."""
    lines: list[str] = []
    fence = ""

    def ended() -> Iterator[Block]:
        if lines:
            yield Block("".join(lines))
            lines.clear()

    for line in text.splitlines(keepends=True):
        bare = line.rstrip()
        if fence:
            lines.append(line)
            if bare.lstrip().startswith(fence) and not bare.strip(f" {fence[0]}"):
                yield from ended()
                fence = ""
        elif heading := HEADING.match(bare):
            yield from ended()
            yield Block(line, len(heading[1]), name(heading[2] or ""))
        elif opened := FENCE.match(bare):
            yield from ended()
            lines.append(line)
            fence = opened[1]
        elif UNDERLINE.match(bare) and len(lines) == 1 and not lines[0].isspace():
            [above] = lines
            lines.clear()
            yield Block(above + line, 1 if "=" in bare else 2, name(above))
        else:
            if bare and lines and lines[-1].isspace():
                yield from ended()
            lines.append(line)
    yield from ended()


def name(heading: str) -> str:
    words = " ".join(heading.rstrip("# \t").split())
    return words if len(words) <= LONGEST_NAME else f"{words[: LONGEST_NAME - 1]}…"


def pieces(text: str) -> Iterator[str]:
    """Returns a text whole where it fits, else cut where a line, a sentence or a word ends."""
    start = 0
    while len(text) - start > WHOLE:
        least, most = start + WHOLE // 2, start + WHOLE
        found = ((mark, text.rfind(mark, least, most)) for mark in CUTS)
        end = next((at + len(mark) for mark, at in found if at >= 0), most)
        yield text[start:end]
        start = end
    yield text[start:]
