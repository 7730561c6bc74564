"""The projects that the slow tests make, each by the flags that a user would type."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from e2e.machine import Machine

FASTAPI, FLASK = ("--framework", "fastapi"), ("--framework", "flask")
PROTOTYPE = ("--preset", "prototype")
OBSERVED = (
    "--feature",
    "metrics",
    "--feature",
    "tracing",
    "--feature",
    "evals",
    "--feature",
    "oidc",
    "--feature",
    "peers",
)
REMEMBERING = ("--feature", "history", "--feature", "page")
ANSWERING = ("--feature", "documents", "--feature", "tools", "--feature", "page")
NOTHING = ("--deploy", "none", "--license", "none", "--feature", "none")

COMBINATIONS: Mapping[str, tuple[str, ...]] = {
    "fastapi": FASTAPI,
    "flask": FLASK,
    "fastapi-tools": (*FASTAPI, "--feature", "tools", "--feature", "page"),
    "flask-tools": (*FLASK, "--feature", "tools", "--feature", "page"),
    "fastapi-no-docs": (*FASTAPI, "--no-docs", *NOTHING),
    "flask-threads-no-docs": (*FLASK, "--async", "some", "--no-docs", *OBSERVED),
    "fastapi-kept-tools": (*FASTAPI, "--feature", "tools", *REMEMBERING),
    "flask-kept-tools": (*FLASK, "--feature", "tools", *REMEMBERING),
    "fastapi-history": (*FASTAPI, "--deploy", "systemd", *REMEMBERING),
    "flask-history": (*FLASK, "--deploy", "systemd", *REMEMBERING),
    "fastapi-documents": (*FASTAPI, *ANSWERING),
    "flask-documents": (*FLASK, *ANSWERING),
    "fastapi-prototype": (*FASTAPI, *PROTOTYPE),
    "flask-prototype": (*FLASK, *PROTOTYPE),
    "fastapi-prototype-plain": (*FASTAPI, *PROTOTYPE, "--no-validation", "--no-docs", *NOTHING),
    "flask-prototype-plain": (*FLASK, *PROTOTYPE, "--no-validation", "--no-docs", *NOTHING),
    "fastapi-azure": (
        *(*FASTAPI, "--provider", "azure", "--deploy", "none", *OBSERVED),
        *("--feature", "page"),
    ),
    "flask-azure": (*FLASK, "--provider", "azure", "--license", "none", *OBSERVED),
    "fastapi-anthropic": (*FASTAPI, "--provider", "anthropic", "--feature", "none"),
    "flask-gemini": (*FLASK, "--provider", "gemini", "--license", "apache-2.0"),
    "fastapi-ollama": (*FASTAPI, "--provider", "ollama", "--deploy", "heroku"),
    "flask-openrouter": (*FLASK, "--provider", "openrouter", "--deploy", "mod-wsgi"),
    "flask-prototype-custom": (*FLASK, *PROTOTYPE, "--provider", "custom", "--async", "none"),
}
SERVICES = ["fastapi", "flask", "flask-threads-no-docs"]
PROTOTYPES = ["fastapi-prototype", "flask-prototype"]

# The commands of the comparison that the recommendation follows, to the letter.
START = {
    "fastapi": "uvicorn main:app --host 0.0.0.0 --port $PORT",
    "flask": "gunicorn app:app --bind 0.0.0.0:$PORT",
}


class Project(NamedTuple):
    """A generated project, and the programs that its own requirements installed."""

    name: str
    folder: Path
    programs: Path
    machine: Machine

    @property
    def framework(self) -> str:
        return self.name.partition("-")[0]

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a shell in which the project's environment is active."""
        path = f"{self.programs}{os.pathsep}{self.machine.variables['PATH']}"
        types = str(self.programs.with_name("mypy"))  # shared by all that install the same
        return {**self.machine.variables, "PATH": path, "MYPY_CACHE_DIR": types}

    def run(self, *command: str) -> str:
        return self.machine.run(*command, directory=self.folder, **self.variables)

    def read(self, name: str) -> str:
        return (self.folder / name).read_text("utf-8")
