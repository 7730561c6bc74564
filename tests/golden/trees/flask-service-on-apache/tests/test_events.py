"""Server-sent events: the examples of the WHATWG's standard, and what upstreams make of it."""

import pytest

from backend.ai.events import DONE, EventReader
from backend.errors import UpstreamFailed, UpstreamTimedOut

EXAMPLES = [
    pytest.param("data: YHOO\ndata: +2\ndata: 10\n\n", ["YHOO\n+2\n10"], id="several lines"),
    pytest.param(
        ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third\n\n",
        ["first event", "second event", " third"],
        id="comments, fields and spaces",
    ),
    pytest.param("data:test\n\ndata: test\n\n", ["test", "test"], id="a space or none"),
    pytest.param("data\n\ndata\ndata\n\ndata:", [], id="nothing in it"),
    pytest.param("event: add\nretry: 9\ndata: 7\nother: 1\n\n", ["7"], id="named"),
    pytest.param("data: whole\n\ndata: not", ["whole"], id="the last without its end"),
    pytest.param("data: a\u2028b\x85c\x0bd\n\n", ["a\u2028b\x85c\x0bd"], id="no ends of lines"),
    pytest.param("data: 1\n\ndata: [DONE]\n\ndata: 2\n\n", ["1", DONE], id="the closing mark"),
    pytest.param("data: 1\n\ndata:[DONE]", ["1", DONE], id="the closing mark without its end"),
]


@pytest.mark.parametrize(("sent", "events"), EXAMPLES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["bare", "BOM"])
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_reads_events_as_the_standard_says(
    sent: str, events: list[str], line_end: str, mark: str, size: int
) -> None:
    data = (mark + sent.replace("\n", line_end)).encode()
    reader = EventReader()
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    read = []
    for piece in pieces:
        read += reader.read(piece)
        if reader.done:
            break
    assert read == events


@pytest.mark.parametrize("endless", [b"x", b": ping\n\n", b"data: x\n"])
def test_gives_up_what_is_too_large(endless: bytes) -> None:
    reader = EventReader(most_bytes=10 * len(endless))
    for _ in range(10):
        reader.read(endless)
    with pytest.raises(UpstreamFailed, match="too large"):
        reader.read(endless)


def test_gives_up_what_takes_too_long() -> None:
    with pytest.raises(UpstreamTimedOut):
        EventReader(most_seconds=0).read(b": thinking\n\n")


def test_holds_no_more_than_one_event() -> None:
    reader = EventReader(most_bytes=100)
    events = [event for _ in range(100) for event in reader.read(b"data: 12345\n\n")]
    assert events == ["12345"] * 100
