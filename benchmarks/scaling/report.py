"""The tables of the trials, and the page that shows them."""

from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.report import NAMES, TABLES
from benchmarks.scaling.results import Results, Trials

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"
Columns = dict[str, Callable[[Trials], object]]

LIMITS: Columns = {
    "Requests asked for": lambda t: t.limits.requests,
    "Requests let in": lambda t: t.limits.requests_let_in,
    "Allowed a minute": lambda t: t.limits.requests_allowed,
    "Streams asked for": lambda t: t.limits.streams,
    "Streams let in": lambda t: t.limits.streams_let_in,
    "In the day's budget": lambda t: t.limits.streams_allowed,
}
KILLED: Columns = {
    "Requests": lambda t: f"{t.killed.requests:,}",
    "On the killed replica": lambda t: t.killed.there,
    "Of these cut": lambda t: t.killed.there_cut,
    "Lost elsewhere": lambda t: f"**{t.killed.elsewhere_lost}**",
    "Serves again after": lambda t: f"{t.killed.serves_again_seconds} s",
}
RESTARTED: Columns = {
    "Restarts": lambda t: t.restarted.restarts,
    "In": lambda t: f"{t.restarted.seconds:.0f} s",
    "Streams": lambda t: f"{t.restarted.streams:,}",
    "Other requests": lambda t: f"{t.restarted.plain:,}",
    "Lost": lambda t: f"**{t.restarted.lost}**",
}
REDIS: Columns = {
    "Streams refused": lambda t: t.redis_stopped.streams_refused,
    "Others let in": lambda t: t.redis_stopped.plain_let_in,
    "Failed otherwise": lambda t: f"**{t.redis_stopped.otherwise_failed}**",
    "Slowest": lambda t: f"{t.redis_stopped.slowest_seconds} s",
    "Refused after its return": lambda t: f"{t.redis_stopped.recovered_seconds} s",
    "Slowest, where it hangs": lambda t: f"{t.redis_hung.slowest_seconds} s",
}


def update_page(results: Results) -> None:
    PAGE.write_text(TABLES.sub(lambda _: tables(results), PAGE.read_text()))


def tables(results: Results) -> str:
    """Returns all tables as Markdown."""
    versions = ", ".join(f"{name} {version}" for name, version in results.machine.items())
    return "\n".join(
        [
            f"Tried with: {versions}.",
            "",
            "**Limits are shared**, asked for over both replicas:",
            "",
            *table(results, LIMITS),
            "",
            "**A replica is killed** (SIGKILL) under load, and started again a second later:",
            "",
            *table(results, KILLED),
            "",
            "**Every replica is restarted** in turn (SIGTERM) under load:",
            "",
            *table(results, RESTARTED),
            "",
            "**Redis is lost** for six seconds under load:",
            "",
            *table(results, REDIS),
            "",
        ]
    )


def table(results: Results, columns: Columns) -> Iterator[str]:
    yield f"| Server | {' | '.join(columns)} |"
    yield f"|---{'|---:' * len(columns)}|"
    for name, trials in results.servers.items():
        cells = (str(value(trials)) for value in columns.values())
        yield f"| {NAMES[name]} | {' | '.join(cells)} |"
