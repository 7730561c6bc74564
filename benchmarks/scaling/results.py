"""What the trials showed, and how it is kept."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from benchmarks.scaling.trials import Killed, RedisLost, RollingRestart, SharedLimits

FILE = Path(__file__).parent / "results.json"


@dataclass(frozen=True)
class Trials:
    """All trials of one kind of server."""

    limits: SharedLimits
    killed: Killed
    restarted: RollingRestart
    redis_stopped: RedisLost
    redis_hung: RedisLost


@dataclass(frozen=True)
class Results:
    """The trials of every kind of server, by its name."""

    machine: Mapping[str, str]
    servers: Mapping[str, Trials]

    @classmethod
    def read(cls) -> Self:
        kept: dict[str, Any] = json.loads(FILE.read_text())
        servers = {
            name: Trials(
                SharedLimits(**trials["limits"]),
                Killed(**trials["killed"]),
                RollingRestart(**trials["restarted"]),
                RedisLost(**trials["redis_stopped"]),
                RedisLost(**trials["redis_hung"]),
            )
            for name, trials in kept["servers"].items()
        }
        return cls(kept["machine"], servers)

    def write(self) -> None:
        FILE.write_text(json.dumps(asdict(self), indent=1) + "\n")
