"""Clients that go on asking, over nginx, until they are told to stop; each looks at its answers."""

import re
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import httpx2

from benchmarks.scaling.fleet import KEYS, Fleet
from benchmarks.upstream import TOKENS

PORT = re.compile(r":(\d+)")
TIMEOUT = 60  # seconds for any one answer
BACK_OFF = 0.2  # seconds after a failure
PAUSE = 0.02  # seconds between two requests that ask no model
BODY: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Tell me in a few words what a load test is for."}],
    "stream": True,
    "max_tokens": TOKENS,
}


@dataclass(frozen=True)
class Answer:
    """What became of one request.

    Args:
        is_stream: it asked the model for tokens; a plain one costs none.
        started, ended: by the clock of this machine.
        status: None where the connection broke before there was one.
        complete: the whole answer came; a stream with every token and its closing mark.
    """

    name: str
    is_stream: bool
    started: float
    ended: float
    status: int | None
    complete: bool


def stream(client: httpx2.Client) -> Answer:
    """Asks for a stream of tokens."""

    def is_complete(text: str) -> bool:
        whole = text.count('"content":" token') == TOKENS
        return whole and text.rstrip().endswith("data: [DONE]")

    return ask(client, "POST", "/v1/chat/completions", is_complete, BODY)


def plain(client: httpx2.Client) -> Answer:
    """Asks for something that costs no tokens."""
    time.sleep(PAUSE)
    return ask(client, "GET", "/v1/models", lambda text: '"bench"' in text)


def ask(
    client: httpx2.Client,
    method: str,
    path: str,
    is_complete: Callable[[str], bool],
    body: dict[str, Any] | None = None,
) -> Answer:
    name = uuid.uuid4().hex
    started = time.time()
    status, complete = None, False
    try:
        with client.stream(method, path, headers={"x-request-id": name}, json=body) as response:
            status = response.status_code
            text = response.read().decode()
            complete = response.is_success and is_complete(text)
    except httpx2.TransportError:
        complete = False
    return Answer(name, method == "POST", started, time.time(), status, complete)


def client_of(fleet: Fleet, name: str = "alice") -> httpx2.Client:
    headers = {"authorization": f"Bearer {KEYS[name]}"}
    return httpx2.Client(base_url=fleet.url, headers=headers, timeout=TIMEOUT)


@contextmanager
def load(fleet: Fleet, streams: int, plains: int) -> Iterator[list[Answer]]:
    """So many clients of each kind ask one request after another; afterwards the list is whole.

    It begins once there are as many streams as clients: on a busy machine these take seconds.
    """
    answers: list[Answer] = []
    stopped = Event()

    def one_after_another(request: Callable[[httpx2.Client], Answer]) -> None:
        with client_of(fleet) as client:
            while not stopped.is_set():
                answers.append(request(client))
                if not answers[-1].complete:
                    stopped.wait(BACK_OFF)

    with ThreadPoolExecutor(streams + plains) as pool:
        kinds = [stream] * streams + [plain] * plains
        clients = [pool.submit(one_after_another, kind) for kind in kinds]
        try:
            while sum(answer.is_stream for answer in answers) < streams:
                if any(client.done() for client in clients):  # it has failed
                    break
                time.sleep(PAUSE)
            yield answers
        finally:
            stopped.set()
    for client in clients:
        client.result()


def at_once(fleet: Fleet, requests: int, clients: int, name: str) -> list[int | None]:
    """The statuses of so many plain requests, sent by so many clients."""
    left = iter(range(requests))

    def one_after_another() -> list[int | None]:
        with client_of(fleet, name) as client:
            return [plain(client).status for _ in left]

    with ThreadPoolExecutor(clients) as pool:
        batches = [pool.submit(one_after_another) for _ in range(clients)]
    return [status for batch in batches for status in batch.result()]


def replicas_of(log: Path) -> dict[str, list[int]]:
    """The ports of the replicas that nginx passed each request to, in order."""
    lines = (line.split(" ", 2) for line in log.read_text().splitlines())
    return {name: [int(p) for p in PORT.findall(addresses)] for name, _, addresses in lines}
