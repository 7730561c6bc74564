"""What a project below a repository's root shares with those beside it: names, and ports."""

import contextlib
import itertools
import stat
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from genai_scaffold.errors import ScaffoldError, UsageError
from genai_scaffold.project.record import Record, is_project, read_record
from genai_scaffold.system.git import below_root
from genai_scaffold.system.paths import mode_of
from genai_scaffold.template.questions import derived

PORT = 8000  # where a service is looked for, unless a neighbour is there


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


def refuse_a_namesake(project: Path, name: str, flag: str) -> None:
    """Refuse a name that a neighbour has.

    Args:
        project: where it is, or will be.
        name: of the project.
        flag: what says another name, up to that name.

    Raises:
        UsageError: platforms and Compose would take the two for one.
    """
    for neighbour in neighbours(project):
        if neighbour.name == service_name(name):
            raise UsageError(
                f"{neighbour.place} is called {neighbour.name} already",
                why="Compose and the platforms tell the services of a repository by their names",
                fix=f"choose another name, such as {flag}{name[:60].rstrip('-')}-2",
            )
