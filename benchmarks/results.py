"""What was measured, and how it is kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Literal, Self

from benchmarks.scaling.trials import Killed, RedisLost, RollingRestart, SharedLimits

FILE = Path(__file__).parent / "results.json"
OWN_MODULES = 20_000  # of the user's, in a large project
FLAT = {"uvicorn": 1.5, "gthread": None, "gevent": 1.5}


@dataclass(frozen=True)
class Comparison:
    """Ours and a baseline, measured in turn, round after round.

    Args:
        server: `uvicorn`, or a worker class of gunicorn; for the tool, what it is asked for.
        unit: of the rounds' values.
        wanted: whether the service's value should be at least, or at most, `target` times the
            baseline's.
        target: none where the baseline does less than we do, and is there to be seen.
        service: one value a round.
        baseline: one value a round.
    """

    server: str
    unit: str
    wanted: Literal["at least", "at most"]
    target: float | None
    service: Sequence[float]
    baseline: Sequence[float]

    @property
    def ratio(self) -> float:
        """The median over the rounds: what disturbs one round does not decide."""
        pairs = zip(self.service, self.baseline, strict=True)
        return median(service / baseline for service, baseline in pairs)

    @property
    def holds(self) -> bool:
        if self.target is None:
            return True
        if self.wanted == "at least":
            return self.ratio >= self.target
        return self.ratio <= self.target


@dataclass(frozen=True)
class Claim(Comparison):
    """A row of a table that a reason of the recommendation refers to; no target: it is shown.

    Args:
        table: which of the tables.
    """

    table: str


@dataclass(frozen=True)
class Crowd:
    """Streams of 20 tokens, one every 50 ms, all asked for at once; all of them came whole.

    Args:
        server: `uvicorn`, or a worker class of gunicorn.
        streams: how many at once.
        cpu_milliseconds: of the server, for each stream; one value a round.
        first_token_seconds: until the first token, at the 95th percentile; one value a round.
        peak_megabytes: the most memory that the server had held by then.
    """

    server: str
    streams: int
    cpu_milliseconds: Sequence[float]
    first_token_seconds: Sequence[float]
    peak_megabytes: float


@dataclass(frozen=True)
class Share:
    """A step of `new --yes`, and the median of its milliseconds."""

    step: str
    milliseconds: int


@dataclass(frozen=True)
class Size:
    """A template of so many files: milliseconds of `new --yes` and of Copier, one value a round."""

    files: int
    tool: Sequence[float]
    tool_cpu: Sequence[float]
    copier: Sequence[float]
    copier_cpu: Sequence[float]


@dataclass(frozen=True)
class Found:
    """How many of a half of the questions find their passage among the first five.

    Args:
        half: `tuned` or `held`: whether search was tuned with these 50 questions.
        by: `words`, `vectors` or `both`.
        same: of 25 in the passage's words.
        other: of 25 in other words.
        mrr: the mean of the reciprocal ranks, of all 50.
    """

    half: str
    by: str
    same: int
    other: int
    mrr: float

    @property
    def recall(self) -> int:
        return self.same + self.other


@dataclass(frozen=True)
class Extracted:
    """What answers without a model say to a kind of questions.

    Args:
        half: `tuned` or `held`: whether the least score was set with these questions.
        words: `same` or `other`, as the passage's; none where no passage answers.
        right: a sentence of the passage that answers.
        wrong: another one.
        none: "not in the documents".
    """

    half: str
    words: str | None
    right: int
    wrong: int
    none: int


@dataclass(frozen=True)
class Quality:
    """How well documents are searched with the embeddings of a model."""

    model: str
    passages: int
    searches: Sequence[Found]
    extracts: Sequence[Extracted]

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Self:
        return cls(
            kept["model"],
            kept["passages"],
            [Found(**found) for found in kept["searches"]],
            [Extracted(**extracted) for extracted in kept["extracts"]],
        )


@dataclass(frozen=True)
class Speed:
    """A search of a service, asked over HTTP, and pgvector's exact scan of the same vectors.

    Args:
        database: `SQLite` or `PostgreSQL`.
        passages: among which is searched.
        size: of a vector.
        first_milliseconds: when nothing is in memory.
        first_cpu_milliseconds: of the service, for that one.
        cached_milliseconds: afterwards; the fastest.
        cpu_milliseconds: of the service, afterwards; in the round that took least.
        held_megabytes: above the idle service, after the first search.
        peak_megabytes: above the idle service, at most.
        pgvector_milliseconds: of the statement alone; the fastest.
    """

    database: str
    passages: int
    size: int
    first_milliseconds: int
    first_cpu_milliseconds: int
    cached_milliseconds: float
    cpu_milliseconds: float
    held_megabytes: int
    peak_megabytes: int
    pgvector_milliseconds: float | None


@dataclass(frozen=True)
class Trials:
    """All that two replicas of one kind of server were put through."""

    limits: SharedLimits
    killed: Killed
    restarted: RollingRestart
    redis_stopped: RedisLost
    redis_hung: RedisLost

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Self:
        return cls(
            SharedLimits(**kept["limits"]),
            Killed(**kept["killed"]),
            RollingRestart(**kept["restarted"]),
            RedisLost(**kept["redis_stopped"]),
            RedisLost(**kept["redis_hung"]),
        )


@dataclass(frozen=True)
class Results:
    """All parts.

    Args:
        conditions: for each part when it was measured, and with which versions.
        replicas: by the kind of server.
    """

    conditions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    relay: Sequence[Comparison] = ()
    responses: Sequence[Comparison] = ()
    agents: Sequence[Comparison] = ()
    tools: Sequence[Comparison] = ()
    history: Sequence[Comparison] = ()
    chats: Sequence[Comparison] = ()
    plain: Sequence[Comparison] = ()
    echo: Sequence[Comparison] = ()
    claims: Sequence[Claim] = ()
    growth: Sequence[Crowd] = ()
    start: Sequence[Comparison] = ()
    create: Sequence[Comparison] = ()
    update: Sequence[Comparison] = ()
    large: Sequence[Comparison] = ()
    shares: Sequence[Share] = ()
    sizes: Sequence[Size] = ()
    documents: Sequence[Quality] = ()
    search: Sequence[Speed] = ()
    replicas: Mapping[str, Trials] = field(default_factory=dict)

    @classmethod
    def read(cls) -> Self:
        kept: dict[str, Any] = json.loads(FILE.read_text())
        return cls(
            conditions=kept["conditions"],
            relay=[Comparison(**comparison) for comparison in kept["relay"]],
            responses=[Comparison(**comparison) for comparison in kept.get("responses", ())],
            agents=[Comparison(**comparison) for comparison in kept.get("agents", ())],
            tools=[Comparison(**comparison) for comparison in kept.get("tools", ())],
            history=[Comparison(**comparison) for comparison in kept.get("history", ())],
            chats=[Comparison(**comparison) for comparison in kept.get("chats", ())],
            plain=[Comparison(**comparison) for comparison in kept["plain"]],
            echo=[Comparison(**comparison) for comparison in kept["echo"]],
            claims=[Claim(**claim) for claim in kept["claims"]],
            growth=[Crowd(**crowd) for crowd in kept["growth"]],
            start=[Comparison(**comparison) for comparison in kept["start"]],
            create=[Comparison(**comparison) for comparison in kept["create"]],
            update=[Comparison(**comparison) for comparison in kept["update"]],
            large=[Comparison(**comparison) for comparison in kept["large"]],
            shares=[Share(**share) for share in kept["shares"]],
            sizes=[Size(**size) for size in kept["sizes"]],
            documents=[Quality.of(quality) for quality in kept.get("documents", ())],
            search=[Speed(**speed) for speed in kept.get("search", ())],
            replicas={server: Trials.of(trials) for server, trials in kept["replicas"].items()},
        )

    @property
    def flatness(self) -> list[Comparison]:
        """What a stream costs among 1,000, beside one among 100 in the same round."""
        cpu = {(crowd.server, crowd.streams): crowd.cpu_milliseconds for crowd in self.growth}
        return [
            Comparison(
                server, "CPU ms a stream", "at most", target, cpu[server, 1000], cpu[server, 100]
            )
            for server, target in FLAT.items()
            if (server, 1000) in cpu
        ]

    @property
    def comparisons(self) -> list[Comparison]:
        """Everything that has a baseline."""
        asked = (self.relay, self.responses, self.agents, self.tools, self.history)
        services = (*asked, self.chats, self.plain, self.echo, self.claims, self.flatness)
        tool = (self.start, self.create, self.update, self.large)
        return [comparison for part in (*services, *tool) for comparison in part]

    def write(self) -> None:
        FILE.write_text(json.dumps(asdict(self), indent=1) + "\n")
