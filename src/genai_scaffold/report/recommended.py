"""Shows a recommendation."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from genai_scaffold.recommendation.scoring import Recommendation
from genai_scaffold.report.explanation import explained_reasons, explanation
from genai_scaffold.report.output import Output, show_lines, width_of

if TYPE_CHECKING:  # not every command needs them
    from rich.console import Console


def show_recommendation(
    verdict: Recommendation, sources: Mapping[str, str], output: Output, *, verbose: bool
) -> None:
    """Show the verdict, both sums, the reasons that counted, and what would change it."""

    def show(terminal: "Console") -> None:
        show_lines(explanation(verdict, width_of(terminal), verbose=verbose), terminal)

    output.result({**verdict.as_dict(), "sources": dict(sources)}, show)


def show_reasons(verdict: Recommendation, terminal: "Console") -> None:
    """Show a recommendation without its headline, which the question after it has."""
    show_lines(explained_reasons(verdict, width_of(terminal)), terminal)
