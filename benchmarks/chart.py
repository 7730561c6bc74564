"""The chart of what a stream costs, the more of them there are."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.report import NAMES
from benchmarks.results import Crowd

FILE = Path(__file__).parents[1] / "docs" / "images" / "growth.svg"
COLOURS = {"uvicorn": "#0f766e", "gthread": "#b45309", "gevent": "#4338ca"}


def draw(crowds: Sequence[Crowd]) -> None:
    # The same numbers make the same file, and text stays text.
    mpl.rcParams.update({"svg.hashsalt": "growth", "svg.fonttype": "none"})
    figure = Figure(figsize=(7.2, 4.0), layout="constrained")
    axes = figure.subplots()
    for server, colour in COLOURS.items():
        rows = [crowd for crowd in crowds if crowd.server == server]
        sizes = [row.streams for row in rows]
        costs = [row.cpu_milliseconds for row in rows]
        axes.plot(sizes, costs, marker="o", color=colour, label=NAMES[server])
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("streams at once, on one worker")
    axes.set_ylabel("server CPU a stream, ms")
    axes.grid(axis="y", color="#e5e7eb")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    FILE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(FILE, metadata={"Date": None})
