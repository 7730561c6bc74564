"""What is wrong with a project, and where."""

from typing import Literal, NamedTuple, TypeAlias

Severity: TypeAlias = Literal["error", "warning"]


class Finding(NamedTuple):
    """Something wrong, and where; a warning is of what may be right by what no file says."""

    check: str
    path: str
    line: int
    problem: str
    severity: Severity = "error"

    @property
    def is_error(self) -> bool:
        return self.severity == "error"


class Fault(NamedTuple):
    """What a check found in a file."""

    line: int
    problem: str
