"""Where a workspace may be, and a service of one."""

from pathlib import Path

from genai_scaffold.answers.spelling import shell_line
from genai_scaffold.create.destination import check_destination, destination_at
from genai_scaffold.create.repository import place_in_repository
from genai_scaffold.errors import DestinationError, UsageError
from genai_scaffold.project.record import is_project
from genai_scaffold.project.workspace import (
    NAME,
    SERVICES,
    refuse_clashes,
    strays_in,
    workspace_around,
)
from genai_scaffold.system.git import repository_root

ROOT_ALONE = "GitHub reads .github/ at a repository's root alone"


def check_placement(directory: str, *, workspace: bool) -> None:
    """Refuse a directory, as it was named, that cannot be a workspace, or else a project.

    Raises:
        ScaffoldError: it lies where it would not work, or something is in the way.
    """
    destination = destination_at(directory)
    if workspace:
        _check_root(destination)
    else:
        _refuse_a_way_out(Path(directory).absolute())
        _check_service(destination)
    check_destination(destination, among=workspace)


def _check_root(destination: Path) -> None:
    """Refuse what is no root, has a service of its own, or services that cannot be told apart."""
    if around := workspace_around(destination):
        lies = (
            "it is one already" if around == destination else f"it lies in {around}, which is one"
        )
        raise UsageError(
            f"{destination} cannot become a workspace",
            why=lies,
            fix=f"for one more service: `{_new(around / SERVICES / 'NAME')}`",
        )
    if place_in_repository(destination):
        top = repository_root(destination)
        raise UsageError(
            f"{destination} cannot become a workspace",
            why=f"it lies in the repository {top}, and {ROOT_ALONE}",
            fix=f"name that root: `{_new(top or destination)} --preset workspace`",
        )
    if is_project(destination):
        raise DestinationError(
            f"{destination} is a project",
            why="the root of a workspace has no service of its own",
            fix=f"git mv all that it is made of into {SERVICES}/NAME, and commit that",
        )
    for place in strays_in(destination) if destination.is_dir() else ():
        move = shell_line(["git", "mv", place, f"{SERVICES}/{Path(place).name}"])
        raise UsageError(
            f"{place} would be no service of the workspace",
            why=f"that looks for them in {SERVICES}/ alone",
            fix=f"`{move}`, and commit",
        )
    refuse_clashes(destination)


def _refuse_a_way_out(named: Path) -> None:
    """Refuse a place in a workspace that a link on the way to it takes elsewhere."""
    if around := workspace_around(named):
        for folder in reversed(named.parents):
            if folder.is_relative_to(around / SERVICES) and folder.is_symlink():
                raise _is_a_link(folder)


def _is_a_link(folder: Path) -> DestinationError:
    return DestinationError(
        f"{folder} is in the way",
        why="it is a symbolic link, and git keeps nothing behind one",
        fix="put a directory in its place",
    )


def _check_service(destination: Path) -> None:
    """Refuse what a workspace would not find, or that would not know that it is in one."""
    around = workspace_around(destination)
    if around is None:
        return
    if (around / SERVICES).is_symlink():
        raise _is_a_link(around / SERVICES)
    if destination.parent != around / SERVICES or not NAME.fullmatch(destination.name):
        name = "NAME" if destination == around else destination.name
        raise UsageError(
            f"{destination} is no place for a service of {around}",
            why=f"a workspace finds what lies in {SERVICES}/, by a name that no file has to quote",
            fix=f"`{_new(around / SERVICES / (name if NAME.fullmatch(name) else 'NAME'))}`",
        )
    top = repository_root(destination)
    if top and top.is_relative_to(around / SERVICES):
        raise UsageError(
            f"{destination} lies in a repository of its own",
            why=f"{top} is one, and a service is kept in that of its workspace",
            fix=f"choose another directory, or remove {top / '.git'}",
        )
    if top is None:
        raise UsageError(
            f"{around} is no git repository",
            why="a service is made for where in one it lies",
            fix=f"`{shell_line(['git', '-C', str(around), 'init'])}`",
        )


def _new(directory: Path) -> str:
    return shell_line(["genai-scaffold", "new", str(directory)])
