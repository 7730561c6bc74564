"""Server-sent events, as the WHATWG's standard has them read."""

import time
from typing import NamedTuple

from backend.errors import UpstreamFailed, UpstreamTimedOut

DONE = "[DONE]"
DONE_LINE = (b"data: [DONE]", b"data:[DONE]")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MOST_BYTES = 8 * 1024 * 1024  # from one event to the next: it may hold a picture
MOST_SECONDS = 600  # with nothing but comments, say, which keep a connection alive


class Event(NamedTuple):
    """One event as it is sent; most have no name."""

    data: str
    name: str = ""


class EventReader:
    """Takes the events of a stream out of its bytes, as they arrive.

    The mark that closes OpenAI's streams ends it at once, without the empty line after it.
    """

    def __init__(self, most_bytes: int = MOST_BYTES, most_seconds: float = MOST_SECONDS) -> None:
        self.done = False
        self._most_bytes = most_bytes
        self._most_seconds = most_seconds
        self._bytes = 0  # since the last event
        self._last_event = time.monotonic()
        self._begun = False
        self._after_return = False
        self._line = bytearray()  # which has not ended yet
        self._data: list[bytes] = []  # the lines of the event that has not ended yet

    def read(self, data: bytes) -> list[str]:
        """Returns what each event that is complete by now carries, and `DONE` at the end.

        Raises:
            UpstreamFailed: an event does not end.
            UpstreamTimedOut: it takes too long to begin or to end.
        """
        self._bytes += len(data)
        events = []
        for line in self._lines(data):
            if not line:
                # Bytes that are not UTF-8 stay visible in the text: no JSON parser takes them.
                event = b"\n".join(self._data).decode(errors="surrogateescape")
                self._data.clear()
                if event and not event.isspace():  # of which some upstreams send, to stay connected
                    events.append(event)
            elif line.startswith(DONE_LINE) and not self._data:
                self.done = True
                break
            elif line.startswith(b"data:"):
                self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
            elif line == b"data":
                self._data.append(b"")
        self.done |= self._line.startswith(DONE_LINE) and not self._data
        if events:
            self._bytes, self._last_event = 0, time.monotonic()
        elif self._bytes > self._most_bytes:
            raise UpstreamFailed("The model sent an event that is too large")
        elif time.monotonic() - self._last_event > self._most_seconds:
            raise UpstreamTimedOut("The model did not answer in time")
        return [*events, DONE] if self.done else events

    def _lines(self, data: bytes) -> list[bytes]:
        """Returns the lines that have ended, whether by CR, LF or both, and keeps the rest."""
        if self._after_return:
            data = data.removeprefix(b"\n")
        self._after_return = data.endswith(b"\r")
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = bytes(self._line) + lines[0]
            self._line.clear()
            if not self._begun:
                self._begun = True
                lines[0] = lines[0].removeprefix(BYTE_ORDER_MARK)
        self._line += rest
        return lines
