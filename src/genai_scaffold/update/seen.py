"""What nobody is asked, since it can be seen: where a project lies, or what lies in a workspace."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from genai_scaffold.project.neighbours import port_beside, port_in
from genai_scaffold.project.record import Record
from genai_scaffold.project.workspace import (
    is_workspace,
    recorded_services,
    refuse_clashes,
    services_in,
    strays_in,
)
from genai_scaffold.system.git import below_root
from genai_scaffold.template.questions import Value


class Seen(NamedTuple):
    """What was seen.

    Args:
        now: as the template is told it.
        learnt: what of it is new: its key, and in words what was before, and what is.
        notes: what else is worth saying.
    """

    now: Mapping[str, Any]
    learnt: Sequence[tuple[str, Value, Value]]
    notes: tuple[str, ...] = ()


def look_around(project: Path, recorded: Record) -> Seen:
    """See where a project lies, or which services a workspace has.

    Raises:
        UsageError: two services cannot run beside each other.
    """
    if is_workspace(recorded):
        return _look_into(project, recorded)
    port, directory = port_in(recorded), below_root(project.resolve())
    before = {"directory": recorded.directory, "port": port}
    now = {"directory": directory, "port": port_beside(project, port)}
    learnt = [
        (key, str(before[key]) or ".", str(now[key]) or ".")
        for key in now
        if now[key] != before[key]
    ]
    return Seen(now, learnt)


def _look_into(workspace: Path, recorded: Record) -> Seen:
    refuse_clashes(workspace)
    now, before = services_in(workspace), recorded_services(recorded)
    learnt = [(key, tuple(before[key]), tuple(now[key])) for key in now if now[key] != before[key]]
    strays = strays_in(workspace)
    return Seen(now, learnt, tuple(f"{place} is none of its services." for place in strays))
