"""How well the documents of the generated services are searched, and how fast."""

import http.client
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.documents import postgres
from benchmarks.load import KEY
from benchmarks.projects import Bench
from benchmarks.results import Quality, Speed
from benchmarks.servers import ROOT, Server, family, serving

HERE = Path(__file__).parent
CLICK = "8.5.1"  # whose documentation is asked
SIZES = 384, 1536  # numbers of a vector: of small models, and of OpenAI's
COUNTS = 100, 1_000, 10_000, 20_000  # passages: the last is what a service takes
WARM = 20
ROUNDS, SEARCHES = 5, 20
PATH = "/v1/vector_stores/vs_bench/search"
QUESTION = {"query": "toad in the hole and other rest", "max_num_results": 10}
# What names a model: with a key of one, its embeddings are measured instead of the offline ones.
MODEL = "LLM_API_KEY", "LLM_BASE_URL", "LLM_MODEL", "EMBEDDING_MODEL"
OF_EMBEDDINGS = "EMBEDDING_BASE_URL", "EMBEDDING_API_KEY"


def quality(bench: Bench) -> Iterator[Quality]:
    """Asks 100 questions that Click's documentation answers, and 40 that it does not."""
    named = {name: os.environ[name] for name in (*MODEL, *OF_EMBEDDINGS) if name in os.environ}
    result = bench.folder / "quality.json"
    questions, documentation = HERE / "questions.jsonl", click_documentation(bench.folder)
    inside(bench, "quality.py", questions, documentation, result, **named)
    yield Quality.of(json.loads(result.read_text()))


def click_documentation(folder: Path) -> Path:
    """Returns the folder with the documentation that Click's source distribution has."""
    pip = [sys.executable, "-m", "pip", "--quiet", "download", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*pip, f"click=={CLICK}", "--dest", str(folder)], check=True)
    with tarfile.open(folder / f"click-{CLICK}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / f"click-{CLICK}" / "docs"


def inside(bench: Bench, program: str, *words: object, **variables: str) -> str:
    """Runs a program of `inside` as if it were the project's own; returns what it prints."""
    project = bench.project("gthread", "documents")
    command = [str(bench.programs / "python"), str(HERE / "inside" / program), *map(str, words)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(project), **variables}
    done = subprocess.run(
        command, check=True, cwd=project, env=environment, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def speed(bench: Bench) -> Iterator[Speed]:
    """Searches among more and more passages, on both databases, beside pgvector."""
    with postgres.running() as url:
        for size in SIZES:
            for count in COUNTS:
                sqlite = f"sqlite:///{bench.folder / f'{count}-{size}.db'}"
                yield searched(bench, "SQLite", sqlite, count, size)
                name = f"bench_{count}_{size}"
                inside(bench, "created.py", url, name)
                yield searched(bench, "PostgreSQL", f"{url.rpartition('/')[0]}/{name}", count, size)


def searched(bench: Bench, database: str, url: str, count: int, size: int) -> Speed:
    """Returns what the searches of a service take that was started for them alone."""
    with serves(bench, url, size) as server:
        inside(bench, "filled.py", count, size, DATABASE_URL=url)
        ask(server, "POST", "/v1/embeddings", {"input": "warm"})
        ask(server, "GET", "/v1/files")
        idle = resident_megabytes(server)
        before = server.cpu_seconds()
        first = search(server)
        first_cpu = 1000 * (server.cpu_seconds() - before)
        held = resident_megabytes(server) - idle
        peak = server.peak_megabytes() - idle
        for _ in range(WARM):
            search(server)
        cached, cpu = zip(*(one_round(server) for _ in range(ROUNDS)), strict=True)
    exact = None
    if database == "PostgreSQL":
        exact = round(min(map(float, inside(bench, "pgvector.py", DATABASE_URL=url).split())), 2)
    return Speed(
        database,
        count,
        size,
        first_milliseconds=round(first),
        first_cpu_milliseconds=round(first_cpu),
        cached_milliseconds=round(min(cached), 2),
        cpu_milliseconds=round(min(cpu), 2),
        held_megabytes=round(held),
        peak_megabytes=round(peak),
        pgvector_milliseconds=exact,
    )


@contextmanager
def serves(bench: Bench, database: str, size: int) -> Iterator[Server]:
    command = [sys.executable, "-m", "benchmarks.documents.embedder", "{port}", str(size)]
    with serving(command, ROOT, os.environ, bench.log) as model:
        upstream = f"http://127.0.0.1:{model.port}/v1"
        variables = {"DATABASE_URL": database, "EMBEDDING_MODEL": "bench"}
        with bench.service("uvicorn", upstream, preset="documents", **variables) as server:
            yield server


def one_round(server: Server) -> tuple[float, float]:
    """Returns the milliseconds of the fastest search, and of the CPU for one of them."""
    before = server.cpu_seconds()
    times = [search(server) for _ in range(SEARCHES)]
    return min(times), 1000 * (server.cpu_seconds() - before) / SEARCHES


def search(server: Server) -> float:
    """Returns the milliseconds of a search."""
    start = time.perf_counter()
    found = ask(server, "POST", PATH, QUESTION)
    took = 1000 * (time.perf_counter() - start)
    if len(json.loads(found)["data"]) != QUESTION["max_num_results"]:
        raise RuntimeError(found)
    return took


def ask(server: Server, method: str, path: str, body: Mapping[str, object] | None = None) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    response = connection.getresponse()
    said = response.read()
    connection.close()
    if response.status != http.HTTPStatus.OK:
        raise RuntimeError(f"{response.status}: {said!r}")
    return said


def resident_megabytes(server: Server) -> float:
    statuses = (Path(f"/proc/{pid}/status").read_text() for pid in family(server.pid))
    return sum(int(status.partition("VmRSS:")[2].split()[0]) for status in statuses) / 1000
