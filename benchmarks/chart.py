"""The charts: what a stream costs, a project or a search, the more there is."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.report import NAMES
from benchmarks.results import Crowd, Results, Size, Speed

FILE = Path(__file__).parents[1] / "docs" / "images" / "growth.svg"
SIZES_FILE = FILE.with_name("project-sizes.svg")
SEARCH_FILE = FILE.with_name("search.svg")
COLOURS = {"uvicorn": "#0f766e", "gthread": "#b45309", "gevent": "#4338ca"}


def draw(results: Results) -> None:
    # The same numbers make the same file, and text stays text.
    mpl.rcParams.update({"svg.hashsalt": "growth", "svg.fonttype": "none"})
    streams(results.growth)
    projects(results.sizes)
    if results.search:
        searches(results.search)


def streams(crowds: Sequence[Crowd]) -> None:
    figure, axes = empty("streams at once, on one worker", "server CPU a stream, ms")
    for server, colour in COLOURS.items():
        rows = [crowd for crowd in crowds if crowd.server == server]
        counts = [row.streams for row in rows]
        costs = [median(row.cpu_milliseconds) for row in rows]
        axes.plot(counts, costs, marker="o", color=colour, label=NAMES[server])
    axes.set_xscale("log")
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    finished(figure, axes, FILE)


def projects(sizes: Sequence[Size]) -> None:
    figure, axes = empty("files in the template", "CPU seconds")
    files = [size.files for size in sizes]
    tool = [min(size.tool_cpu) / 1000 for size in sizes]
    copier = [min(size.copier_cpu) / 1000 for size in sizes]
    axes.plot(files, tool, marker="o", color=COLOURS["uvicorn"], label="genai-scaffold new --yes")
    axes.plot(files, copier, marker="o", color=COLOURS["gthread"], label="copier copy --defaults")
    axes.set_xticks(files, [f"{count:,}" for count in files])
    finished(figure, axes, SIZES_FILE)


def searches(speeds: Sequence[Speed]) -> None:
    figure, axes = empty("passages", "a search, ms")
    counts = sorted({speed.passages for speed in speeds})
    for size, style in ((1536, "-"), (384, "--")):
        for database, colour in (("SQLite", "uvicorn"), ("PostgreSQL", "gevent")):
            rows = [row for row in speeds if (row.database, row.size) == (database, size)]
            times = [row.cached_milliseconds for row in rows]
            label = f"the service on {database}, {size:,}"
            axes.plot(counts, times, style, marker="o", color=COLOURS[colour], label=label)
        scans = [scan for row in speeds if row.size == size if (scan := row.pgvector_milliseconds)]
        label = f"pgvector's scan alone, {size:,}"
        axes.plot(counts, scans, style, marker="o", color=COLOURS["gthread"], label=label)
    axes.set_xscale("log")
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    finished(figure, axes, SEARCH_FILE)


def empty(across: str, up: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7.2, 4.0), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    return figure, axes


def finished(figure: Figure, axes: Axes, file: Path) -> None:
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color="#e5e7eb")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None})
