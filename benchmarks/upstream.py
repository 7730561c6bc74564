"""A model that costs next to nothing: an OpenAI-compatible endpoint on bare asyncio.

`python -m benchmarks.upstream PORT PAUSE` streams `TOKENS` tokens to whoever asks, PAUSE
seconds apart; a tool that it is offered it calls `CALLS` times before. It runs in a process of its
own, so that its work is not counted as the server's.
"""

import asyncio
import json
import re
import sys
from typing import Any

TOKENS = 20
CALLS = 10
RESULT = re.compile(rb'"role": ?"tool"')
BACKLOG = 4096
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(choices: list[Any], **usage: dict[str, int] | None) -> bytes:
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1767225600,
        "model": "bench",
        "service_tier": "default",
        "system_fingerprint": None,
        "choices": choices,
        **usage,
    }
    return chunked(b"data: %b\n\n" % json.dumps(chunk, separators=(",", ":")).encode())


def choice(finish_reason: str | None, **delta: object) -> list[Any]:
    return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}]


def answer(**usage: dict[str, int] | None) -> list[bytes]:
    tokens = [event(choice(None, content=f" token{number}"), **usage) for number in range(TOKENS)]
    return [*tokens, event(choice("stop"), **usage)]


def call(number: int) -> list[bytes]:
    """Returns one call of a tool, its arguments in pieces, as OpenAI tells it."""
    function = {"name": "look_up", "arguments": ""}
    begun = {"index": 0, "id": f"call_{number}", "type": "function", "function": function}
    pieces = ('{"', "number", '":', str(number), "}")
    deltas = [begun, *({"index": 0, "function": {"arguments": piece}} for piece in pieces)]
    events = [event(choice(None, tool_calls=[delta]), usage=None) for delta in deltas]
    return [*events, event(choice("tool_calls"), usage=None), event([], usage=COUNTED), DONE]


DONE = chunked(b"data: [DONE]\n\n")
COUNTED = {"prompt_tokens": 9, "completion_tokens": TOKENS, "total_tokens": 9 + TOKENS}
PLAIN = [*answer(), DONE]
# As OpenAI does it: asked for usage, every chunk has the field, and the last one has the value.
WITH_USAGE = [*answer(usage=None), event([], usage=COUNTED), DONE]
STEPS = [*map(call, range(CALLS)), WITH_USAGE]


def answer_to(body: bytes) -> list[bytes]:
    if b'"tools":' in body:
        return STEPS[len(RESULT.findall(body))]
    return WITH_USAGE if b"include_usage" in body else PLAIN


async def serve(port: int, pause: float) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                writer.write(HEAD)
                for data in answer_to(body):
                    # Without a pause each token is still a write of its own, as from a model.
                    await asyncio.sleep(pause)
                    writer.write(data)
                writer.write(END)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port, backlog=BACKLOG)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
