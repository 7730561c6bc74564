"""The table of results, and the page that shows it."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.results import Comparison, Crowd, Results

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
TABLES = re.compile(r"(?<=<!-- results -->\n).*(?=<!-- /results -->)", re.DOTALL)
NAMES = {
    "uvicorn": "FastAPI, uvicorn",
    "gthread": "Flask, gunicorn gthread",
    "gevent": "Flask, gunicorn gevent",
}
WHOLE = 100  # values from here on are shown without a fraction


def update_page(results: Results) -> None:
    PAGE.write_text(TABLES.sub(lambda _: tables(results), PAGE.read_text()))


def tables(results: Results) -> str:
    """Returns all tables as Markdown."""
    versions = ", ".join(f"{name} {version}" for name, version in results.machine.items())
    return "\n".join(
        [
            f"Measured with: {versions}.",
            "",
            "**Relay**, server CPU for one stream of 20 tokens, 16 at a time:",
            "",
            *comparisons(results.relay, "Usual relay"),
            "",
            "**Plain requests**, `POST /echo`, 32 connections:",
            "",
            *comparisons(results.plain, "Bare sample"),
            "",
            "**Many at once**, one worker, 20 tokens 50 ms apart:",
            "",
            *crowds(results.growth),
            "",
        ]
    )


def comparisons(rows: Sequence[Comparison], baseline: str) -> Iterator[str]:
    yield f"| Server | Generated service | {baseline} | Ratio | Target | |"
    yield "|---|---:|---:|---:|---|---|"
    for row in rows:
        values = (f"{shown(median(side))} {row.unit}" for side in (row.service, row.baseline))
        cells = (
            NAMES[row.server],
            *values,
            f"**{row.ratio:.2f}**",
            f"{row.wanted} {row.target:.2f}",
            "holds" if row.holds else "missed",
        )
        yield f"| {' | '.join(cells)} |"


def crowds(rows: Sequence[Crowd]) -> Iterator[str]:
    yield "| Server | Streams | Whole | First token, p95 | CPU a stream | Peak memory |"
    yield "|---|---:|---:|---:|---:|---:|"
    for row in rows:
        cells = (
            NAMES[row.server],
            f"{row.streams:,}",
            f"{row.complete:,}",
            f"{row.first_token_seconds:.2f} s",
            f"{row.cpu_milliseconds:.1f} ms",
            f"{row.peak_megabytes:.0f} MB",
        )
        yield f"| {' | '.join(cells)} |"


def shown(value: float) -> str:
    return f"{value:,.0f}" if value >= WHOLE else f"{value:.2f}"
