"""A PostgreSQL of a test's own, which it may stop and start."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

SECONDS = 60


class Postgres(NamedTuple):
    programs: Path
    folder: Path
    port: int

    def url(self, name: str = "postgres") -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}"

    def create(self, name: str) -> None:
        reached = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres")
        self.run("createdb", *reached, name)

    def start(self) -> None:
        listening = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        self._control("-o", listening, "-l", str(self.folder / "log"), "start")

    def stop(self) -> None:
        """Stops it at once, as a machine that is lost."""
        self._control("-m", "immediate", "stop")

    def run(self, program: str, *arguments: str) -> None:
        # It refuses to be root, as the slow tests are in CI.
        as_another = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
        command = (*as_another, str(self.programs / program), *arguments)
        subprocess.run(command, check=True, timeout=SECONDS, cwd="/", stdout=subprocess.DEVNULL)

    def _control(self, *arguments: str) -> None:
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", *arguments)


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
