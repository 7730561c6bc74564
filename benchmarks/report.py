"""The tables of results, and the pages that show them."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.results import (
    OWN_MODULES,
    Comparison,
    Crowd,
    Extracted,
    Quality,
    Results,
    Share,
    Size,
    Speed,
    Trials,
)

DOCS = Path(__file__).parents[1] / "docs"
TABLES = re.compile(r"(?<=<!-- results -->\n).*(?=<!-- /results -->)", re.DOTALL)
NAMES = {
    "uvicorn": "FastAPI, uvicorn",
    "gthread": "Flask, gunicorn gthread",
    "gevent": "Flask, gunicorn gevent",
    "sync": "Flask, gunicorn as it comes (sync)",
    "gthread-8": "Flask, gunicorn gthread, 8 threads",
    "gthread-100": "Flask, gunicorn gthread, 100 threads",
    "granian-asgi": "FastAPI, granian",
    "granian-wsgi": "Flask, granian",
    "--help": "`--help`",
    "--version": "`--version`",
    "recommend": "`recommend`, beside `--help`",
    "repository": "the repository, which Copier clones",
    "directory": "a bare directory",
    "answer": "one changed answer",
    "nothing": "nothing to merge",
    "CPU": "CPU time, both with git",
    "memory": "memory at its peak",
}
KINDS = {
    "same": "25 in the passage's words",
    "other": "25 in others",
    None: "20 that nothing answers",
}
WHOLE = 100  # values from here on are shown without a fraction


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


def update_pages(results: Results) -> None:
    update_page(DOCS / "performance.md", tables(results))
    update_page(DOCS / "scaling.md", replica_tables(results))


def update_page(page: Path, text: str) -> None:
    page.write_text(TABLES.sub(lambda _: text, page.read_text()))


def tables(results: Results) -> str:
    """Returns the tables of the page on performance."""
    return "\n".join(
        [
            "**Relay**, server CPU for one stream of 20 tokens, 16 at a time:",
            "",
            *comparisons(results.relay, "Usual relay"),
            *measured(results, "relay"),
            "**A response**, told by `/v1/responses`, beside the same service's chat; server CPU",
            "for one stream:",
            "",
            *comparisons(results.responses, "Its chat", ours="Its response"),
            *measured(results, "responses"),
            "**The same response**, beside the objects that openai-agents makes of each chunk:",
            "",
            *comparisons(results.agents, "By openai-agents"),
            *measured(results, "agents"),
            "**A chat with ten calls of a tool**, told to `useChat`, beside the agent and",
            "the adapter of pydantic-ai; server CPU for one chat:",
            "",
            *comparisons(results.tools, "By pydantic-ai"),
            *measured(results, "tools"),
            *remembered(results),
            "**Plain requests**, `POST /echo`, 32 connections:",
            "",
            *comparisons(results.plain, "Bare sample"),
            *measured(results, "plain"),
            "**A prototype's plain requests**, `POST /echo`, 32 connections:",
            "",
            *comparisons(results.echo, "Bare sample", ours="Generated prototype"),
            *measured(results, "echo"),
            "**Async views in Flask**, server CPU for an echo, 32 connections:",
            "",
            *claims(results, "async-views", "Its plain view", "Its async view"),
            "",
            "**One sample on several servers**, server CPU for an echo, 32 connections:",
            "",
            *claims(results, "servers", "FastAPI, uvicorn", "This one"),
            "",
            "**Calls that wait** half a second, 100 connections (8 for sync):",
            "",
            *claims(results, "waiting", "FastAPI, uvicorn", "This one"),
            "",
            "**1,000 streams at once**, the generated services in turn:",
            "",
            *claims(results, "streams", "Flask, gunicorn gevent", "This one"),
            *measured(results, "claims"),
            "**Many at once**, one worker, 20 tokens 50 ms apart:",
            "",
            *crowds(results.growth),
            "",
            "What a stream costs among 1,000, beside one among 100:",
            "",
            *comparisons(results.flatness, "Among 100", ours="Among 1,000"),
            *measured(results, "growth"),
            *searched(results),
            "**The tool's start**, beside a program of two commands that is Typer and no more, and",
            "a recommendation beside the tool's own help:",
            "",
            *comparisons(results.start, "Beside", "Asked for", "genai-scaffold"),
            *measured(results, "start"),
            "**A project**, verified and committed, beside `copier copy --defaults`:",
            "",
            *comparisons(results.create, "Copier", "Template from", "genai-scaffold"),
            *measured(results, "create"),
            "**An update** of a project that nobody has touched, beside making it:",
            "",
            *comparisons(results.update, "`new`", "With", "`update`"),
            *measured(results, "update"),
            f"**A large project**, {OWN_MODULES:,} modules of the user's, beside `copier update`:",
            "",
            *comparisons(results.large, "Copier", "Of one update", "genai-scaffold"),
            *measured(results, "large"),
            "**Where the time of `new --yes` goes**:",
            "",
            *shares(results.shares),
            *measured(results, "shares"),
            "**The number of files** in the template, `new --yes` beside `copier copy --defaults`,",
            "the least of all rounds:",
            "",
            *sizes(results.sizes),
            *measured(results, "sizes"),
        ]
    )


def remembered(results: Results) -> Iterator[str]:
    if results.history:
        yield "**A response that is kept** in SQLite, beside one with `store: false`; server CPU"
        yield "for one stream:"
        yield ""
        yield from comparisons(results.history, "Not kept", ours="Kept")
        yield ""
        yield "What is kept costs two transactions of two statements. One is before the model is"
        yield "asked, and one before the answer is told to have ended. FastAPI misses 1.5, the bar"
        yield "of the others: three quarters of it are the driver's. aiosqlite sends each step of a"
        yield "statement to SQLite's thread and waits for it, 18 times for a response. The same"
        yield "turn alone, without HTTP, costs 4.0 to 4.3 CPU ms through it, and 1.1 to 1.2 on"
        yield "Flask, which asks SQLite itself."
        yield from measured(results, "history")
    if results.chats:
        yield "**Chats listed, and one of 100 turns opened**, where SQLite holds 1,000 of them,"
        yield "beside 10; server CPU for one request:"
        yield ""
        yield from comparisons(results.chats, "Of 10", ours="Of 1,000")
        yield from measured(results, "chats")


def searched(results: Results) -> Iterator[str]:
    for quality in results.documents:
        yield "**Documents found**: 50 questions about Click's documentation that search was not"
        yield f"tuned with, among {quality.passages} passages; vectors of `{quality.model}`:"
        yield ""
        yield from found(quality)
        yield ""
        yield "**Answered without a model**, by a sentence of the documents or by none:"
        yield ""
        yield from extracted(quality.extracts)
    if results.documents:
        yield from measured(results, "documents")
    if results.search:
        yield "**A search**, asked over HTTP, and beside it the statement alone with which pgvector"
        yield "scans the same vectors; memory above the idle service:"
        yield ""
        yield from speeds(results.search)
        yield from measured(results, "search")


def found(quality: Quality) -> Iterator[str]:
    yield "| Search by | Asked in the passage's words | In others | Recall@5 | MRR |"
    yield "|---|---:|---:|---:|---:|"
    for row in quality.searches:
        if row.half == "held":
            share = f"**{row.recall / 50:.0%}**"
            yield f"| {row.by} | {row.same} of 25 | {row.other} of 25 | {share} | {row.mrr:.2f} |"


def extracted(rows: Sequence[Extracted]) -> Iterator[str]:
    yield "| Questions | A right sentence | A wrong one | “Not in the documents” |"
    yield "|---|---:|---:|---:|"
    for row in rows:
        if row.half == "held":
            yield f"| {KINDS[row.words]} | {row.right} | {row.wrong} | {row.none} |"


def speeds(rows: Sequence[Speed]) -> Iterator[str]:
    columns = "First | Its CPU | Later | Its CPU | Kept | At most | pgvector"
    yield f"| Passages | Numbers | Database | {columns} |"
    yield "|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|"
    for row in rows:
        scan = row.pgvector_milliseconds
        cells = (
            f"{row.passages:,}",
            f"{row.size:,}",
            row.database,
            f"{row.first_milliseconds:,} ms",
            f"{row.first_cpu_milliseconds:,} ms",
            f"{row.cached_milliseconds:.1f} ms",
            f"{row.cpu_milliseconds:.1f} ms",
            f"{row.held_megabytes} MB",
            f"{row.peak_megabytes} MB",
            "" if scan is None else f"{scan:.1f} ms",
        )
        yield f"| {' | '.join(cells)} |"


def measured(results: Results, part: str) -> Iterator[str]:
    """When a part was measured, and with which versions."""
    date, *versions = results.conditions[part].items()
    yield ""
    yield f"Measured on {date[1]}: {', '.join(f'{name} {version}' for name, version in versions)}."
    yield ""


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


def claims(results: Results, table: str, baseline: str, ours: str) -> Iterator[str]:
    """A table without targets: its rows are there to be seen."""
    rows = [claim for claim in results.claims if claim.table == table]
    for line in comparisons(rows, baseline, ours=ours):
        yield "|".join(line.split("|")[:5]) + "|"


def crowds(rows: Sequence[Crowd]) -> Iterator[str]:
    yield "| Server | Streams | First token, p95 | CPU a stream | Peak memory |"
    yield "|---|---:|---:|---:|---:|"
    for row in rows:
        cells = (
            NAMES[row.server],
            f"{row.streams:,}",
            f"{median(row.first_token_seconds):.2f} s",
            f"{median(row.cpu_milliseconds):.1f} ms",
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
    yield "| Files | genai-scaffold | its CPU | Copier | its CPU |"
    yield "|---:|---:|---:|---:|---:|"
    for row in rows:
        sides = (row.tool, row.tool_cpu, row.copier, row.copier_cpu)
        values = (f"{min(side):,.0f} ms" for side in sides)
        yield f"| {row.files:,} | {' | '.join(values)} |"


def shown(value: float) -> str:
    return f"{value:,.0f}" if value >= WHOLE else f"{value:.2f}"


def replica_tables(results: Results) -> str:
    """Returns the tables of the page on replicas."""
    versions = ", ".join(
        f"{name} {version}" for name, version in results.conditions["replicas"].items()
    )
    return "\n".join(
        [
            f"Tried with: {versions}.",
            "",
            "**Limits are shared**, asked for over both replicas:",
            "",
            *replicas(results, LIMITS),
            "",
            "**A replica is killed** (SIGKILL) under load, and started again a second later:",
            "",
            *replicas(results, KILLED),
            "",
            "**Every replica is restarted** in turn (SIGTERM) under load:",
            "",
            *replicas(results, RESTARTED),
            "",
            "**Redis is lost** for six seconds under load:",
            "",
            *replicas(results, REDIS),
            "",
        ]
    )


def replicas(results: Results, columns: Columns) -> Iterator[str]:
    yield f"| Server | {' | '.join(columns)} |"
    yield f"|---{'|---:' * len(columns)}|"
    for name, trials in results.replicas.items():
        cells = (str(value(trials)) for value in columns.values())
        yield f"| {NAMES[name]} | {' | '.join(cells)} |"
