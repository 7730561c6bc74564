"""Shows a recommendation."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from genai_scaffold.recommendation.scoring import Recommendation
from genai_scaffold.report.explanation import StyledLine, explained_reasons, explanation
from genai_scaffold.report.output import Output, show_lines, width_of

BEGIN_SEVERAL = (
    "genai-scaffold new shop --preset workspace",
    "genai-scaffold new shop/services/NAME",
)
WITH_SEVERAL = f"Begin with the root of all services: {BEGIN_SEVERAL[0]}"

if TYPE_CHECKING:  # not every command needs them
    from rich.console import Console


def show_recommendation(
    verdict: Recommendation, sources: Mapping[str, str], output: Output, *, verbose: bool
) -> None:
    """Show the verdict, both sums, the reasons that counted, and what would change it."""
    several = "scale" in verdict.said and verdict.needs["scale"] == "microservices"

    def written(width: int | None) -> Sequence[StyledLine]:
        below = WITH_SEVERAL if several else ""
        return explanation(verdict, width, verbose=verbose, below=below)

    steps = list(BEGIN_SEVERAL) if several else []
    output.lines({**verdict.as_dict(), "sources": dict(sources), "next": steps}, written)


def show_reasons(verdict: Recommendation, terminal: "Console") -> None:
    """Show a recommendation without its headline, which the question after it has."""
    show_lines(explained_reasons(verdict, width_of(terminal)), terminal)
