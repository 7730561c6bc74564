"""Measures the generated services and the tool; writes results.json, the tables and the charts.

`--only` measures one part again, and keeps what was measured of the others.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import chart, measure, tool
from benchmarks.projects import Bench, prepare
from benchmarks.report import tables, update_page
from benchmarks.results import FILE, Results

PARTS: dict[str, Callable[[Bench], Iterator[Any]]] = {
    "relay": measure.relay,
    "plain": measure.plain,
    "growth": measure.growth,
    "start": tool.start,
    "create": tool.create,
    "shares": tool.shares,
    "sizes": tool.sizes,
}


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS, help="may be given again")
    parts = parser.parse_args().only or PARTS
    with tempfile.TemporaryDirectory(prefix="genai-scaffold-benchmarks-") as folder:
        bench = prepare(Path(folder))
        results = Results.read() if FILE.exists() else Results(machine={})
        results = replace(results, machine=measure.machine(bench))
        for part in parts:
            measured: dict[str, Any] = {part: list(shown(PARTS[part](bench)))}
            results = replace(results, **measured)
    results.write()
    update_page(results)
    chart.draw(results.growth, results.sizes)
    print(tables(results))


def shown(measured: Iterator[Any]) -> Iterator[Any]:
    for row in measured:
        print(row, flush=True)
        yield row


if __name__ == "__main__":
    main()
