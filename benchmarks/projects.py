"""What is compared: the generated services, and the baselines, in one environment."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import KEY
from benchmarks.servers import Server, serving

BASELINES = Path(__file__).parent / "baselines"
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
    def service(self, kind: str, upstream: str = "http://127.0.0.1:1/v1") -> Iterator[Server]:
        """Runs a generated service by the command in its README, with everything on."""
        folder = self.project(kind)
        module = "main" if kind == "uvicorn" else "app"
        variables = {
            "LLM_API_KEY": "none",
            "LLM_BASE_URL": upstream,
            "API_KEYS": f"bench:{hashlib.sha256(KEY.encode()).hexdigest()}",
            "REQUESTS_PER_MINUTE": MANY,
            "TOKENS_PER_DAY": MANY,
        }
        with self._serving(kind, f"{module}:app", folder, variables) as server:
            yield server

    @contextmanager
    def baseline(self, kind: str, what: str, upstream: str = "") -> Iterator[Server]:
        """Runs a baseline on the same server, with the service's worker class and threads."""
        framework = "fastapi" if kind == "uvicorn" else "flask"
        variables = {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": upstream}
        with self._serving(kind, f"{framework}_{what}:app", BASELINES, variables) as server:
            yield server

    @contextmanager
    def _serving(
        self, kind: str, app: str, folder: Path, variables: dict[str, str]
    ) -> Iterator[Server]:
        command: list[str | Path]
        if kind == "uvicorn":
            command = [self.programs / "uvicorn", app, "--host", "127.0.0.1", "--port", "{port}"]
        else:
            command = [self.programs / "gunicorn", app, "--bind", "127.0.0.1:{port}"]
            variables = {
                "GUNICORN_CMD_ARGS": f"--config {self.project(kind) / 'gunicorn.conf.py'}",
                **variables,
            }
        with serving(command, folder, {"PATH": os.environ["PATH"], **variables}, self.log) as it:
            yield it


def prepare(folder: Path) -> Bench:
    """Renders every service into `folder`, and installs their pinned requirements there once."""
    bench = Bench(folder)
    requirements: list[str] = []
    for kind, options in KINDS.items():
        project = bench.project(kind)
        tool = [sys.executable, "-m", "genai_scaffold", "new", str(project), "--yes", "--quiet"]
        subprocess.run([*tool, "--no-git", *options], check=True)
        requirements += ["-r", str(project / "requirements.txt")]
    environment = folder / "environment"
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--python", sys.executable, str(environment)], check=True)
    python = str(environment / "bin" / "python")
    subprocess.run([*uv, "pip", "install", "--python", python, *requirements], check=True)
    subprocess.run([python, "-m", "compileall", "-q", str(environment)], check=False)
    return bench
