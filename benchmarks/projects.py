"""What is compared: the generated services, and the baselines, in one environment."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import KEY
from benchmarks.servers import Server, serving

BASELINES = Path(__file__).parent / "baselines"
# uvicorn's parsers: the one that a service installs, since it bounds a request's head, and the one
# that `uvicorn[standard]` brings. Both are in the one environment.
OURS, USUAL = "h11", "httptools"
PACKAGES = ("fastapi", "uvicorn", "flask", "gunicorn", "gevent", "openai")
# What only the claims are about: another server (which does not say that it needs packaging), and
# what Flask runs async views with.
OTHERS = ("granian", "packaging", "asgiref")
AGENTS, LOOP = "openai-agents", "pydantic-ai-slim"
DOCUMENTS = ("numpy", "bm25s")
MANY = "1000000000000"
# The user's own list of tools: one that is the same for both sides.
TOOLS = '''\
from typing import Any

from backend.ai.tools import Tool


async def look_up(number: int) -> dict[str, Any]:
    """Looks up an order."""
    return {"number": number, "state": "on its way"}


TOOLS = [Tool(look_up)]
'''
KINDS = {
    "uvicorn": ("--framework", "fastapi"),
    "gthread": ("--framework", "flask", "--async", "some"),
    "gevent": ("--framework", "flask", "--async", "high"),
}
PROTOTYPES = {kind: (*KINDS[kind], "--preset", "prototype") for kind in ("uvicorn", "gthread")}
# How the samples of the claims are served, without access logs.
FASTAPI, FLASK = "fastapi_views:app", "flask_views:app"
SERVERS: dict[str, tuple[str, ...]] = {
    "uvicorn": ("uvicorn", FASTAPI, "--http", USUAL, "--no-access-log", "--port", "{port}"),
    "granian-asgi": ("granian", "--interface", "asgi", FASTAPI, "--port", "{port}"),
    "granian-wsgi": ("granian", "--interface", "wsgi", FLASK, "--port", "{port}"),
    **{
        kind: ("gunicorn", FLASK, "--bind", "127.0.0.1:{port}", *flags)
        for kind, flags in {
            "sync": (),
            "gthread-8": ("--worker-class", "gthread", "--threads", "8"),
            "gthread-100": ("--worker-class", "gthread", "--threads", "100"),
            "gevent": ("--worker-class", "gevent"),
        }.items()
    },
}


@dataclass(frozen=True)
class Bench:
    """A folder with every generated project, and one environment for all of them."""

    folder: Path

    @property
    def programs(self) -> Path:
        return self.folder / "environment" / "bin"

    def project(self, kind: str, preset: str = "service") -> Path:
        return self.folder / f"{preset}-{kind}"

    @property
    def log(self) -> Path:
        return self.folder / "servers.log"

    @contextmanager
    def service(
        self,
        kind: str,
        upstream: str = "http://127.0.0.1:1/v1",
        gunicorn_options: str = "",
        preset: str = "service",
        **more: str,
    ) -> Iterator[Server]:
        """Runs a generated service by the command in its README, with everything on."""
        variables = {
            "LLM_API_KEY": "none",
            "LLM_BASE_URL": upstream,
            "API_KEYS": f"bench:{hashlib.sha256(KEY.encode()).hexdigest()}",
            "REQUESTS_PER_MINUTE": MANY,
            "TOKENS_PER_DAY": MANY,
            "AGENT_MAX_STEPS": "20",
            "AGENT_MAX_TOKENS": MANY,
            "GUNICORN_CMD_ARGS": gunicorn_options,
            **more,
        }
        folder = self.project(kind, preset)
        with self._serving(kind, module(kind), folder, variables, OURS) as server:
            yield server

    @contextmanager
    def prototype(self, kind: str) -> Iterator[Server]:
        """Runs a generated prototype by the command in its README, with the offline model."""
        folder = self.project(kind, "prototype")
        with self._serving(kind, module(kind), folder, {}, OURS) as server:
            yield server

    @contextmanager
    def baseline(
        self,
        kind: str,
        what: str,
        upstream: str = "",
        preset: str = "service",
        parser: str = USUAL,
    ) -> Iterator[Server]:
        """Runs a baseline on the same server, with the project's worker class and threads."""
        variables = {
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": upstream,
            "GUNICORN_CMD_ARGS": self._workers(kind, preset),
        }
        framework = "fastapi" if kind == "uvicorn" else "flask"
        app = f"{framework}_{what}:app"
        with self._serving(kind, app, BASELINES, variables, parser) as server:
            yield server

    @contextmanager
    def views(self, kind: str) -> Iterator[Server]:
        """Runs the sample that the claims are about on one of `SERVERS`."""
        program, *words = SERVERS[kind]
        variables = {"PATH": os.environ["PATH"]}
        command: list[str | Path] = [self.programs / program, *words]
        with serving(command, BASELINES, variables, self.log) as server:
            yield server

    def _workers(self, kind: str, preset: str) -> str:
        """What makes gunicorn take the worker class and the threads of a project, and no more."""
        if kind == "uvicorn":
            return ""
        configured = (self.project(kind, preset) / "gunicorn.conf.py").read_text("utf-8")
        threads = re.search(r"^threads = (\d+)", configured, re.MULTILINE)
        return f"--worker-class {kind}" + (f" --threads {threads[1]}" if threads else "")

    @contextmanager
    def _serving(
        self, kind: str, app: str, folder: Path, variables: dict[str, str], parser: str
    ) -> Iterator[Server]:
        bind = ("--host", "127.0.0.1", "--port", "{port}")
        command: list[str | Path] = (
            [self.programs / "uvicorn", app, *bind, "--http", parser]
            if kind == "uvicorn"
            else [self.programs / "gunicorn", app, "--bind", "127.0.0.1:{port}"]
        )
        variables = {"PATH": os.environ["PATH"], **variables}
        with serving(command, folder, variables, self.log) as server:
            yield server

    def versions(self, *others: str) -> dict[str, str]:
        """Returns the version of each package that the numbers depend on."""
        python = str(self.programs / "python")
        freeze = [sys.executable, "-m", "uv", "--quiet", "pip", "freeze", "--python", python]
        frozen = subprocess.run(freeze, check=True, capture_output=True, text=True).stdout
        installed = dict(line.split("==") for line in frozen.splitlines() if "==" in line)
        return {name: installed[name] for name in (*PACKAGES, *others)}


def module(kind: str) -> str:
    return "main:app" if kind == "uvicorn" else "app:app"


def prepare(folder: Path, *flags: str) -> Bench:
    """Renders every project into `folder`, and installs their pinned requirements there once."""
    bench = Bench(folder)
    requirements: list[str] = []
    projects = {bench.project(kind): options for kind, options in KINDS.items()}
    with_tools = {bench.project(kind, "tools"): KINDS[kind] for kind in ("uvicorn", "gthread")}
    projects |= {tools: (*options, "--feature", "tools") for tools, options in with_tools.items()}
    projects |= {
        bench.project(kind, "history"): (*options, "--feature", "history")
        for kind, options in KINDS.items()
    }
    projects |= {
        bench.project(kind, "documents"): (*KINDS[kind], "--feature", "documents")
        for kind in ("uvicorn", "gthread")
    }
    projects |= {bench.project(kind, "prototype"): flags for kind, flags in PROTOTYPES.items()}
    for project, options in projects.items():
        tool = [sys.executable, "-m", "genai_scaffold", "new", str(project), "--yes", "--quiet"]
        subprocess.run([*tool, "--no-git", *options, *flags], check=True)
        requirements += ["-r", str(project / "requirements.txt")]
    for tools, options in with_tools.items():
        text = TOOLS.replace("async def", "def") if "flask" in options else TOOLS
        (tools / "backend/tools/__init__.py").write_text(text)
    environment = folder / "environment"
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--python", sys.executable, str(environment)], check=True)
    python = str(environment / "bin" / "python")
    install = [*uv, "pip", "install", "--python", python]
    subprocess.run([*install, *requirements, USUAL, *OTHERS], check=True)
    both = (AGENTS, f"{LOOP}[openai]")
    subprocess.run([*install, *both], check=True)  # the first takes another websockets than we pin
    return bench
