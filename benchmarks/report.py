"""The table of results, and the page that shows it."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.results import Comparison, Crowd, Results, Share, Size

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
TABLES = re.compile(r"(?<=<!-- results -->\n).*(?=<!-- /results -->)", re.DOTALL)
NAMES = {
    "uvicorn": "FastAPI, uvicorn",
    "gthread": "Flask, gunicorn gthread",
    "gevent": "Flask, gunicorn gevent",
    "--help": "`--help`",
    "--version": "`--version`",
    "repository": "the repository, which Copier clones",
    "directory": "a bare directory",
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
            "**The tool's start**, beside a program of two commands that is Typer and no more:",
            "",
            *comparisons(results.start, "Bare program", "Asked for", "genai-scaffold"),
            "",
            "**A project**, verified and committed, beside `copier copy --defaults`:",
            "",
            *comparisons(results.create, "Copier", "Template from", "genai-scaffold"),
            "",
            "Where the time of `new --yes` goes:",
            "",
            *shares(results.shares),
            "",
            "The same two, by the number of files in the template:",
            "",
            *sizes(results.sizes),
            "",
        ]
    )


def comparisons(
    rows: Sequence[Comparison],
    baseline: str,
    measured: str = "Server",
    ours: str = "Generated service",
) -> Iterator[str]:
    yield f"| {measured} | {ours} | {baseline} | Ratio | Target | |"
    yield "|---|---:|---:|---:|---|---|"
    for row in rows:
        values = (f"{shown(median(side))} {row.unit}" for side in (row.service, row.baseline))
        cells = (
            NAMES[row.server],
            *values,
            f"**{row.ratio:.2f}**",
            f"{row.wanted} {row.target:.2f}" if row.target else "",
            ("holds" if row.holds else "missed") if row.target else "",
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


def shares(rows: Sequence[Share]) -> Iterator[str]:
    whole = sum(row.milliseconds for row in rows)
    yield "| Step | Time | Share |"
    yield "|---|---:|---:|"
    for row in rows:
        yield f"| {row.step} | {row.milliseconds} ms | {row.milliseconds / whole:.0%} |"


def sizes(rows: Sequence[Size]) -> Iterator[str]:
    yield "| Files | genai-scaffold | Copier |"
    yield "|---:|---:|---:|"
    for row in rows:
        yield f"| {row.files:,} | {row.tool:,} ms | {row.copier:,} ms |"


def shown(value: float) -> str:
    return f"{value:,.0f}" if value >= WHOLE else f"{value:.2f}"
