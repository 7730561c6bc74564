"""A workspace: the root of a repository, which finds its services by their place."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from genai_scaffold.errors import EnvironmentFailure, UsageError
from genai_scaffold.project.files import FOREIGN
from genai_scaffold.project.neighbours import (
    another_name,
    folders_in,
    names_of,
    projects_in,
    readable_record,
    service_name,
)
from genai_scaffold.project.record import ANSWERS_FILE, Record, is_project
from genai_scaffold.system import git
from genai_scaffold.system.git import is_repository
from genai_scaffold.system.paths import mode_of
from genai_scaffold.template.questions import WORKSPACE

SERVICES = "services"
CHECKED = "requirements-dev.txt"  # what the workflow of a workspace looks for, too
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # one that no file has to quote


KEPT_APART = "a workspace has one, and its CI, hooks and ports are for what that keeps"
APART = "remove its .git (of a submodule after `git rm --cached`), or take it out of services/"


class Clash(NamedTuple):
    """A service that cannot be told from another one, be named, or be kept; and what to do."""

    place: str
    problem: str
    fix: str
    why: str = "Compose, the platforms and people tell the services of a workspace by these"


def services_in(root: Path) -> dict[str, list[str]]:
    """What a workspace is rendered for: its services, and which of them Compose can run.

    Raises:
        EnvironmentFailure: one may be where nobody can look, and would be taken for gone.
    """
    try:
        folders = [folder for folder in folders_in(root / SERVICES) if _has(folder, CHECKED)]
        composed = [folder.name for folder in folders if _has(folder, "compose.yaml")]
    except OSError as error:
        raise EnvironmentFailure(
            f"The services of {root} cannot be found",
            why=f"{error.strerror or error} ({error.filename or root})",
            fix=f"make what is named readable, or move it out of {SERVICES}/",
        ) from error
    return {"services": [folder.name for folder in folders], "composed": composed}


def _has(folder: Path, name: str) -> bool:
    return stat.S_ISREG(mode_of(folder / name))


def recorded_services(record: Record) -> dict[str, list[str]]:
    """What it was rendered for."""
    return {key: _names(record.raw.get(key)) for key in ("services", "composed")}


def _names(value: object) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else []


def is_workspace(record: Record) -> bool:
    return record.recorded.get("preset") == WORKSPACE


def workspace_around(path: Path) -> Path | None:
    """The workspace that a directory, which may not be there yet, is, or lies in."""
    for folder in (path, *path.parents):
        record = readable_record(folder)
        if record and is_workspace(record):
            return folder
    return None


def clashes_in(root: Path) -> Iterator[Clash]:
    """What keeps the services of a workspace from running beside each other."""
    if (root / SERVICES).is_symlink():
        why = "git keeps nothing behind one, so CI finds no service"
        yield Clash(SERVICES, "is a symbolic link", "put the directory in its place", why)
    for name in services_in(root)["services"]:
        place = f"{SERVICES}/{name}"
        if is_repository(root / place):
            yield Clash(place, "is a repository of its own", APART, KEPT_APART)
        if not NAME.fullmatch(name):
            problem = "has a name that not every file can have in it"
            yield Clash(place, problem, "give it one of letters, digits and hyphens")
    names: dict[str, str] = {}
    ports: dict[int, str] = {}
    for place, name, port in projects_in(root / SERVICES, PurePosixPath(SERVICES)):
        if is_repository(root / place):
            continue
        update = f"genai-scaffold update {place}"
        if shared := next((each for each in names_of(name) if each in names), None):
            folder = PurePosixPath(place).name
            free = folder if service_name(folder) != name else another_name(name)
            fix = f"{update} --set name={free}"
            yield Clash(place, f"has the name {shared}, as {names[shared]} has", fix)
        for each in names_of(name):
            names.setdefault(each, place)
        if (first := ports.setdefault(port, place)) != place:
            yield Clash(place, f"has port {port}, as {first} has", update)


def unreadable_in(root: Path) -> list[str]:
    """The services whose answers file says nothing, so that no clash of theirs is seen."""
    folders = [root / SERVICES / name for name in services_in(root)["services"]]
    return [
        f"{SERVICES}/{folder.name}"
        for folder in folders
        if is_project(folder) and not readable_record(folder)
    ]


def refuse_clashes(root: Path) -> None:
    """Refuse services that cannot run beside each other.

    Raises:
        UsageError: there are such.
    """
    for place, problem, fix, why in clashes_in(root):
        raise UsageError(f"{place} {problem}", why=why, fix=f"{fix}, and commit that")


def strays_in(root: Path) -> list[str]:
    """The projects that lie in the repository of a workspace where it does not look."""
    kept = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    paths = map(PurePosixPath, git.run_git(root, *kept).output.split("\0"))
    places = {path.parent for path in paths if path.name == ANSWERS_FILE}
    return [
        str(place)
        for place in sorted(places)
        if place.name
        and str(place.parent) != SERVICES
        and FOREIGN.isdisjoint(place.parts)
        and readable_record(root / place)
    ]
