"""A machine with nothing of the developer's on it but the interpreter and the package index."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self

import platformdirs

from benchmarks.watcher import held, watched

KEPT = ("PATH", "LANG", "TMPDIR", "CI")
KEPT_PREFIXES = ("PIP_", "UV_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


class Machine(NamedTuple):
    """Where the slow tests install and run things.

    Args:
        folder: what is made lies in here, and is also the working directory.
        variables: the environment of every process.
    """

    folder: Path
    variables: Mapping[str, str]

    @classmethod
    def make(cls, folder: Path) -> Self:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in KEPT or name.upper().startswith(KEPT_PREFIXES)
        }
        home = folder / "home"
        home.mkdir()
        # What was downloaded once is not downloaded again: these are the only things shared.
        cache = subprocess.run(
            (sys.executable, "-m", "uv", "cache", "dir", "--color", "never"),
            check=True,
            capture_output=True,
            text=True,
        )
        python_first = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
        return cls(
            folder,
            {
                **kept,
                "HOME": str(home),
                "PATH": python_first,
                "UV_CACHE_DIR": cache.stdout.strip(),
                "PIP_CACHE_DIR": str(platformdirs.user_cache_path("pip")),
                "PIP_NO_COMPILE": "1",  # a third of its work; what is imported is compiled then
            },
        )

    def run(self, *command: str, directory: Path | None = None, **variables: str) -> str:
        """Runs a command that has to succeed, and returns what it says."""
        with (
            subprocess.Popen(
                held(*command),
                cwd=directory or self.folder,
                env={**self.variables, **variables},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            ) as process,
            watched(process),
        ):
            said, _ = process.communicate(timeout=600)
        assert process.returncode == 0, f"{' '.join(command)}\n{said}"
        return said

    def environment(self, name: str, *requirements: str, python: str = sys.executable) -> Path:
        """Makes a virtual environment with these requirements, and returns its programs."""
        folder = self.folder / "environments" / name
        programs = folder / "bin"
        uv = (sys.executable, "-m", "uv", "--quiet")
        self.run(*uv, "venv", "--clear", "--python", python, str(folder))
        self.run(*uv, "pip", "install", "--python", str(programs / "python"), *requirements)
        return programs
