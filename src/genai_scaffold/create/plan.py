"""What will be created, where, and why."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from genai_scaffold.answers.given import Answers, Given, Givens
from genai_scaffold.answers.names import check_name
from genai_scaffold.answers.resolution import naming_its_place, of_its_preset, settle, with_texts
from genai_scaffold.answers.spelling import replay_command
from genai_scaffold.create.destination import destination_at, name_at
from genai_scaffold.create.repository import place_in_repository
from genai_scaffold.project.neighbours import PORT, port_beside
from genai_scaffold.project.workspace import services_in
from genai_scaffold.recommendation.scoring import Recommendation


@dataclass(frozen=True)
class Plan:
    """What will be created, and where; nothing is written yet.

    Attributes:
        asked: the keys that a person answered, if only by agreeing with the default.
        start: whether a person wants it installed and started at once.
    """

    directory: str
    destination: Path
    given: Givens
    answers: Answers
    recommendation: Recommendation
    asked: frozenset[str] = frozenset()
    start: bool = False

    @property
    def command(self) -> list[str]:
        return replay_command(self.directory, self.given)

    @cached_property
    def place(self) -> str:
        """Where in a repository the project will lie; nothing at its root, or in one of its own."""
        return place_in_repository(self.destination)

    @cached_property
    def port(self) -> int:
        return port_beside(self.destination) if self.place else PORT

    def for_template(self) -> dict[str, Any]:
        """What the template is told: the answers, and what was seen of the place."""
        place = {"directory": self.place, "port": self.port}
        seen = services_in(self.destination) if self.answers.is_workspace else place
        return {**self.answers.for_template(), **seen}


def plan_project(given: Givens, directory: str | None = None) -> Plan:
    """Decide everything that was not given, and check what was.

    Args:
        given: the answers from all sources.
        directory: where the project goes; named after it unless a name was given.

    Raises:
        UsageError: an answer, the name, or a combination of answers is not accepted.
    """
    given = of_its_preset(with_texts(_with_name(given, directory)))
    settled = settle(given)
    directory = directory or settled.answers.text("name")
    # As it is printed in commands, it must not look like a flag.
    directory = f"./{directory}" if directory.startswith("-") else directory
    destination = destination_at(directory)
    return Plan(directory, destination, given, settled.answers, settled.recommendation)


def _with_name(given: Givens, directory: str | None) -> dict[str, Given]:
    """Add the project's name, which is the directory's unless another was given."""
    if name := given.get("name"):
        fix = "--name {}" if name.source == "flag" else "{} instead"
        with naming_its_place(name):
            checked = check_name(str(name.value), fix=fix)
        return {**given, "name": name._replace(value=checked)}
    if directory is None:
        return dict(given)
    base = name_at(directory)
    # Inside a refused directory a project can still have a good name.
    prefix = "" if directory.strip("./\\") else "--name "
    checked = check_name(base, fix=f"{prefix}{{}}")
    return {**given, "name": Given(checked, "directory", directory)}
