"""A PostgreSQL of a test's own, which it may stop and start."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.watcher import held, watch

SECONDS = 60


@dataclass
class Postgres:
    programs: Path
    folder: Path
    port: int

    def url(self, name: str = "postgres") -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}"

    def create(self, name: str) -> None:
        reached = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres")
        self.run("createdb", *reached, name)

    def start(self) -> None:
        settings = ("listen_addresses=127.0.0.1", "unix_socket_directories=")
        chosen = (f"--{setting}" for setting in (f"port={self.port}", *settings))
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                held(*self._command("postgres", "-D", str(self.folder / "data"), *chosen)),
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        watch(self.process)
        deadline = time.monotonic() + SECONDS
        while not self._is_ready():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """Stops it at once, as a machine that is lost."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(SECONDS)

    def run(self, program: str, *arguments: str) -> None:
        command = self._command(program, *arguments)
        subprocess.run(command, check=True, timeout=SECONDS, cwd="/", stdout=subprocess.DEVNULL)

    def _command(self, program: str, *arguments: str) -> tuple[str, ...]:
        # It refuses to be root, as the slow tests are in CI.
        as_another = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups")
        return (
            *(as_another if os.geteuid() == 0 else ()),
            str(self.programs / program),
            *arguments,
        )

    def _is_ready(self) -> bool:
        asked = ("-h", "127.0.0.1", "-p", str(self.port), "--quiet")
        command = self._command("pg_isready", *asked)
        return subprocess.run(command, check=False, timeout=SECONDS, cwd="/").returncode == 0


@contextmanager
def running(folder: Path) -> Iterator[Postgres]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        reason = "postgresql is not installed"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    folder.mkdir()
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    postgres = Postgres(found[-1], folder, port)
    postgres.run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "postgres")
    postgres.start()
    try:
        yield postgres
    finally:
        postgres.stop()
