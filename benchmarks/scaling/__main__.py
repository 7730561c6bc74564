"""Tries two replicas of every generated service, and writes results.json and the page's tables."""

import os
import platform
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from benchmarks.projects import KINDS, Bench, prepare
from benchmarks.scaling import trials
from benchmarks.scaling.fleet import Fleet, Service, running
from benchmarks.scaling.report import tables, update_page
from benchmarks.scaling.results import Results, Trials
from benchmarks.servers import upstream

TOKEN_SECONDS = 0.05
ROUNDS = 5
T = TypeVar("T")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="genai-scaffold-scaling-") as folder:
        bench = prepare(Path(folder), "--deploy=systemd")
        results = Results(machine(bench), {kind: everything(bench, kind) for kind in KINDS})
    results.write()
    update_page(results)
    print(tables(results))


def everything(bench: Bench, kind: str) -> Trials:
    service = Service(bench.project(kind), bench.programs)

    def tried(trial: Callable[[Fleet], T], settings: Mapping[str, str] = trials.UNLIMITED) -> T:
        place = Path(tempfile.mkdtemp(dir=bench.folder))
        with (
            upstream(TOKEN_SECONDS, bench.log) as url,
            running(service, url, place, settings) as fleet,
        ):
            result = trial(fleet)
        print(kind, result, flush=True)
        return result

    return Trials(
        tried(trials.share_limits, trials.LIMITED),
        tried(trials.kill_one),
        tried(lambda fleet: trials.restart_in_turn(fleet, ROUNDS)),
        tried(lambda fleet: trials.lose_redis(fleet, "stopped")),
        tried(lambda fleet: trials.lose_redis(fleet, "hung")),
    )


def machine(bench: Bench) -> dict[str, str]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": str(os.cpu_count()),
        "Python": platform.python_version(),
        "nginx": version("nginx", "-v"),
        "Redis": version("redis-server", "--version"),
        **bench.versions(),
    }


def version(*command: str) -> str:
    shown = subprocess.run(command, check=True, capture_output=True, text=True)
    found = re.search(r"\d+(?:\.\d+)+", shown.stdout + shown.stderr)
    return found[0] if found else "unknown"


if __name__ == "__main__":
    main()
