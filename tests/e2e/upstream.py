"""An OpenAI-compatible endpoint on this machine, which waits where a test wants to look."""

import json
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Semaphore, Thread
from typing import Any, NamedTuple

PATIENCE = 15  # seconds to wait for what a test should do
FLOOD_CHUNKS = 30_000  # of a kilobyte: far more than all buffers on the way hold
PAUSE = 0.02  # seconds between the tokens of an endless answer
RETRY_AFTER = "1"
MODEL = "storyteller"
WORDS = ("Once", " upon", " a", " time")
CALLED = {"index": 0, "id": "c1", "function": {"name": "weather", "arguments": "{}"}}
USAGE = {"prompt_tokens": 1, "completion_tokens": 4, "total_tokens": 5}


class Call(NamedTuple):
    """One request that arrived, and what has become of its answer."""

    authorization: str | None
    request: dict[str, Any]
    go_on: Event  # set by the test: the answer waits for it after its first token
    ended: Event  # set when the last token was made
    left: Event  # set when the caller closed before that
    taken: Semaphore  # counts the chunks of a flood

    @property
    def wish(self) -> str:
        asked: str = self.request.get("input") or self.request["messages"][-1]["content"]
        return asked


class Sent(NamedTuple):
    """All that an upstream sends, and whether it then waits until the caller closes."""

    content: bytes
    stays: bool = False


class Upstream(ThreadingHTTPServer):
    """What the user says is how it is answered.

    To `wait` it streams its first token, and the others when the test lets it go on; at
    `endless` it streams until the caller leaves; at `flood` it streams many megabytes as fast as
    they are taken; after `silent` it streams one token, and nothing
    until the caller leaves; at `busy` it refuses. To `refuse`, `think`, `call` and `nothing` it
    streams an answer of that kind. A test may add `tales` of its own, and what is `sent` as it is.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.calls: queue.Queue[Call] = queue.Queue()
        self.tales = dict(TALES)
        self.sent: dict[str, Sent] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def next_call(self) -> Call:
        return self.calls.get(timeout=PATIENCE)


@contextmanager
def listening() -> Iterator[Upstream]:
    with Upstream() as upstream:
        thread = Thread(target=upstream.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield upstream
        finally:
            upstream.shutdown()
            thread.join()


class Handler(BaseHTTPRequestHandler):
    server: Upstream

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        made = (Event(), Event(), Event(), Semaphore(0))
        call = Call(self.headers["authorization"], request, *made)
        self.server.calls.put(call)
        if call.wish == "busy":
            self.answer(429, {"error": {"message": "later"}}, {"retry-after": RETRY_AFTER})
        elif sent := self.server.sent.get(str(call.wish)):
            self.wfile.write(sent.content)
            if sent.stays:
                self.rfile.read(1)
        elif self.path.endswith("/embeddings"):
            vectors = [{"index": at, "embedding": [1.0]} for at in range(len(request["input"]))]
            self.answer(200, {"object": "list", "data": vectors})
        elif request.get("stream"):
            self.stream(call)
        else:
            message = {"role": "assistant", "content": "".join(WORDS)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self.answer(200, {**head("chat.completion"), "choices": [choice], "usage": USAGE})

    def answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        lengths = {"content-type": "application/json", "content-length": str(len(content))}
        for name, value in {**lengths, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def stream(self, call: Call) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        try:
            for event in self.server.tales.get(str(call.wish), story)(call):
                self.wfile.write(f"data: {event}\n\n".encode())
                if call.wish == "silent":
                    self.rfile.read(1)  # which there is not: it returns when the caller closes
                    raise ConnectionResetError
        except OSError:
            call.left.set()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def story(call: Call) -> Iterator[str]:
    first, *others = WORDS
    yield chunk({"role": "assistant", "content": first})
    if call.wish == "wait":
        call.go_on.wait(PATIENCE)
    for word in others:
        yield chunk({"content": word})
    call.ended.set()
    yield chunk({}, "stop")
    yield json.dumps({**head("chat.completion.chunk"), "choices": [], "usage": USAGE})
    yield "[DONE]"


def endless(_call: Call) -> Iterator[str]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        yield chunk({"content": " and"})
        time.sleep(PAUSE)


def flood(call: Call) -> Iterator[str]:
    for _ in range(FLOOD_CHUNKS):
        yield chunk({"content": "x" * 1000})
        call.taken.release()
    call.ended.set()


Tale = Callable[[Call], Iterator[str]]


def saying(*deltas: dict[str, Any], reason: str = "stop") -> Tale:
    def tale(_: Call) -> Iterator[str]:
        yield from (chunk(delta) for delta in deltas)
        yield chunk({}, reason)
        yield "[DONE]"

    return tale


TALES: dict[str, Tale] = {
    "endless": endless,
    "flood": flood,
    "refuse": saying({"refusal": "I will not."}),
    "think": saying({"reasoning_content": "Well,"}, {"content": "thought"}),
    "call": saying({"tool_calls": [CALLED]}, reason="tool_calls"),
    "nothing": saying(),
}


def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return json.dumps({**head("chat.completion.chunk"), "choices": [choice]})


def head(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": MODEL}
