"""The measurements. Both sides of a comparison run at once and are asked in turn."""

import os
import platform
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from statistics import quantiles

from benchmarks import filled, load
from benchmarks.projects import KINDS, OURS, Bench
from benchmarks.results import Claim, Comparison, Crowd
from benchmarks.servers import Server, upstream

AT_ONCE = {"relay": 16, "echo": 32, "chats": 4}
# Short turns and many of them: what else a machine does then meets both sides.
RELAY_ROUNDS, RELAY_STREAMS = 31, 64
TOOLS_ROUNDS, TOOLS_STREAMS = 9, 16
CHATS_ROUNDS, CHATS_REQUESTS = 9, 40
CHATS_KEPT = (1_000, 10)
ECHO_ROUNDS, ECHO_REQUESTS = 21, 2400
TOKEN_SECONDS = 0.05
PAUSE_SECONDS, MOST_PAUSES, IDLE = 0.3, 100, 0.02  # of one core
GROWTH_ROUNDS, GROWTH_STREAMS = 5, (1, 10, 100, 1000)
MOST = max(GROWTH_STREAMS)
OPEN_FILES = 8 * MOST
# The generated setting is for fewer: a thread for each stream, and the connections to match.
GTHREAD_OPTIONS = f"--threads {MOST} --worker-connections {2 * MOST}"

RELAY_TARGETS = {"uvicorn": 1 / 3, "gthread": 0.6, "gevent": 0.6}
RESPONSES_TARGETS = dict.fromkeys(KINDS, 2.0)
TOOLS_TARGETS = dict.fromkeys(("uvicorn", "gthread"), 1 / 3)
HISTORY_TARGETS = {"uvicorn": None, "gthread": 1.5, "gevent": 1.5}
CHATS_TARGETS = dict.fromkeys(KINDS, 1.5)
AGENTS_TARGETS = dict.fromkeys(KINDS, 1.0)
PLAIN_TARGETS = {"uvicorn": 0.9, "gthread": 0.8, "gevent": 0.8}
PROTOTYPE_TARGETS = {"uvicorn": 0.9, "gthread": 0.85}

PROTOTYPE_ROUNDS, PROTOTYPE_REQUESTS = 31, 400
CLAIM_ROUNDS, CLAIM_REQUESTS = 21, 960
WAITING_ROUNDS, STREAM_ROUNDS = 5, 5
# Of each server: on how many connections, and how many requests that wait half a second each. What
# takes them a few at a time is asked for fewer.
WAITING = {
    "gevent": (100, 300),
    "gthread-100": (100, 300),
    "gthread-8": (100, 100),
    "sync": (8, 8),
}


def machine() -> dict[str, str]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.0f}",
        "Python": platform.python_version(),
    }


def relay(bench: Bench) -> Iterator[Comparison]:
    """CPU of the server for each stream that it relays from a model without delay."""
    for kind, target in RELAY_TARGETS.items():
        with (
            upstream(0, bench.log) as url,
            bench.service(kind, url) as service,
            bench.baseline(kind, "relay", url) as baseline,
        ):
            rounds = in_turn(spent_on(load.CHAT), service, baseline, RELAY_ROUNDS)
        yield Comparison(kind, "CPU ms a stream", "at most", target, *rounds)


def responses(bench: Bench) -> Iterator[Comparison]:
    """CPU of a service for each stream that it tells as a response, beside one of its chat."""
    for kind, target in RESPONSES_TARGETS.items():
        with upstream(0, bench.log) as url, bench.service(kind, url) as service:
            cost, beside = spent_on(load.RESPONSE), spent_on(load.CHAT)
            rounds = in_turn(cost, service, service, RELAY_ROUNDS, beside)
        yield Comparison(kind, "CPU ms a stream", "at most", target, *rounds)


def agents(bench: Bench) -> Iterator[Comparison]:
    """The same, beside the objects that openai-agents makes of each chunk."""
    for kind, target in AGENTS_TARGETS.items():
        with (
            upstream(0, bench.log) as url,
            bench.service(kind, url) as service,
            bench.baseline(kind, "responses", url) as baseline,
        ):
            rounds = in_turn(spent_on(load.RESPONSE), service, baseline, RELAY_ROUNDS)
        yield Comparison(kind, "CPU ms a stream", "at most", target, *rounds)


def tools(bench: Bench) -> Iterator[Comparison]:
    """CPU of a service for a chat in which its model calls a tool ten times, step by step."""
    for kind, target in TOOLS_TARGETS.items():
        with (
            upstream(0, bench.log) as url,
            bench.service(kind, url, preset="tools") as service,
            bench.baseline(kind, "tools", url) as baseline,
        ):
            rounds = in_turn(spent_on(load.AGENT, TOOLS_STREAMS), service, baseline, TOOLS_ROUNDS)
        yield Comparison(kind, "CPU ms a chat", "at most", target, *rounds)


def history(bench: Bench) -> Iterator[Comparison]:
    """CPU of a service for a response that it keeps in SQLite, beside one that it does not."""
    for kind, target in HISTORY_TARGETS.items():
        with (
            upstream(0, bench.log) as url,
            bench.service(kind, url, preset="history") as service,
        ):
            cost, beside = spent_on(load.KEPT), spent_on(load.NOT_KEPT)
            rounds = in_turn(cost, service, service, RELAY_ROUNDS, beside)
        yield Comparison(kind, "CPU ms a stream", "at most", target, *rounds)


def chats(bench: Bench) -> Iterator[Comparison]:
    """CPU of a service to list 20 chats, and to open one, where it keeps many, beside a few."""
    for kind, target in CHATS_TARGETS.items():
        with ExitStack() as stack:
            many, few = (
                stack.enter_context(remembering(bench, kind, count)) for count in CHATS_KEPT
            )
            for path in ("/api/chats", f"/api/chats/{filled.FIRST}"):
                rounds = in_turn(
                    spent(path, load.get(path), CHATS_REQUESTS), many, few, CHATS_ROUNDS
                )
                yield Comparison(kind, f"CPU ms for {path}", "at most", target, *rounds)


@contextmanager
def remembering(bench: Bench, kind: str, chats: int) -> Iterator[Server]:
    """Runs a service that keeps so many chats of 100 turns in a database of its own."""
    database = bench.folder / f"{kind}-{chats}.db"
    address = f"sqlite:///{database}"
    with bench.service(kind, preset="history", DATABASE_URL=address) as server:
        load.echo(server.port, 1, 1, request=load.get("/api/chats"))  # now it has its tables
        filled.fill(database, chats)
        yield server


def plain(bench: Bench) -> Iterator[Comparison]:
    """Requests a second of the route that asks no model."""

    def throughput(server: Server) -> float:
        return load.echo(server.port, ECHO_REQUESTS, AT_ONCE["echo"])

    for kind, target in PLAIN_TARGETS.items():
        with bench.service(kind) as service, bench.baseline(kind, "sample") as baseline:
            rounds = in_turn(throughput, service, baseline, ECHO_ROUNDS)
        yield Comparison(kind, "requests a second", "at least", target, *rounds)


def echo(bench: Bench) -> Iterator[Comparison]:
    """Requests a second of each prototype, beside the comparison's own sample."""
    for kind, target in PROTOTYPE_TARGETS.items():
        with (
            bench.prototype(kind) as prototype,
            bench.baseline(kind, "sample", preset="prototype", parser=OURS) as baseline,
        ):
            throughput = asked("/echo", PROTOTYPE_REQUESTS)
            rounds = in_turn(throughput, prototype, baseline, PROTOTYPE_ROUNDS)
        yield Comparison(kind, "requests a second", "at least", target, *rounds)


def claims(bench: Bench) -> Iterator[Claim]:
    """What the reasons of the recommendation say that was measured."""
    for part in (async_views, other_servers, waiting_calls, many_streams):
        yield from part(bench)


def async_views(bench: Bench) -> Iterator[Claim]:
    with bench.views("gthread-8") as flask:
        rounds = in_turn(spent("/async-echo"), flask, flask, CLAIM_ROUNDS, spent("/echo"))
    yield claim("async-views", "gthread-8", *rounds, unit="CPU ms a request")


def other_servers(bench: Bench) -> Iterator[Claim]:
    with bench.views("uvicorn") as fastapi:
        for kind in ("granian-asgi", "sync", "gthread-8", "gevent", "granian-wsgi"):
            with bench.views(kind) as server:
                rounds = in_turn(spent("/echo"), server, fastapi, CLAIM_ROUNDS)
            yield claim("servers", kind, *rounds, unit="CPU ms a request")


def waiting_calls(bench: Bench) -> Iterator[Claim]:
    with bench.views("uvicorn") as fastapi:
        for kind, (at_once, requests) in WAITING.items():
            wait = asked("/wait", requests, at_once)
            with bench.views(kind) as server:
                rounds = in_turn(wait, server, fastapi, WAITING_ROUNDS, asked("/wait", 300, 100))
            yield claim("waiting", kind, *rounds)


def many_streams(bench: Bench) -> Iterator[Claim]:
    """What a stream costs among 1,000: both services are asked in turn, never at once."""
    allow_open_files()
    with (
        upstream(TOKEN_SECONDS, bench.log) as url,
        bench.service("uvicorn", url) as fastapi,
        bench.service("gevent", url) as flask,
    ):
        rounds = in_turn(lambda server: crowd(server, MOST)[0], fastapi, flask, STREAM_ROUNDS)
    yield claim("streams", "uvicorn", *rounds, unit="CPU ms a stream")


def asked(
    path: str, requests: int = CLAIM_REQUESTS, at_once: int = AT_ONCE["echo"]
) -> Callable[[Server], float]:
    """Returns what measures how many requests of a path a server answers in a second."""
    return lambda server: round(load.echo(server.port, requests, at_once, path), 1)


def spent(
    path: str, request: bytes = b"", requests: int = CLAIM_REQUESTS
) -> Callable[[Server], float]:
    """Returns what measures the CPU of a server for each request of a path."""

    def cost(server: Server) -> float:
        before = server.cpu_seconds()
        load.echo(server.port, requests, AT_ONCE["chats" if request else "echo"], path, request)
        return round(1000 * (server.cpu_seconds() - before) / requests, 3)

    return cost


def claim(
    table: str,
    kind: str,
    service: list[float],
    baseline: list[float],
    unit: str = "requests a second",
) -> Claim:
    return Claim(kind, unit, "at least", None, service, baseline, table=table)


def growth(bench: Bench) -> Iterator[Crowd]:
    """What a stream costs, and how long its first token takes, the more there are at once."""
    allow_open_files()
    for kind in KINDS:
        options = GTHREAD_OPTIONS if kind == "gthread" else ""
        with (
            upstream(TOKEN_SECONDS, bench.log) as url,
            bench.service(kind, url, options) as server,
        ):
            whole(load.crowd(server.port, 10))
            rounds = [
                [crowd(server, streams) for streams in GROWTH_STREAMS] for _ in range(GROWTH_ROUNDS)
            ]
        for streams, values in zip(GROWTH_STREAMS, zip(*rounds, strict=True), strict=True):
            cpu, first_token, peak = zip(*values, strict=True)
            # A peak stays: only the first round goes from few streams to many.
            yield Crowd(kind, streams, cpu, first_token, round(peak[0]))


def crowd(server: Server, streams: int) -> tuple[float, float, float]:
    """Asks for so many streams at once.

    Returns:
        CPU milliseconds a stream, seconds to the first token, and the peak of memory so far.
    """
    before = cpu_seconds_at_rest(server)
    results = whole(load.crowd(server.port, streams))
    spent = 1000 * (cpu_seconds_at_rest(server) - before) / streams
    return round(spent, 3), round(slowest_twentieth(results), 3), server.peak_megabytes()


def cpu_seconds_at_rest(server: Server) -> float:
    """Returns what a server has spent once it is idle.

    To end a thousand streams takes it longer than their clients can see, and the next measurement
    is not to pay for it.
    """
    spent = server.cpu_seconds()
    for _ in range(MOST_PAUSES):
        time.sleep(PAUSE_SECONDS)
        before, spent = spent, server.cpu_seconds()
        if spent - before < IDLE * PAUSE_SECONDS:
            return spent
    raise RuntimeError(f"the server is still busy after {MOST_PAUSES * PAUSE_SECONDS} s")


def slowest_twentieth(streams: list[load.Stream]) -> float:
    """Returns the 95th percentile of the times to the first token."""
    times = [stream.first_token for stream in streams]
    return quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else times[0]


def spent_on(asked: load.Asked, streams: int = RELAY_STREAMS) -> Callable[[Server], float]:
    """Returns what measures the CPU of a server for each stream."""

    def cost(server: Server) -> float:
        before = server.cpu_seconds()
        whole(load.relay(server.port, streams, AT_ONCE["relay"], asked))
        return round(1000 * (server.cpu_seconds() - before) / streams, 3)

    return cost


def whole(streams: list[load.Stream]) -> list[load.Stream]:
    """Returns the streams, if none of them was cut."""
    if cut := sum(not stream.complete for stream in streams):
        raise RuntimeError(f"{cut} of {len(streams)} streams were cut")
    return streams


def in_turn(
    measure: Callable[[Server], float],
    service: Server,
    baseline: Server,
    rounds: int,
    measure_baseline: Callable[[Server], float] | None = None,
) -> tuple[list[float], list[float]]:
    """Measures both, `rounds` times after a first round that only warms up."""
    beside = measure_baseline or measure
    values = [(measure(service), beside(baseline)) for _ in range(rounds + 1)][1:]
    return [of_service for of_service, _ in values], [of_baseline for _, of_baseline in values]


def allow_open_files() -> None:
    """Raises our limit, and so that of the servers that we start: a stream holds two sockets."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
