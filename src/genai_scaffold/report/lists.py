"""Shows what can be chosen, and what was found."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genai_scaffold.answers.fields import LISTED_AS
from genai_scaffold.answers.spelling import in_words
from genai_scaffold.recommendation.criteria import load_criteria
from genai_scaffold.report.explanation import StyledLine
from genai_scaffold.report.output import NARROW, Document, Output, folded, one_line, show_grid
from genai_scaffold.template.questions import template_questions

if TYPE_CHECKING:  # not every command needs them
    from rich.console import Console

    from genai_scaffold.check.machine import Diagnosis
    from genai_scaffold.project.finding import Finding


def list_choices(kind: str | None) -> dict[str, list[dict[str, Any]]]:
    """What can be chosen, by kind; all kinds, unless one is named."""
    choices = {question.name: question.choices for question in template_questions().values()}
    listed: dict[str, list[dict[str, Any]]] = {
        name: [choice._asdict() for choice in choices[key]] for key, name in LISTED_AS.items()
    }
    listed["needs"] = [
        {
            "need": need.name,
            "help": need.help,
            "default": need.default,
            "choices": [choice._asdict() for choice in need.choices],
        }
        for need in load_criteria().needs
    ]
    return {kind: listed[kind]} if kind else listed


def show_list(kind: str | None, output: Output) -> None:
    """Show what can be chosen."""
    listed = list_choices(kind)
    output.lines(listed, lambda width: [*_listed(listed, width)][1:])


def _listed(listed: Mapping[str, list[dict[str, Any]]], width: int | None) -> Iterator[StyledLine]:
    """Each kind below an empty line."""
    for name, entries in listed.items():
        yield StyledLine("")
        yield StyledLine(name, "heading")
        if name != "needs":
            yield from map(StyledLine, _meanings(entries, width, "  "))
            continue
        for need in entries:
            yield StyledLine(_hanging("  ", f"{need['need']}: {need['help']}", width))
            meanings = _meanings(need["choices"], width, "    ", need["default"])
            yield from map(StyledLine, meanings)


def _meanings(
    entries: Iterable[Document], width: int | None, indent: str, default: object = None
) -> Iterator[str]:
    """Each value once, with what it means where that is not the same word again."""
    rows = {in_words(entry["value"]): entry for entry in entries}
    column = max(map(len, rows))
    for value, entry in rows.items():
        said = [text for text in (entry["label"], entry["hint"]) if text and text != value]
        ending = " (default)" if entry["value"] == default else ""
        begin = f"{indent}{value:{column}}  "
        yield _hanging(begin, f"{': '.join(said)}{ending}".strip(), width)


def _hanging(begin: str, text: str, width: int | None) -> str:
    """A text that goes on below its beginning, where lines break at all."""
    if width is None:
        return f"{begin}{text}".rstrip()
    filled = textwrap.fill(
        text,
        max(width, len(begin) + NARROW // 2),
        initial_indent=begin,
        subsequent_indent=" " * len(begin),
        break_on_hyphens=False,
    )
    return filled or begin.rstrip()


SOUND = "✓ Every file parses, and the deploy files agree with the app."
TOGETHER = "✓ Every file parses, and the services can run beside each other."


def show_findings(
    path: str, found: Sequence["Finding"], output: Output, praise: str = SOUND
) -> None:
    """Show what is wrong with a project, or that nothing is."""

    def show(terminal: "Console") -> None:
        for finding in found:
            mark = "" if finding.is_error else f"{finding.severity}: "
            line = f"{finding.path}:{finding.line}: {mark}{finding.problem} [{finding.check}]"
            terminal.print(one_line(line), soft_wrap=True)
        if not output.quiet and not any(finding.is_error for finding in found):
            terminal.print(praise)

    output.result({"path": path, "findings": [finding._asdict() for finding in found]}, show)


def show_diagnoses(found: Sequence["Diagnosis"], output: Output) -> None:
    """Show what this machine has and lacks."""

    def show(terminal: "Console") -> None:
        from rich.table import Column, Table

        table = Table.grid(*(Column(overflow="fold") for _ in range(3)), padding=(0, 2))
        place = len("✓  ") + max(len(each.tool) for each in found) + len("  → ")
        for diagnosis in found:
            mark = "✓" if diagnosis.works else "✗" if diagnosis.required else "·"
            table.add_row(mark, diagnosis.tool, diagnosis.detail)
            if diagnosis.fix:
                fix = folded(diagnosis.fix, terminal, place, indent=2)
                table.add_row("", "", f"→ {fix}")
        show_grid(table, terminal)

    output.result({"checks": [diagnosis._asdict() for diagnosis in found]}, show)
