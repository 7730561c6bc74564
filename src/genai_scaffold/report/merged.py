"""Shows what an update changed, and what it leaves to the user."""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genai_scaffold.answers.given import plain_value
from genai_scaffold.answers.spelling import in_words, shell_line
from genai_scaffold.create.install import is_moved
from genai_scaffold.merge.requirements import REQUIREMENTS_FILES
from genai_scaffold.report.output import Output, folded, marked, show_step
from genai_scaffold.template.packaged import template_version

if TYPE_CHECKING:  # not every command needs them
    from rich.console import Console

    from genai_scaffold.update.project import Ignored, Outcome

INSTALLED = "requirements-dev.txt"
STATUS = {"A": "added", "M": "changed", "D": "deleted"}


def outcome_document(result: "Outcome") -> dict[str, Any]:
    """What was merged, file by file, and what is left to do."""
    planned = result.plan
    return {
        "path": str(planned.project.resolve()),
        "from": planned.record.version,
        "to": template_version(),
        "answers": {
            edit.key: {
                "before": None if edit.before is None else plain_value(edit.before),
                "after": plain_value(edit.after),
            }
            for edit in planned.edits
        },
        "changes": [change._asdict() for change in result.changes],
        "conflicts": [conflict._asdict() for conflict in result.conflicts],
        "kept_deleted": list(result.kept_deleted),
        "ignored": [file.path for file in result.ignored if not file.is_written],
        "ignored_by": {file.path: file.rule for file in result.ignored if file.rule},
        "uses": [use._asdict() for use in result.leftovers.uses],
        "settings": [setting._asdict() for setting in result.leftovers.settings],
        "compile": list(result.compiling),
        "notes": list(planned.notes),
        "undo": shell_line(list(result.undo)),
    }


def show_outcome(result: "Outcome", output: Output, *, dry_run: bool) -> None:
    """Show what was merged into a project, or would be."""
    document = {**outcome_document(result), "dry_run": dry_run}

    def show(terminal: "Console") -> None:
        if not result.changes and not result.conflicts:
            so = "Nothing to change." if result.plan.is_so else "The project is up to date."
            terminal.print(marked("✓", so, "bold"))
            return
        _changes(result, terminal, dry_run=dry_run)
        if output.quiet:
            return
        _left_to_do(result, terminal)
        if dry_run:
            # As git made it: a console would change its tabs and its ends of lines.
            sys.stdout.write(f"\n{result.diff}")
            return
        terminal.print("\nNext", style="bold")
        for step in _after_a_merge(result):
            show_step(step, terminal)

    if not output.json:
        for note in result.plan.notes:
            output.note(note)
    if dry_run:
        document["diff"] = result.diff
    output.result(document, show)


def _after_a_merge(result: "Outcome") -> Iterator[str]:
    """The commands that look at a merge, keep it, or take it back."""
    project = result.plan.project.resolve()
    if not _is_here(project):
        yield shell_line(["cd", str(project)])
    if result.conflicts:
        yield "git status"
        yield "git add FILE   (each that you resolved)"
    if result.compiling:
        yield from result.compiling
        yield shlex.join(["git", "add", *REQUIREMENTS_FILES])
    moved = is_moved(project / ".venv")
    if moved:
        yield "python3 -m venv --clear .venv   (its commands know only where the project was)"
    if moved or any(change.path == INSTALLED for change in result.changes):
        yield f".venv/bin/pip install -r {INSTALLED}"
    if _changes_code(result):
        yield '.venv/bin/mypy .   (finds what no longer fits, also beyond "To look at")'
    if not result.conflicts:
        yield "git diff --staged"
    yield "git commit"
    undo = shell_line(list(result.undo))
    yield f"{undo}   (undoes all of it, and what else is staged by then)"


def _changes_code(result: "Outcome") -> bool:
    return any(change.path.endswith(".py") for change in result.changes)


def _is_here(project: Path) -> bool:
    try:
        return project == Path.cwd()
    except FileNotFoundError:  # the merge has deleted the directory that we run in
        return False


def _changes(result: "Outcome", terminal: "Console", *, dry_run: bool) -> None:
    versions = (result.plan.record.version or "unknown", template_version())
    step = versions[1] if len(set(versions)) == 1 else " → ".join(versions)
    said = "Would merge" if dry_run else "Merged"
    mark = "✗" if result.conflicts else "✓"
    files = f"{len(result.changes)} file{'' if len(result.changes) == 1 else 's'}"
    heading = f"{said} {step}: {files}, {len(result.conflicts)} in conflict"
    terminal.print(marked(mark, folded(heading, terminal, 2), "bold"), soft_wrap=True)
    for edit in result.plan.edits:
        before = "not asked" if edit.before is None else in_words(edit.before)
        line = folded(f"{edit.key}: {before} → {in_words(edit.after)}", terminal, 4)
        terminal.print(f"  {line}", soft_wrap=True)
    conflicts = {conflict.path for conflict in result.conflicts}
    for change in result.changes:
        if change.path not in conflicts:
            terminal.print(f"  {STATUS[change.status]:9}{change.path}", soft_wrap=True)
    for conflict in result.conflicts:
        line = f"  CONFLICT {conflict.path} ({conflict.kind})"
        terminal.print(line, style="bold", soft_wrap=True)


def _left_to_do(result: "Outcome", terminal: "Console") -> None:
    lines = [f"{path} stays deleted; the template changed it" for path in result.kept_deleted]
    lines += [f"{file.path} {_said_of(file)}" for file in result.ignored]
    lines += [f"{use.path}:{use.line} {use.problem}" for use in result.leftovers.uses]
    lines += [
        f"{setting.name} {setting.problem}{' (your .env sets it)' if setting.is_set else ''}"
        for setting in result.leftovers.settings
    ]
    if lines:
        rest = " (not complete: mypy finds more)" if _changes_code(result) else ""
        terminal.print(f"\nTo look at{rest}", style="bold")
    for line in lines:
        terminal.print(f"  {folded(line, terminal, 4)}", soft_wrap=True)


def _said_of(file: "Ignored") -> str:
    if not file.rule:
        return "is in a submodule, and was left alone"
    if file.is_written:
        return f"is merged and staged, although git ignores it ({file.rule})"
    return f"is ignored by git ({file.rule}), and was left alone"
