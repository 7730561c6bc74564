"""What a project below a repository's root shares with those beside it: names, and ports."""

import contextlib
import itertools
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from genai_scaffold.errors import ScaffoldError, UsageError
from genai_scaffold.project.finding import Finding
from genai_scaffold.project.record import ANSWERS_FILE, Record, is_project, read_record
from genai_scaffold.system.git import below_root
from genai_scaffold.system.paths import mode_of
from genai_scaffold.template.questions import derived

PORT = 8000  # where a service is looked for, unless a neighbour is there
PARTS = ("redis", "postgres", "migrate", "database")  # deploy files call these SERVICE-PART


class Neighbour(NamedTuple):
    """A project beside another one.

    Args:
        place: where in the repository it lies.
        name: what platforms call it.
        port: where its commands run it.
    """

    place: str
    name: str
    port: int


def neighbours(project: Path) -> list[Neighbour]:
    """The projects in the directories beside one that is there, or is to come."""
    project = project.resolve()
    place = PurePosixPath(below_root(project))
    if not place.name:
        return []
    own = str(place)
    return [found for found in projects_in(project.parent, place.parent) if found.place != own]


def projects_in(parent: Path, place: PurePosixPath) -> list[Neighbour]:
    """The projects in the directories of one, which lies at a place in the repository."""
    found = []
    with contextlib.suppress(OSError):
        for folder in folders_in(parent):
            if record := readable_record(folder):
                name = service_name(str(record.recorded.get("name", folder.name)))
                found.append(Neighbour(str(place / folder.name), name, port_in(record)))
    return found


def folders_in(parent: Path) -> list[Path]:
    """What can be a neighbour; a link is another name of what is elsewhere, or here.

    Raises:
        OSError: the directory cannot be looked into.
    """
    if not stat.S_ISDIR(mode_of(parent)):
        return []
    return sorted(path for path in parent.iterdir() if not path.is_symlink())


def readable_record(folder: Path) -> Record | None:
    """What a project was made from; a broken one is no reason to stop at another."""
    try:
        return read_record(folder) if is_project(folder) else None
    except (ScaffoldError, OSError):
        return None


def faults_of_record(folder: Path) -> Iterator[Finding]:
    """Why it cannot be read what a project was made from."""
    try:
        read_record(folder)
    except UsageError as problem:
        yield Finding("record", ANSWERS_FILE, 1, f"{problem.what}: {problem.why}")


def port_in(record: Record) -> int:
    """The port that a project was rendered for."""
    port = record.raw.get("port")
    return port if type(port) is int and 0 < port < 2**16 else PORT  # to Python true is a 1


def service_name(name: str) -> str:
    """What platforms call a project."""
    return derived("service_name", {"project_name": name})


def port_beside(project: Path, own: int = PORT) -> int:
    """The port of a project: its own, unless a neighbour has it; at a root the usual one."""
    if not below_root(project.resolve()):
        return PORT
    taken = {neighbour.port for neighbour in neighbours(project)}
    return next(port for port in itertools.chain([own], itertools.count(PORT)) if port not in taken)


def another_name(name: str) -> str:
    """A name that platforms do not cut to the same."""
    return f"{name[:28].rstrip('-')}-2"


def names_of(service: str) -> tuple[str, ...]:
    """What deploy files call a service, and its parts."""
    return (service, *(f"{service}-{part}" for part in PARTS))


def shared_name(one: str, other: str) -> str | None:
    """What two services would both be called, or a part of one and the other."""
    return next((name for name in names_of(one) if name in names_of(other)), None)


def refuse_a_namesake(project: Path, name: str, flag: str) -> None:
    """Refuse a name that a neighbour has.

    Args:
        project: where it is, or will be.
        name: of the project.
        flag: what says another name, up to that name.

    Raises:
        UsageError: platforms, Compose or a file system would take the two for one.
    """
    own = service_name(name)
    place = below_root(project.resolve())
    for neighbour in neighbours(project):
        if neighbour.place.casefold() == place.casefold():
            raise UsageError(
                f"{neighbour.place} differs from {place} in case alone",
                why="to macOS and Windows they are one directory",
                fix="choose another directory",
            )
        if shared := shared_name(own, neighbour.name):
            raise UsageError(
                f"{neighbour.place} has the name {shared} already",
                why="Compose and the platforms tell services by their names, "
                "and what belongs to one is called after it",
                fix=f"choose another name, such as {flag}{another_name(own)}",
            )
