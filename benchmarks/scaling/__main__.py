"""Tries two replicas of every generated service, and writes results.json and the page's tables."""

import os
import platform
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from benchmarks.projects import KINDS, Bench, prepare
from benchmarks.report import replica_tables, update_pages
from benchmarks.results import Results, Trials
from benchmarks.scaling import trials
from benchmarks.scaling.fleet import Fleet, Service, running
from benchmarks.servers import upstream

TOKEN_SECONDS = 0.05
ROUNDS = 5
T = TypeVar("T")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="genai-scaffold-scaling-") as folder:
        bench = prepare(Path(folder), "--deploy=systemd")
        tried = {kind: everything(bench, kind) for kind in KINDS}
        kept = Results.read()
        conditions = {**kept.conditions, "replicas": machine(bench)}
    results = replace(kept, conditions=conditions, replicas=tried)
    results.write()
    update_pages(results)
    print(replica_tables(results))


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
