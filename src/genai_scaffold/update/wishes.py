"""What a command wishes a project to be."""

import contextlib
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from genai_scaffold.answers.fields import AUTO, NONE, closest_value, fields, project_fields
from genai_scaffold.answers.given import Given, Givens
from genai_scaffold.errors import EnvironmentFailure, MisspeltError, ScaffoldError
from genai_scaffold.project.record import is_project, read_record
from genai_scaffold.template.questions import Value

# The questions whose answers are lists that `add` and `remove` lengthen and shorten.
LISTS = ("feature", "deploy")


class Wish(NamedTuple):
    """The answers that a command changes, and what of its wish is so already."""

    answers: Givens
    already: tuple[str, ...] = ()


def frameworks() -> list[str]:
    """What a project can be switched to."""
    return [name for name in fields()["framework"].values if name != AUTO]


def switching(project: Path, framework: str) -> Wish:
    """The answers of a project with another framework."""
    if framework not in frameworks():
        if is_project(Path(framework)):
            said = f"switch {_another(Path(framework))} {shlex.quote(framework)}"
            raise MisspeltError(
                f"{framework} is a project, and no framework to switch to",
                why=f"there are {', '.join(frameworks())}",
                fix=f"did you mean `genai-scaffold {said}`?",
            )
        meant = _another(project)
        raise MisspeltError(
            f"{framework!r} is no framework to switch to",
            why=f"there are {', '.join(frameworks())}",
            fix=f"name one of them, such as {meant}",
            said=framework,
            meant=meant,
        )
    current = _recorded(project).get("framework")
    already = (f"The framework is {framework} already.",) if current == framework else ()
    return Wish({"framework": Given(framework, "flag", f"switch {framework}")}, already)


def _another(project: Path) -> str:
    """A framework that a project does not have."""
    current = None
    with contextlib.suppress(ScaffoldError):  # what cannot be read is no reason to say less
        current = _recorded(project).get("framework") if is_project(project) else None
    return next(name for name in frameworks() if name != (current or frameworks()[0]))


def adding(project: Path, wanted: Sequence[str]) -> Wish:
    """The answers of a project with more features or deploy targets."""
    lists = {name: _list_of(name) for name in wanted}
    present = removable(project)
    missing = [name for name in lists if name not in present]
    given = _given([*present, *missing], lists.values(), f"add {' '.join(wanted)}")
    there = [name for name in lists if name in present]
    return Wish(given, (f"The project has {' and '.join(there)} already.",) if there else ())


def removing(project: Path, unwanted: Sequence[str]) -> Wish:
    """The answers of a project with fewer features or deploy targets."""
    lists = {name: _list_of(name, remove=True) for name in unwanted}
    present = removable(project)
    kept = [name for name in present if name not in lists]
    given = _given(kept, lists.values(), f"remove {' '.join(unwanted)}")
    lacking = [name for name in lists if name not in present]
    nothing = f"The project has no {' or '.join(lacking)} to remove."
    return Wish(given, (nothing,) if lacking else ())


def _given(names: Sequence[str], lists: Iterable[str], flag: str) -> dict[str, Given]:
    return {
        key: Given(tuple(name for name in names if _list_of(name) == key), "flag", flag)
        for key in lists
    }


def addable(project: Path) -> list[str]:
    """The features and deploy targets that a project does not have."""
    present = set(removable(project))
    return [name for name in _offered() if name not in present]


def removable(project: Path) -> list[str]:
    """The features and deploy targets that a project has."""
    recorded = _recorded(project)
    return [name for key in LISTS for name in listed_names(recorded.get(key))]


def _offered() -> dict[str, str]:
    """Each feature and deploy target, and which list it belongs to."""
    return {value: key for key in LISTS for value in fields()[key].values if value != NONE}


def _list_of(name: str, *, remove: bool = False) -> str:
    """Which list a feature or deploy target belongs to."""
    offered = _offered()
    if name not in offered:
        raise MisspeltError(
            f"{name!r} is neither a feature nor a deploy target",
            why=f"there are {', '.join(offered)}",
            fix=_meant(name, offered, remove=remove),
        )
    return offered[name]


def _meant(name: str, offered: Collection[str], *, remove: bool) -> str:
    if meant := closest_value(name, offered):
        return f"did you mean {meant}?"
    if name in frameworks():
        wanted = [other for other in frameworks() if (other != name) == remove]
        return f"did you mean `genai-scaffold switch {wanted[0]}`?"
    for field in project_fields().values():
        if name in field.values and name not in (AUTO, NONE) and not remove:
            setting = f"--set {field.key}={name}"
            return f"did you mean `genai-scaffold update {setting}`?"
    if is_project(Path(name)):
        return f"the project that it is meant for: --project {shlex.quote(name)}"
    return "`genai-scaffold list` explains them all"


def listed_names(value: Value | None) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _recorded(project: Path) -> Mapping[str, Value]:
    with explained_failures(project):
        return read_record(project).recorded


@contextlib.contextmanager
def explained_failures(project: Path) -> Iterator[None]:
    """Turn what the file system says into one of our errors."""
    try:
        yield
    except OSError as error:
        raise EnvironmentFailure(
            f"{project} cannot be updated; it is as it was",
            why=f"{error.strerror or error} ({error.filename or project})",
            fix="make room, or change the permissions of what is named",
        ) from error
