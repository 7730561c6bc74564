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
MANY = "1000000000000"
KINDS = {
    "uvicorn": ("--framework", "fastapi"),
    "gthread": ("--framework", "flask", "--async", "some"),
    "gevent": ("--framework", "flask", "--async", "high"),
}


@dataclass(frozen=True)
class Bench:
    """A folder with every generated service, and one environment for all of them."""

    folder: Path

    @property
    def programs(self) -> Path:
        return self.folder / "environment" / "bin"

    def project(self, kind: str) -> Path:
        return self.folder / f"service-{kind}"

    @property
    def log(self) -> Path:
        return self.folder / "servers.log"

    @contextmanager
    def service(
        self, kind: str, upstream: str = "http://127.0.0.1:1/v1", gunicorn_options: str = ""
    ) -> Iterator[Server]:
        """Runs a generated service by the command in its README, with everything on."""
        variables = {
            "LLM_API_KEY": "none",
            "LLM_BASE_URL": upstream,
            "API_KEYS": f"bench:{hashlib.sha256(KEY.encode()).hexdigest()}",
            "REQUESTS_PER_MINUTE": MANY,
            "TOKENS_PER_DAY": MANY,
            "GUNICORN_CMD_ARGS": gunicorn_options,
        }
        module = "main" if kind == "uvicorn" else "app"
        with self._serving(kind, f"{module}:app", self.project(kind), variables, OURS) as server:
            yield server

    @contextmanager
    def baseline(self, kind: str, what: str, upstream: str = "") -> Iterator[Server]:
        """Runs a baseline on the same server, with the service's worker class and threads."""
        variables = {
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": upstream,
            "GUNICORN_CMD_ARGS": self._workers(kind),
        }
        framework = "fastapi" if kind == "uvicorn" else "flask"
        app = f"{framework}_{what}:app"
        with self._serving(kind, app, BASELINES, variables, USUAL) as server:
            yield server

    def _workers(self, kind: str) -> str:
        """What makes gunicorn take the worker class and the threads of a service, and no more."""
        if kind == "uvicorn":
            return ""
        configured = (self.project(kind) / "gunicorn.conf.py").read_text("utf-8")
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

    def versions(self) -> dict[str, str]:
        """Returns the pinned version of each package that the services' numbers depend on."""
        pins = [(self.project(kind) / "requirements.txt").read_text() for kind in KINDS]
        pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", "\n".join(pins), re.MULTILINE))
        return {name: pinned[name] for name in PACKAGES}


def prepare(folder: Path, *flags: str) -> Bench:
    """Renders every service into `folder`, and installs their pinned requirements there once."""
    bench = Bench(folder)
    requirements: list[str] = []
    for kind, options in KINDS.items():
        project = bench.project(kind)
        tool = [sys.executable, "-m", "genai_scaffold", "new", str(project), "--yes", "--quiet"]
        subprocess.run([*tool, "--no-git", *options, *flags], check=True)
        requirements += ["-r", str(project / "requirements.txt")]
    environment = folder / "environment"
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--python", sys.executable, str(environment)], check=True)
    python = str(environment / "bin" / "python")
    subprocess.run([*uv, "pip", "install", "--python", python, *requirements, USUAL], check=True)
    return bench
