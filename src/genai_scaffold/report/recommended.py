"""Shows a recommendation."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from genai_scaffold.recommendation.scoring import Recommendation
from genai_scaffold.report.explanation import explained_reasons, explanation
from genai_scaffold.report.output import Output, show_lines, width_of

WITH_SEVERAL = (
    "Begin with the root that all services share: CI, hooks and Compose find them by their place.\n"
    "Each service has a framework of its own; `add peers` lets one call another, by typed calls."
)
BEGIN_SEVERAL = (
    "genai-scaffold new shop --preset workspace",
    "genai-scaffold new shop/services/NAME",
)

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
            said = "\n  ".join((f"\n{WITH_SEVERAL}", *BEGIN_SEVERAL))
            terminal.print(said, highlight=False, soft_wrap=True)

    steps = list(BEGIN_SEVERAL) if several else []
    output.result({**verdict.as_dict(), "sources": dict(sources), "next": steps}, show)


def show_reasons(verdict: Recommendation, terminal: "Console") -> None:
    """Show a recommendation without its headline, which the question after it has."""
    show_lines(explained_reasons(verdict, width_of(terminal)), terminal)
