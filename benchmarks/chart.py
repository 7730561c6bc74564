"""The charts: what a stream costs the more of them there are, and a project the larger it is."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.report import NAMES
from benchmarks.results import Crowd, Size

FILE = Path(__file__).parents[1] / "docs" / "images" / "growth.svg"
SIZES_FILE = FILE.with_name("project-sizes.svg")
COLOURS = {"uvicorn": "#0f766e", "gthread": "#b45309", "gevent": "#4338ca"}


def draw(crowds: Sequence[Crowd], sizes: Sequence[Size]) -> None:
    # The same numbers make the same file, and text stays text.
    mpl.rcParams.update({"svg.hashsalt": "growth", "svg.fonttype": "none"})
    streams(crowds)
    projects(sizes)


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
