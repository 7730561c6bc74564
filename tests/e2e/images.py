"""Builds images and runs what they start, without a container engine: Debian's buildah, as root."""

import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from benchmarks.servers import family
from e2e.conftest import required
from e2e.machine import Machine
from e2e.servers import Server, started

SYSTEM_PYTHON = "/usr/bin/python3"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
# How pip reaches its index from this machine; inside a build it has to be told again.
NETWORK = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "HTTPS_PROXY", "HTTP_PROXY")
PACKAGES = "python3,python3-venv,ca-certificates"
# Which parts of the distribution have them.
COMPONENTS = {"debian": "main", "ubuntu": "main,universe"}
# In place of an official image, which this machine may not reach: Debian with a Python at its path.
STAND_IN = f"""\
FROM scratch
ADD debian.tar /
COPY certificates.crt {CERTIFICATES}
RUN ln -s {SYSTEM_PYTHON} /usr/local/bin/python
ENV PIP_CERT={CERTIFICATES}
"""


class Store(NamedTuple):
    """Where images lie, and the programs that make them."""

    folder: Path
    machine: Machine

    def buildah(self, *arguments: str) -> str:
        return self.machine.run(*self.command(*arguments), BUILDAH_ISOLATION="chroot")

    def command(self, *arguments: str) -> tuple[str, ...]:
        places = (f"--root={self.folder / 'images'}", f"--runroot={self.folder / 'runs'}")
        return ("buildah", *places, *arguments)

    def make_stand_ins(self, dockerfile: str) -> None:
        """Makes each image that a Dockerfile starts from, by the very name that it asks for."""
        context = self.folder / "stand-in"
        context.mkdir()
        shutil.copy(CERTIFICATES, context / "certificates.crt")
        network = (f"ENV {name}={os.environ[name]}\n" for name in NETWORK if name in os.environ)
        (context / "Dockerfile").write_text(STAND_IN + "".join(network))
        system = platform.freedesktop_os_release()
        chosen = (f"--include={PACKAGES}", f"--components={COMPONENTS[system['ID']]}")
        debian = ("mmdebstrap", "--variant=minbase", *chosen, "--quiet")
        self.machine.run(*debian, system["VERSION_CODENAME"], str(context / "debian.tar"))
        tags = (f"--tag={name}" for name in bases(dockerfile))
        self.buildah("build", "--quiet", *tags, str(context))

    def build(self, context: Path, name: str) -> "Image":
        """Builds a folder's Dockerfile, from nothing but images that are here."""
        flags = ("--quiet", "--pull-never", "--format=docker", f"--tag={name}")
        self.buildah("build", *flags, str(context))
        config = json.loads(self.buildah("inspect", "--type=image", name))["Docker"]["config"]
        container = self.buildah("from", "--quiet", "--pull-never", name).strip()
        return Image(container, config, self)


class Image(NamedTuple):
    """An image, and the files of one container of it.

    Args:
        config: what an engine reads: `Cmd`, `User`, `Env`, `Healthcheck`, `StopSignal`.
    """

    container: str
    config: Mapping[str, Any]
    store: Store

    def run(self, *command: str, **variables: str) -> str:
        """Runs a command in the container, as the image's user; it has to succeed."""
        return self.store.buildah(*self._run(variables), *command)

    @contextmanager
    def started(self, **variables: str) -> Iterator["Container"]:
        """Runs what the image starts, on a free port of this machine."""

        def command(port: int) -> str:
            run = self._run({**variables, "PORT": str(port)})
            return f"exec {shlex.join(self.store.command(*run, *self.config['Cmd']))}"

        environment = {**self.store.machine.variables, "BUILDAH_ISOLATION": "chroot"}
        with started(command, self.store.folder, environment) as server:
            yield Container(server)

    def _run(self, variables: Mapping[str, str]) -> tuple[str, ...]:
        settings = (f"--env={name}={value}" for name, value in variables.items())
        return ("run", *settings, self.container, "--")


class Container(NamedTuple):
    """A container that runs, or ran; its processes are this machine's."""

    server: Server

    def processes(self) -> list[int]:
        """What runs in the container; the first is whom an engine sends its signals."""
        everything = family(self.server.process.pid)
        inside = [pid for pid in everything if not program(pid).startswith("buildah")]
        assert inside, self.server.log.read_text()
        return inside

    def users(self) -> set[str]:
        """The real, effective and other users that its processes have."""
        statuses = [Path(f"/proc/{pid}/status").read_text() for pid in self.processes()]
        return {user for status in statuses for user in line(status, "Uid:")}


def program(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().partition("\0")[0]


def line(status: str, field: str) -> list[str]:
    [values] = re.findall(rf"^{field}\s(.*)$", status, re.MULTILINE)
    return str(values).split()


def bases(dockerfile: str) -> set[str]:
    return set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE))


@contextmanager
def image_store(machine: Machine) -> Iterator[Store]:
    """A store that is gone afterwards: what it holds fills a disk soon."""
    if os.geteuid() != 0:
        pytest.skip("only root can change into another root directory")
    for tool in ("buildah", "mmdebstrap"):
        required(tool)
    place = Path(tempfile.mkdtemp(prefix="genai-scaffold-images-"))
    store = Store(place / "store", machine)  # whose logs lie beside it
    store.folder.mkdir()
    try:
        yield store
    finally:
        store.buildah("rm", "--all")
        for mounted in mounts(place):
            machine.run("umount", mounted)
        shutil.rmtree(place)


def mounts(folder: Path) -> list[str]:
    """Where file systems are mounted below a folder, the innermost first."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return sorted((point for point in points if point.startswith(f"{folder}/")), reverse=True)


def system_python() -> str:
    """The Python that Debian brings, as the tool's `--python` takes it."""
    asked = (SYSTEM_PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
