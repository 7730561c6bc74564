"""Two replicas of a generated service behind nginx, and the Redis that they share."""

import hashlib
import os
import re
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import httpx2

from benchmarks.servers import STOP_SECONDS, free_port, wait_until_open
from benchmarks.watcher import end, held, watch

START_SECONDS = 60
KEYS = {name: f"key-of-{name}" for name in ("alice", "bob")}
# All that the generated site leaves to nginx's own configuration.
NGINX = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
    log_format served '$http_x_request_id $status $upstream_addr';
    access_log {folder}/served.log served;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""
SERVER = re.compile(r"^( *server )127\.0\.0\.1:8000(.*;)$", re.MULTILINE)


class Service(NamedTuple):
    """A generated service for systemd and nginx, and the programs that it needs."""

    folder: Path
    programs: Path

    def command(self, port: int) -> tuple[str, ...]:
        """As its unit starts it, but for the port and for where its programs lie."""
        [unit] = (self.folder / "deploy").glob("*.service")
        [words] = re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
        program, *arguments = str(words).replace("${PORT}", str(port)).split()
        return (Path(program).name, *arguments)


@dataclass
class Program:
    """A program on a port of its own that can be stopped, killed, and started again."""

    command: tuple[str, ...]
    port: int
    log: Path
    folder: Path
    variables: Mapping[str, str]

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                held(*self.command),
                cwd=self.folder,
                env=dict(self.variables),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        watch(self.process)
        wait_until_open(self.process, self.port, self.log)

    def stop(self) -> None:
        """Asks it to end, and waits until it has."""
        self.process.terminate()
        self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """Ends it with all its workers, as the loss of its machine would."""
        end(self.process)


class Fleet(NamedTuple):
    """What runs.

    Args:
        served: the log of nginx: which replicas each request went to.
    """

    replicas: tuple[Program, ...]
    redis: Program
    url: str
    served: Path

    def start(self, replica: Program) -> None:
        """Starts a replica, and returns when it can serve."""
        replica.start()
        wait_until_ready(replica)


def wait_until_ready(replica: Program) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(httpx2.TransportError):
            if httpx2.get(f"http://127.0.0.1:{replica.port}/readyz", timeout=5).is_success:
                return
        time.sleep(0.02)
    raise RuntimeError(f"the replica is not ready:\n{replica.log.read_text()}")


@contextmanager
def running(
    service: Service, upstream: str, folder: Path, settings: Mapping[str, str]
) -> Iterator[Fleet]:
    """Runs two replicas in production.

    Args:
        service: what they are replicas of.
        upstream: the base URL of their model.
        folder: an empty one, for logs and configurations.
        settings: what differs from the default.
    """
    base = {"PATH": f"{service.programs}:{os.environ['PATH']}", "HOME": str(folder)}

    def program(name: str, port: int, *command: str, **variables: str) -> Program:
        where = service.folder if variables else folder
        return Program(command, port, folder / f"{name}.log", where, {**base, **variables})

    port = free_port()
    redis = program("redis", port, "redis-server", "--port", str(port), "--save", "")
    production = {
        "APP_ENV": "production",
        "API_KEYS": ",".join(
            f"{name}:{hashlib.sha256(key.encode()).hexdigest()}" for name, key in KEYS.items()
        ),
        "LLM_API_KEY": "none",
        "LLM_BASE_URL": upstream,
        "LLM_MODEL": "bench",
        "ALLOWED_MODELS": "bench",
        "REDIS_URL": f"redis://127.0.0.1:{port}",
        **settings,
    }
    ports = {"one": free_port(), "two": free_port()}
    replicas = [
        program(name, port, *service.command(port), **production) for name, port in ports.items()
    ]
    port = free_port()
    (folder / "site.conf").write_text(
        site((service.folder / "deploy" / "nginx.conf").read_text(), port, ports.values())
    )
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder))
    nginx = program("proxy", port, "nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder))
    with ExitStack() as stack:
        fleet = Fleet(tuple(replicas), redis, f"http://127.0.0.1:{port}", folder / "served.log")
        for each in (redis, *replicas, nginx):
            each.start()
            stack.callback(each.kill)
        for replica in replicas:
            wait_until_ready(replica)
        yield fleet


def site(generated: str, port: int, replicas: Iterable[int]) -> str:
    """The generated site, on a port of its own and with a line for each replica's port."""
    lines = "\n".join(rf"\g<1>127.0.0.1:{replica}\g<2>" for replica in replicas)
    with_replicas, found = SERVER.subn(lines, generated)
    if found != 1:
        raise ValueError(f"the site names no server on port 8000:\n{generated}")
    return with_replicas.replace("listen 80;", f"listen 127.0.0.1:{port};").replace(
        "    listen [::]:80;\n", ""
    )
