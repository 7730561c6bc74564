"""What came of the cases, and what has changed since they were asked before."""

import difflib
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

REPORT = Path(__file__).with_name("report.json")


class Result(BaseModel):
    """What came of one case.

    Args:
        faults: what is wrong with its answer.
        verdict: the reason of the judge, where one was asked.
        said: what the service said.
    """

    name: str
    outcome: Literal["passed", "failed", "skipped"] = "passed"
    faults: list[str] = []
    verdict: str | None = None
    said: str = ""
    seconds: float = 0
    tokens: int = 0


class Report(BaseModel):
    """What came of all, and whether the offline model was asked."""

    offline: bool = False
    results: list[Result] = []

    @property
    def share(self) -> float:
        """The share of those that passed, of those that were asked; 1 where none was."""
        counts = self.counts
        asked = counts["passed"] + counts["failed"]
        return counts["passed"] / asked if asked else 1

    @property
    def counts(self) -> Counter[str]:
        return Counter(result.outcome for result in self.results)


def load_report(path: Path = REPORT) -> Report | None:
    """Returns the last report; nothing where there is none that can be read."""
    try:
        return Report.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def keep(report: Report, path: Path = REPORT) -> str:
    """Keeps a report for the next run; returns where it is, or why it is not kept."""
    try:
        path.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        return f"The report is not kept: {error}"
    return f"All of it: {path}"


def joined(before: Report | None, after: Report, cases: Collection[str]) -> Report:
    """Returns a report with what is known of cases that were not asked this time."""
    if before is None or before.offline != after.offline:
        return after
    asked = {result.name for result in after.results}
    others = [one for one in before.results if one.name in cases and one.name not in asked]
    return Report(offline=after.offline, results=[*after.results, *others])


def changes(before: Report, after: Report) -> Iterator[str]:
    """Yields, line by line, which cases have another outcome or say something else."""
    if before.offline != after.offline:
        yield "nothing to compare: one of the two reports is of the offline model"
        return
    known = {result.name: result for result in before.results}
    for now in after.results:
        last = known.get(now.name)
        if last is None:
            yield f"{now.name}: new, {now.outcome}"
        elif (last.outcome, last.said) != (now.outcome, now.said):
            was = f"{last.outcome}, now " if last.outcome != now.outcome else "as before, "
            yield f"{now.name}: {was}{now.outcome}"
            lines = difflib.ndiff(last.said.splitlines(), now.said.splitlines())
            yield from (f"  {line}" for line in lines if line[0] in "+-")
