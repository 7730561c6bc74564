"""What was measured, and how it is kept."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal, Self

FILE = Path(__file__).parent / "results.json"


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
class Crowd:
    """Streams of 20 tokens, one every 50 ms, all asked for at once; the median of some rounds.

    Args:
        server: `uvicorn`, or a worker class of gunicorn.
        streams: how many at once.
        complete: how many of them came whole, in the worst round.
        cpu_milliseconds: of the server, for each stream.
        first_token_seconds: until the first token, at the 95th percentile.
        peak_megabytes: the most memory that the server had held by then.
    """

    server: str
    streams: int
    complete: int
    cpu_milliseconds: float
    first_token_seconds: float
    peak_megabytes: float


@dataclass(frozen=True)
class Share:
    """A step of `new --yes`, and the median of its milliseconds."""

    step: str
    milliseconds: int


@dataclass(frozen=True)
class Size:
    """A template of so many files, and the median milliseconds of `new --yes` and of Copier."""

    files: int
    tool: int
    copier: int


@dataclass(frozen=True)
class Results:
    machine: dict[str, str]
    relay: Sequence[Comparison] = ()
    plain: Sequence[Comparison] = ()
    growth: Sequence[Crowd] = ()
    start: Sequence[Comparison] = ()
    create: Sequence[Comparison] = ()
    shares: Sequence[Share] = ()
    sizes: Sequence[Size] = ()

    @classmethod
    def read(cls) -> Self:
        kept: dict[str, Any] = json.loads(FILE.read_text())
        return cls(
            machine=kept["machine"],
            relay=[Comparison(**comparison) for comparison in kept["relay"]],
            plain=[Comparison(**comparison) for comparison in kept["plain"]],
            growth=[Crowd(**crowd) for crowd in kept["growth"]],
            start=[Comparison(**comparison) for comparison in kept.get("start", ())],
            create=[Comparison(**comparison) for comparison in kept.get("create", ())],
            shares=[Share(**share) for share in kept.get("shares", ())],
            sizes=[Size(**size) for size in kept.get("sizes", ())],
        )

    def write(self) -> None:
        FILE.write_text(json.dumps(asdict(self), indent=1) + "\n")
