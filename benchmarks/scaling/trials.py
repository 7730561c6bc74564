"""What befalls two replicas, and what their clients notice of it."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import httpx2

from benchmarks.scaling.fleet import Fleet
from benchmarks.scaling.load import Answer, at_once, client_of, load, replicas_of, stream
from benchmarks.upstream import COUNTED

MANY = "1000000000"
UNAVAILABLE = 503
RATE, STREAMS_A_DAY = 60, 12
RESERVED = 80  # tokens, or some less, for a stream while it runs: more than two of them cost
UNLIMITED = {"REQUESTS_PER_MINUTE": MANY, "TOKENS_PER_DAY": MANY}
LIMITED = {
    "REQUESTS_PER_MINUTE": str(RATE),
    # The last stream needs what is reserved for it; what then is left is too little for another.
    "TOKENS_PER_DAY": str((STREAMS_A_DAY - 1) * COUNTED["total_tokens"] + RESERVED),
}
AT_ONCE = {"streams": 24, "plains": 4}
WARM_UP = 2.0  # seconds under load before something happens, and after it
NOTICED = 1.0  # seconds until a lost replica is started again
OUTAGE = 6.0  # seconds without Redis
PATIENCE = 60.0  # seconds for what has to happen


@dataclass(frozen=True)
class SharedLimits:
    """The limits of one client, asked for more than they allow over both replicas.

    Args:
        smaller_share: requests that reached the replica that got fewer.
    """

    requests: int
    requests_let_in: int
    requests_allowed: int
    streams: int
    streams_let_in: int
    streams_allowed: int
    smaller_share: int


@dataclass(frozen=True)
class Killed:
    """One replica is killed under load, and started again.

    Args:
        there: requests that it had when it was killed.
        there_cut: of these, the ones that failed; the others were repeated.
        elsewhere_lost: of all others, the ones that failed.
        serves_again_seconds: from its end until it was given a request again.
    """

    requests: int
    there: int
    there_cut: int
    elsewhere_lost: int
    serves_again_seconds: float


@dataclass(frozen=True)
class RedisLost:
    """Redis is stopped, or hangs, under load, and comes back.

    Args:
        streams_refused: with 503, since their budget could not be looked at.
        plain_let_in: requests that cost no tokens.
        otherwise_failed: any other failure, and a stream that ran already and was cut.
        slowest_seconds: the longest wait for an answer that Redis was asked for.
        ready: every replica said that it serves, and named Redis as lost; then as found.
        recovered_seconds: from its return until every stream was let in again.
    """

    manner: Literal["stopped", "hung"]
    streams_refused: int
    plain_let_in: int
    otherwise_failed: int
    slowest_seconds: float
    ready: bool
    recovered_seconds: float


@dataclass(frozen=True)
class RollingRestart:
    """Each replica in turn is stopped and started again, under load."""

    restarts: int
    streams: int
    plain: int
    lost: int
    seconds: float


def share_limits(fleet: Fleet) -> SharedLimits:
    """Of a fleet that is LIMITED."""
    asked = 2 * RATE
    statuses = at_once(fleet, asked, clients=16, name="bob")
    with client_of(fleet) as client:
        answers = [stream(client) for _ in range(2 * STREAMS_A_DAY)]
    last = [ports[-1] for ports in replicas_of(fleet.served).values()]
    return SharedLimits(
        asked,
        statuses.count(200),
        RATE,
        len(answers),
        sum(answer.complete for answer in answers),
        STREAMS_A_DAY,
        min(last.count(replica.port) for replica in fleet.replicas),
    )


def kill_one(fleet: Fleet) -> Killed:
    victim = fleet.replicas[0]
    with load(fleet, **AT_ONCE) as answers:
        time.sleep(WARM_UP)
        killed = time.time()
        victim.kill()
        time.sleep(NOTICED)
        fleet.start(victim)
        started = time.time()
        first = first_of(answers, lambda a: a.started > started and victim.port in served(fleet, a))
        time.sleep(WARM_UP)
    went = replicas_of(fleet.served)
    there = [a for a in answers if a.started <= killed <= a.ended and victim.port in went[a.name]]
    cut = sum(not answer.complete for answer in there)
    return Killed(
        len(answers),
        len(there),
        cut,
        sum(not answer.complete for answer in answers) - cut,
        round(first.ended - killed, 1),
    )


def lose_redis(fleet: Fleet, manner: Literal["stopped", "hung"]) -> RedisLost:
    with load(fleet, **AT_ONCE) as answers:
        time.sleep(WARM_UP)
        lost = time.time()
        if manner == "stopped":
            fleet.redis.stop()
        else:
            fleet.redis.process.send_signal(signal.SIGSTOP)
        time.sleep(OUTAGE / 2)
        ready = all(readiness(fleet, replica) == (200, ["redis"]) for replica in range(2))
        time.sleep(OUTAGE / 2)
        back = time.time()
        if manner == "stopped":
            fleet.redis.start()
        else:
            fleet.redis.process.send_signal(signal.SIGCONT)
        first_of(answers, lambda a: a.is_stream and a.complete and a.started > back)
        time.sleep(WARM_UP)
        ready = ready and all(readiness(fleet, replica) == (200, []) for replica in range(2))
    refused = [a for a in answers if a.is_stream and a.status == UNAVAILABLE and a.ended > lost]
    waited = [a for a in answers if a.ended > lost and a.started < back]
    asked = [a for a in waited if not (a.is_stream and a.complete)]
    return RedisLost(
        manner,
        len(refused),
        sum(a.complete for a in waited if not a.is_stream),
        sum(not a.complete for a in answers) - len(refused),
        round(max(a.ended - a.started for a in asked), 1),
        ready,
        round(max(0.0, max(a.ended for a in refused) - back), 1),
    )


def restart_in_turn(fleet: Fleet, rounds: int) -> RollingRestart:
    with load(fleet, **AT_ONCE) as answers:
        time.sleep(WARM_UP)
        began = time.monotonic()
        for replica in fleet.replicas * rounds:
            replica.stop()
            fleet.start(replica)
        seconds = time.monotonic() - began
        time.sleep(WARM_UP)
    return RollingRestart(
        rounds * len(fleet.replicas),
        sum(answer.is_stream for answer in answers),
        sum(not answer.is_stream for answer in answers),
        sum(not answer.complete for answer in answers),
        round(seconds, 1),
    )


def readiness(fleet: Fleet, replica: int) -> tuple[int, list[str]]:
    url = f"http://127.0.0.1:{fleet.replicas[replica].port}/readyz"
    response = httpx2.get(url, timeout=PATIENCE)
    return response.status_code, response.json()["lost"]


def served(fleet: Fleet, answer: Answer) -> list[int]:
    return replicas_of(fleet.served).get(answer.name, [])


def first_of(answers: list[Answer], wanted: Callable[[Answer], bool]) -> Answer:
    """Waits for the first answer that is as wanted; each is looked at once."""
    deadline = time.monotonic() + PATIENCE
    seen = 0
    while time.monotonic() < deadline:
        for answer in answers[seen:]:
            seen += 1
            if wanted(answer):
                return answer
        time.sleep(0.05)
    raise RuntimeError(f"nothing of the kind in {PATIENCE} s: {answers[-3:]}")
