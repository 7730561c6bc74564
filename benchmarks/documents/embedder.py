"""A model that only embeds, and at once: `python -m benchmarks.documents.embedder PORT SIZE`.

It runs in a process of its own, so that its work is not counted as the server's.
"""

import asyncio
import json
import random
import sys

from benchmarks.upstream import LENGTH


def answer(size: int) -> bytes:
    chance = random.Random(2)  # noqa: S311 - of a benchmark
    numbers = [chance.gauss() for _ in range(size)]
    embedding = {"object": "embedding", "index": 0, "embedding": numbers}
    usage = {"prompt_tokens": 9, "total_tokens": 9}
    listed = {"object": "list", "data": [embedding], "model": "bench", "usage": usage}
    body = json.dumps(listed).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


async def serve(port: int, size: int) -> None:
    said = answer(size)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                length = LENGTH.search(await reader.readuntil(b"\r\n\r\n"))
                await reader.readexactly(int(length[1]) if length else 0)
                writer.write(said)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
