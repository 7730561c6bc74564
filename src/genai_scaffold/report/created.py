"""Shows what would be created, and what was."""

import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genai_scaffold.answers.fields import project_fields
from genai_scaffold.answers.given import plain_value
from genai_scaffold.answers.spelling import in_words, shell_line
from genai_scaffold.create.serving import HOST, server_command
from genai_scaffold.project.neighbours import PORT
from genai_scaffold.recommendation.criteria import load_criteria
from genai_scaffold.report.explanation import headline
from genai_scaffold.report.output import (
    ROOMY,
    Output,
    console_on,
    folded,
    marked,
    show_command,
    show_note,
    show_said,
    show_table,
)

if TYPE_CHECKING:  # not every command needs them
    from rich.console import Console

    from genai_scaffold.create.plan import Plan
    from genai_scaffold.create.project import Created

INSTALLS = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt"
ADDRESS = f"http://{HOST}:{PORT}"
ADDS_A_SERVICE = ("genai-scaffold new services/NAME", "genai-scaffold update")
ASKS = (
    f"curl -s {ADDRESS}/v1/chat/completions -H 'content-type: application/json'"
    """ -d '{"messages": [{"role": "user", "content": "Hello"}]}'"""
)


def start_line(framework: str, port: int = PORT) -> str:
    """What starts a project's server, as a shell takes it."""
    return shlex.join(server_command(framework, port))


def plan_document(planned: "Plan", files: Sequence[str]) -> dict[str, Any]:
    """What `new` decided, each answer with its source."""
    is_root = planned.answers.is_workspace
    by_key = {
        key: {"value": plain_value(answer.value), "source": answer.source}
        for key, answer in planned.answers.by_key.items()
    }
    return {
        "path": str(planned.destination),
        "framework": by_key.get("framework"),
        "answers": by_key,
        "recommendation": None if is_root else planned.recommendation.as_dict(),
        "files": list(files),
        "notes": list(planned.answers.notes),
        "command": shell_line(planned.command),
    }


def show_summary(planned: "Plan", files: Sequence[str], terminal: "Console") -> None:
    """Show what will be written and, nearest to the question that follows, where."""
    rows = _answers(planned)
    said = [row for row in rows if row[2] != "default"]
    if terminal.width < ROOMY:
        said = [(name, value, "") for name, value, _ in said]
    show_table(said, terminal)
    assumed = [f"{name} {value}" for name, value, source in rows if source == "default" and value]
    show_said(f"By default: {', '.join(assumed)}" if assumed else "", terminal)
    show_notes(planned, terminal)
    folders = Counter(path.partition("/")[0] for path in files if "/" in path)
    entries = [f"{folder}/ ({number})" for folder, number in folders.items()]
    single = len(files) - folders.total()
    show_said(f"{len(files)} files: {', '.join(entries)} and {single} more", terminal)
    if terminal.width >= ROOMY:  # or the first rows leave the screen
        line = "More later: genai-scaffold add. All answers as flags: genai-scaffold new --help"
        show_said(line, terminal)
    terminal.print(f"In {planned.destination}", style="bold", soft_wrap=True)


def _answers(planned: "Plan") -> list[tuple[str, str, str]]:
    """What each question is answered with, and whose answer that is."""
    known = planned.answers.by_key
    by_key = {name: known[name] for name in project_fields() if name in known}
    return [
        (
            name,
            in_words(answer.value),
            "your answer" if name in planned.asked else answer.source,
        )
        for name, answer in by_key.items()
    ]


def show_notes(planned: "Plan", terminal: "Console") -> None:
    for note in planned.answers.notes:
        show_note(note, terminal)


def show_dry_run(planned: "Plan", files: Sequence[str], output: Output) -> None:
    """Show what `new` would write."""

    def show(terminal: "Console") -> None:
        if not output.quiet:
            terminal.print(f"{planned.destination}", style="bold", soft_wrap=True)
            show_table(_answers(planned), terminal)
            show_notes(planned, terminal)
            show_said(f"{len(files)} files, none written: this is a dry run", terminal, "bold")
        for path in files:
            terminal.print(f"  {path}", soft_wrap=True)

    output.result({**plan_document(planned, files), "dry_run": True, "next": []}, show)


def show_created(project: "Created", output: Output, *, installed: bool) -> None:
    """Show what was created, and what to do next."""
    planned = project.plan
    steps = next_steps(planned, installed=installed)
    document = {
        **plan_document(planned, project.files),
        "notes": list(project.notes),
        "dry_run": False,
        "repository": project.repository,
        "installed": installed,
        "next": steps,
    }

    def show(terminal: "Console") -> None:
        if output.quiet:
            terminal.print(f"{planned.destination}", soft_wrap=True)
            return
        made = f"Created {_described(planned)}, {len(project.files)} files"
        terminal.print(marked("✓", made, "bold"))
        if planned.answers.is_workspace:
            _show_commands("\nNext", steps, terminal)
        else:
            show_said(_why(project), terminal)
            _show_running_and_asking(planned, steps, terminal)
        terminal.print("\nTo repeat this without questions", style="bold")
        show_command(shell_line(planned.command), terminal)

    if not output.json:
        for note in project.notes:
            output.note(note)
    output.result(document, show)


def _described(planned: "Plan") -> str:
    resolved = planned.answers
    kind = resolved.text("preset")
    if not resolved.is_workspace:
        kind = f"{load_criteria().label(resolved.text('framework'))} {kind}"
    return f"{resolved.text('name')}: a {kind}"


def _show_running_and_asking(planned: "Plan", steps: Sequence[str], terminal: "Console") -> None:
    *starting, asking = steps
    _show_commands("\nNext", starting, terminal)
    if has_page(planned):
        _show_commands("\nThen talk to it in a browser", [_address_of(planned)], terminal)
        _show_commands("\nOr in a second terminal", [asking], terminal)
    else:
        _show_commands("\nThen, in a second terminal", [asking], terminal)


def _show_commands(heading: str, commands: Sequence[str], terminal: "Console") -> None:
    terminal.print(heading, style="bold")
    for command in commands:
        show_command(command, terminal)


def show_running(planned: "Plan", address: str) -> None:
    """Say where a new project runs, and how to ask it something."""
    terminal = console_on(sys.stderr)
    name = planned.answers.text("name")
    terminal.print(marked("✓", f"{name} is created, and runs at {address}", "bold"))
    places = {
        f"Talk to it in a browser: {address}": has_page(planned),
        f"Its API docs: {address}/docs": planned.answers["docs"],
    }
    for place, is_there in places.items():
        if is_there:
            terminal.print(f"  {folded(place, terminal, 4)}", soft_wrap=True)
    terminal.print("  Ask it, in a second terminal:")
    show_command(ASKS.replace(ADDRESS, address), terminal)
    terminal.print("  Ctrl+C ends it.")


def has_page(planned: "Plan") -> bool:
    features = planned.answers["feature"]
    return isinstance(features, tuple) and "page" in features


def _why(project: "Created") -> str:
    planned, verdict, known = project.plan, project.plan.recommendation, load_criteria()
    label = known.label(planned.answers.text("framework"))
    if planned.answers.by_key["framework"].source != "recommendation":
        if planned.answers["framework"] == verdict.framework:
            return f"You asked for {label}, which is also the recommendation."
        return f"You asked for {label}; the recommendation was {known.label(verdict.framework)}."
    record = next((f" {path} says why." for path in project.files if "/adr/" in path), "")
    return f"{headline(verdict)}{record}"


def next_steps(planned: "Plan", *, installed: bool) -> list[str]:
    """The commands that run a new project and ask its model something, or add a service."""
    steps = [] if planned.directory == "." else [shell_line(["cd", planned.directory])]
    if planned.answers.is_workspace:
        return [*steps, *ADDS_A_SERVICE]
    if not installed:
        steps.append(INSTALLS)
    start = start_line(planned.answers.text("framework"), planned.port)
    return [*steps, start, ASKS.replace(ADDRESS, _address_of(planned))]


def _address_of(planned: "Plan") -> str:
    return f"http://{HOST}:{planned.port}"
