"""What real models were seen to send, byte by byte, and what their client is told."""

import json
from typing import Any, NamedTuple

import httpx2
import pytest

from e2e.upstream import CALLED, MODEL, Sent

DONE = "[DONE]"
CUT = "The model's answer was cut off"
SPENT = "This service has spent its quota"


class Reply(NamedTuple):
    """An answer of a model.

    Args:
        sent: all of it.
        told: what a client reads: the words of every choice, and an end or an error.
        status: of what the client gets.
        streams: whether the client asks for a stream.
    """

    sent: Sent
    told: str
    status: int = 200
    streams: bool = True


def chunk(delta: dict[str, Any], reason: str | None = None, index: int = 0) -> str:
    choice = {"index": index, "delta": delta, "finish_reason": reason}
    return json.dumps({"id": "c1", "model": MODEL, "choices": [choice]})


HI, STOP = chunk({"content": "Hi"}), chunk({}, "stop")
SHORT, CODED = "Content-Length: 100000", "Transfer-Encoding: chunked"
A, B = {"content": "A"}, {"content": "B"}


def head(kind: str, *lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", f"Content-Type: {kind}", *lines, "\r\n")).encode()


def event(data: str) -> str:
    return f"data: {data}\n\n"


def streamed(
    *data: str, told: str = f"Hi{DONE}", lines: tuple[str, ...] = (), stays: bool = False
) -> Reply:
    events = "".join(map(event, data)).encode()
    return Reply(Sent(head("text/event-stream", *lines) + events, stays), told)


def headed(*lines: str) -> Reply:
    return streamed(HI, STOP, DONE, lines=lines)


def chunked(*chunks: str, told: str) -> Reply:
    """What comes in chunks, the last of which is none."""
    sizes = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk.encode()) for chunk in chunks)
    return Reply(Sent(head("text/event-stream", CODED) + sizes + b"none\r\n"), told)


def whole(content: bytes, told: str = "Hi") -> Reply:
    length = f"Content-Length: {len(content)}"
    return Reply(Sent(head("application/json", length) + content), told, streams=False)


def unpaid(kind: str, content: bytes) -> Reply:
    return Reply(Sent(head(kind, status="402 Payment Required") + content), SPENT, 502)


def completion(text: str) -> str:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
    }
    return json.dumps({"id": "c1", "model": MODEL, "choices": [choice]})


LINES = json.dumps(json.loads(HI), indent=1).replace("\n", "\ndata: ")
NO_CREDIT = b'{"error": {"message": "Insufficient credits", "code": 402}}'
REPLIES = {
    "all there is": streamed(HI, STOP, DONE),
    "one of two is cut": streamed(chunk(A, "stop"), chunk(B, index=1), told=f"AB{CUT}"),
    "one of three is cut": streamed(
        chunk(A, "stop"), chunk(B, "", 1), chunk(A, "length", 2), told=f"ABA{CUT}"
    ),
    "two, and no mark": streamed(chunk(A, "stop"), chunk(B, "length", 1), told=f"AB{DONE}"),
    "an emoji in two halves": streamed(
        *(chunk({"content": half}) for half in ("\ud83d", "\ude00")),
        STOP,
        DONE,
        told=f"\ud83d\ude00{DONE}",
    ),
    "half an emoji in a thought": streamed(chunk({"reasoning_content": "\ud83d"}), HI, STOP, DONE),
    "half an emoji": whole(completion("\ud83d").encode(), "\ud83d"),
    "the mark, and it stays": streamed(HI, STOP, DONE, stays=True),
    "fewer bytes than it says": headed(SHORT),
    "fewer bytes, and no mark": streamed(HI, lines=(SHORT,), told=f"Hi{CUT}"),
    "no last chunk": streamed(
        f"{HI}\n\ndata: {STOP}\n\ndata: {DONE}", lines=(CODED, "", "1000"), told=f"Hi{DONE}"
    ),
    "a broken chunk": chunked(event(HI), told=f"Hi{CUT}"),
    "a broken chunk, later": chunked(f": {'x' * 500_000}\n\n{event(HI)}", told=f"Hi{CUT}"),
    "a broken chunk after all": chunked(event(HI), event(STOP), event(DONE), told=f"Hi{DONE}"),
    "a header of 9 kB": headed(f"X-Long: {'x' * 9_000}"),
    "a header of 60 kB": headed(f"X-Long: {'x' * 60_000}"),
    "a header of 80 kB": headed(f"X-Long: {'x' * 80_000}"),
    "150 headers": headed(*["X-Many: x"] * 150),
    "3,000 headers": headed(*["X-Many: x"] * 3000),
    "a header of another alphabet": headed("X-Odd: žluť"),
    "an event over several lines": streamed(LINES, STOP, DONE),
    "no reason": streamed(HI, DONE),
    "an empty reason": streamed(HI, chunk({}, ""), DONE),
    "no word of a reason": streamed(
        '{"choices": [{"index": 0, "delta": {"content": "Hi"}}]}', DONE
    ),
    "a call without a reason": streamed(chunk({"tool_calls": [CALLED]}), DONE, told=DONE),
    "an empty reason after the real one": streamed(HI, STOP, chunk({"content": ""}, ""), DONE),
    "no credit": unpaid("application/json", NO_CREDIT),
    "no credit, in HTML": unpaid("text/html", b"<h1>Pay first</h1>"),
    "a byte order mark": whole(completion("Hi").encode("utf-8-sig")),
    "UTF-16": whole(completion("Hi").encode("utf-16")),
    "UTF-16, unsaid": whole(completion("Hi").encode("utf-16-le")),
}
replies = pytest.mark.parametrize("name", REPLIES)


def said(sent: str) -> str:
    if sent == DONE:
        return DONE
    match json.loads(sent):
        case {"error": {"message": str() as message}}:
            return message
        case {"choices": [{"delta": {"content": str() as word}}]}:
            return word
    return ""


def told(response: httpx2.Response) -> str:
    if response.headers["content-type"].startswith("text/event-stream"):
        return "".join(map(said, response.text.replace("data: ", "").split("\n\n")[:-1]))
    match response.json():
        case {"error": {"message": str() as message}}:
            return message
        case {"choices": [{"message": {"content": str() as text}}]}:
            return text
    raise AssertionError(response.text)
