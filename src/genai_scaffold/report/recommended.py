"""Shows a recommendation."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from genai_scaffold.recommendation.scoring import Recommendation
from genai_scaffold.report.explanation import explained_reasons, explanation
from genai_scaffold.report.output import Output, show_lines, width_of

SEVERAL = (
    "Make each service beside the others, in one repository: each has a framework of its own, and\n"
    "calls another by the types of its API document."
)
BEGIN_SEVERAL = "genai-scaffold new services/NAME --feature peers"

if TYPE_CHECKING:  # not every command needs them
    from rich.console import Console


def show_recommendation(
    verdict: Recommendation, sources: Mapping[str, str], output: Output, *, verbose: bool
) -> None:
    """Show the verdict, both sums, the reasons that counted, and what would change it."""
    several = "scale" in verdict.said and verdict.needs["scale"] == "microservices"

    def show(terminal: "Console") -> None:
        show_lines(explanation(verdict, width_of(terminal), verbose=verbose), terminal)
        if several:
            terminal.print(f"\n{SEVERAL}\n  {BEGIN_SEVERAL}", highlight=False, soft_wrap=True)

    steps = [BEGIN_SEVERAL] if several else []
    output.result({**verdict.as_dict(), "sources": dict(sources), "next": steps}, show)


def show_reasons(verdict: Recommendation, terminal: "Console") -> None:
    """Show a recommendation without its headline, which the question after it has."""
    show_lines(explained_reasons(verdict, width_of(terminal)), terminal)
