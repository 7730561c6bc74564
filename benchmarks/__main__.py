"""Measures the generated services and the tool; writes results.json, the tables and the charts.

`--only` measures one part again, and keeps what was measured of the others.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from benchmarks import chart, measure, tool
from benchmarks.documents import measure as documents
from benchmarks.projects import AGENTS, DOCUMENTS, LOOP, OTHERS, Bench, prepare
from benchmarks.report import tables, update_pages
from benchmarks.results import FILE, Results

SERVICES: dict[str, Callable[[Bench], Iterator[Any]]] = {
    "relay": measure.relay,
    "responses": measure.responses,
    "agents": measure.agents,
    "tools": measure.tools,
    "history": measure.history,
    "chats": measure.chats,
    "plain": measure.plain,
    "echo": measure.echo,
    "claims": measure.claims,
    "growth": measure.growth,
    "documents": documents.quality,
    "search": documents.speed,
}
TOOL: dict[str, Callable[[], Iterator[Any]]] = {
    "start": tool.start,
    "create": tool.create,
    "update": tool.update,
    "large": tool.large,
    "shares": tool.shares,
    "sizes": tool.sizes,
}

OF_A_PART = {  # packages beyond those of all services
    "claims": OTHERS,
    "agents": (AGENTS,),
    "tools": (LOOP,),
    "documents": DOCUMENTS,
    "search": DOCUMENTS,
}


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    every = [*SERVICES, *TOOL]
    parser.add_argument("--only", action="append", choices=every, help="may be given again")
    parts = parser.parse_args().only or every
    results = Results.read() if FILE.exists() else Results()
    with tempfile.TemporaryDirectory(prefix="genai-scaffold-benchmarks-") as folder:
        services = cache(partial(prepare, Path(folder)))
        for part in parts:
            if part in SERVICES:
                others = OF_A_PART.get(part, ())
                rows, versions = SERVICES[part](services()), services().versions(*others)
            else:
                rows, versions = TOOL[part](), tool.versions()
            measured: dict[str, Any] = {part: list(shown(rows))}
            conditions = {**results.conditions, part: {**measure.machine(), **versions}}
            results = replace(results, conditions=conditions, **measured)
            results.write()
    update_pages(results)
    chart.draw(results)
    print(tables(results))


def shown(measured: Iterator[Any]) -> Iterator[Any]:
    for row in measured:
        print(row, flush=True)
        yield row


if __name__ == "__main__":
    main()
