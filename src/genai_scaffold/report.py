"""Shows results: as text for people, or as one JSON document for programs."""

import contextlib
import json
import os
import shlex
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from genai_scaffold import answers, criteria, explain, requirements, serving, template
from genai_scaffold.errors import ScaffoldError
from genai_scaffold.recommend import Recommendation

if TYPE_CHECKING:  # not every command needs them
    from rich.console import Console
    from rich.text import Text

    from genai_scaffold.doctor import Diagnosis
    from genai_scaffold.pipeline import Created, Plan
    from genai_scaffold.update import Ignored, Outcome
    from genai_scaffold.verify import Finding

SCHEMA = 1
NARROW, ROOMY = 40, 60

KINDS = {
    "frameworks": "framework",
    "presets": "preset",
    "providers": "provider",
    "features": "features",
    "deploy": "deploy",
    "licenses": "license",
    "pythons": "python",
}

STARTS = {framework: shlex.join(serving.command(framework)) for framework in serving.SERVERS}
INSTALLS = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt"
ADDRESS = f"http://{serving.HOST}:{serving.PORT}"
ASKS = (
    f"curl -s {ADDRESS}/v1/chat/completions -H 'content-type: application/json'"
    """ -d '{"messages": [{"role": "user", "content": "Hello"}]}'"""
)

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Output:
    """Where results go and how much is said: results to stdout, everything else to stderr."""

    json: bool = False
    quiet: bool = False
    plain: bool = False

    def result(self, document: Document, show: Callable[["Console"], None]) -> None:
        """Show what the command was run for."""
        if self.json:
            sys.stdout.write(json.dumps({"schema": SCHEMA, **document}, indent=2) + "\n")
            return
        show(console(sys.stdout))

    def note(self, text: str) -> None:
        """Say something that is worth knowing."""
        if not self.quiet:
            console(sys.stderr).print(_marked("note:", text), soft_wrap=True)

    @contextlib.contextmanager
    def progress(self) -> Iterator[Callable[[str], None]]:
        """Show what is being done while it lasts, where there is somebody to see it."""
        terminal = console(sys.stderr)
        still = self.quiet or self.plain
        if still or not terminal.is_terminal or terminal.is_dumb_terminal:
            yield lambda _: None
            return
        with terminal.status("Starting", spinner="line") as status:
            yield lambda step: status.update(f"{step} …")


def console(stream: IO[str]) -> "Console":
    """A console that prints texts as they are: what users wrote is no markup."""
    from rich.console import Console  # --version needs none of it

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # which has an exit code of its own

    return Piped(file=stream, markup=False, highlight=False, emoji=False)


# All else has the terminal's own colour, which can be read on whatever background it has.
MARKS = {"✓": "bold green", "✗": "bold red"}


def _marked(mark: str, text: str, style: str = "") -> "Text":
    """A line that begins with a mark, or with a word in its place."""
    from rich.text import Text

    return Text.assemble((mark, MARKS.get(mark, "bold")), (f" {text}", style))


def error(problem: ScaffoldError) -> None:
    """Say what happened, why, and what to do, in three lines."""
    terminal = console(sys.stderr)
    terminal.print(_marked("error:", problem.what, "bold"), soft_wrap=True)
    terminal.print(f"  why: {problem.why}", soft_wrap=True)
    terminal.print(f"  fix: {problem.fix}", soft_wrap=True)


# The recommendation.


STYLES = {"verdict": "bold", "heading": "bold", "text": ""}


def recommendation(
    verdict: Recommendation, sources: Mapping[str, str], output: Output, *, verbose: bool
) -> None:
    """Show the verdict, both sums, the reasons that counted, and what would change it."""

    def show(terminal: "Console") -> None:
        _lines(explain.lines(verdict, _width(terminal), verbose=verbose), terminal)

    output.result({**verdict.as_dict(), "sources": dict(sources)}, show)


def reasons(verdict: Recommendation, terminal: "Console") -> None:
    """Show a recommendation without its headline, which the question after it has."""
    _lines(explain.reasons(verdict, _width(terminal)), terminal)


def _lines(lines: Iterable[explain.Line], terminal: "Console") -> None:
    for line in lines:
        terminal.print(line.text, style=STYLES[line.kind], soft_wrap=True)


def _width(terminal: "Console") -> int | None:
    """Where lines break: nowhere for a program that reads them, unless it says where."""
    return terminal.width if terminal.is_terminal or "COLUMNS" in os.environ else None


def _labels() -> dict[str, str]:
    return {framework.key: framework.label for framework in criteria.load().frameworks}


def _spelled(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)


# A plan, and what became of it.


def plan_document(planned: "Plan", files: Sequence[str]) -> dict[str, Any]:
    """What `new` decided, each answer with its source."""
    by_key = {
        key: {"value": _plain(answer.value), "source": answer.source}
        for key, answer in planned.answers.by_key.items()
    }
    return {
        "path": str(planned.destination),
        "framework": by_key["framework"],
        "answers": by_key,
        "recommendation": planned.recommendation.as_dict(),
        "files": list(files),
        "notes": list(planned.answers.notes),
        "command": answers.shell_line(planned.command),
    }


def _plain(value: template.Value | None) -> str | bool | list[str] | None:
    return list(value) if isinstance(value, tuple) else value


def summary(planned: "Plan", files: Sequence[str], terminal: "Console") -> None:
    """Show what will be written and, nearest to the question that follows, where."""
    rows = _answers(planned)
    said = [row for row in rows if row[2] != "default"]
    if terminal.width < ROOMY:
        said = [(name, value, "") for name, value, _ in said]
    _table(said, terminal)
    assumed = [f"{name} {value}" for name, value, source in rows if source == "default" and value]
    terminal.print(f"By default: {', '.join(assumed)}" if assumed else "")
    _notes(planned, terminal)
    folders = Counter(path.partition("/")[0] for path in files if "/" in path)
    entries = [f"{folder}/ ({number})" for folder, number in folders.items()]
    single = len(files) - folders.total()
    terminal.print(f"{len(files)} files: {', '.join(entries)} and {single} more")
    terminal.print("Other answers are flags: see genai-scaffold new --help")
    terminal.print(f"In {planned.destination}", style="bold", soft_wrap=True)


def _answers(planned: "Plan") -> list[tuple[str, str, str]]:
    """What each question is answered with, and whose answer that is."""
    names = [answers.FLAG_NAMES.get(key, key) for key in template.questions()]
    by_key = {name: planned.answers.by_key[name] for name in names}
    return [
        (
            name,
            _spelled(answer.value),
            "your answer" if name in planned.asked else answer.source,
        )
        for name, answer in by_key.items()
    ]


def _table(rows: Iterable[tuple[str, str, str]], terminal: "Console") -> None:
    from rich.table import Column, Table

    # A narrow terminal breaks the texts between words, and cuts none.
    columns = [
        Column(overflow="fold", no_wrap=number == 0 and terminal.width >= NARROW)
        for number in range(3)
    ]
    table = Table.grid(*columns, padding=(0, 2))
    for name, value, source in rows:
        table.add_row(f"  {name}", value, f"({source})" if source else "")
    terminal.print(table)


def _notes(planned: "Plan", terminal: "Console") -> None:
    for note in planned.answers.notes:
        terminal.print(_marked("note:", note))


def dry_run(planned: "Plan", files: Sequence[str], output: Output) -> None:
    """Show what `new` would write."""

    def show(terminal: "Console") -> None:
        if not output.quiet:
            terminal.print(f"{planned.destination}", style="bold", soft_wrap=True)
            _table(_answers(planned), terminal)
            _notes(planned, terminal)
            terminal.print(f"{len(files)} files, none written: this is a dry run", style="bold")
        for path in files:
            terminal.print(f"  {path}", soft_wrap=True)

    output.result({**plan_document(planned, files), "dry_run": True, "next": []}, show)


def created(project: "Created", output: Output, *, installed: bool) -> None:
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
        resolved = planned.answers
        label = _labels()[resolved.text("framework")]
        what = f"{resolved.text('name')}: a {label} {resolved.text('preset')}"
        terminal.print(_marked("✓", f"Created {what}, {len(project.files)} files", "bold"))
        terminal.print(_why(project))
        *starting, asking = steps
        terminal.print("\nNext", style="bold")
        for step in starting:
            terminal.print(f"  {step}", soft_wrap=True)
        terminal.print("\nThen, in a second terminal", style="bold")
        terminal.print(f"  {asking}", soft_wrap=True)
        terminal.print("\nTo repeat this without questions", style="bold")
        terminal.print(f"  {answers.shell_line(planned.command)}", soft_wrap=True)

    if not output.json:
        for note in project.notes:
            output.note(note)
    output.result(document, show)


def running(planned: "Plan", address: str) -> None:
    """Say where a new project runs, and how to ask it something."""
    terminal = console(sys.stderr)
    name = planned.answers.text("name")
    terminal.print(_marked("✓", f"{name} is created, and runs at {address}", "bold"))
    if planned.answers["docs"]:
        terminal.print(f"  Its API docs: {address}/docs", soft_wrap=True)
    terminal.print("  Ask it, in a second terminal:")
    terminal.print(f"  {ASKS.replace(ADDRESS, address)}", soft_wrap=True)
    terminal.print("  Ctrl+C ends it.")


def _why(project: "Created") -> str:
    planned, verdict, labels = project.plan, project.plan.recommendation, _labels()
    label = labels[planned.answers.text("framework")]
    if planned.answers.by_key["framework"].source != "recommendation":
        if planned.answers["framework"] == verdict.framework:
            return f"You asked for {label}, which is also the recommendation."
        return f"You asked for {label}; the recommendation was {labels[verdict.framework]}."
    record = next((f" {path} says why." for path in project.files if "/adr/" in path), "")
    return f"{explain.headline(verdict)}{record}"


def next_steps(planned: "Plan", *, installed: bool) -> list[str]:
    """The commands that run a new project and ask its model something."""
    steps = [] if planned.directory == "." else [answers.shell_line(["cd", planned.directory])]
    if not installed:
        steps.append(INSTALLS)
    return [*steps, STARTS[planned.answers.text("framework")], ASKS]


# An update, and what became of it.

INSTALLED = "requirements-dev.txt"
STATUS = {"A": "added", "M": "changed", "D": "deleted"}


def outcome_document(result: "Outcome") -> dict[str, Any]:
    """What was merged, file by file, and what is left to do."""
    planned = result.plan
    return {
        "path": str(planned.project.resolve()),
        "from": planned.record.version,
        "to": template.version(),
        "answers": {
            edit.key: {"before": _plain(edit.before), "after": _plain(edit.after)}
            for edit in planned.edits
        },
        "changes": [change._asdict() for change in result.changes],
        "conflicts": [conflict._asdict() for conflict in result.conflicts],
        "kept_deleted": list(result.kept_deleted),
        "ignored": [file.path for file in result.ignored if not file.is_written],
        "ignored_by": {file.path: file.rule for file in result.ignored if file.rule},
        "uses": [use._asdict() for use in result.handwork.uses],
        "settings": [setting._asdict() for setting in result.handwork.settings],
        "compile": list(result.compiling),
        "notes": list(planned.notes),
        "undo": answers.shell_line(list(result.undo)),
    }


def outcome(result: "Outcome", output: Output, *, dry_run: bool) -> None:
    """Show what was merged into a project, or would be."""
    document = {**outcome_document(result), "dry_run": dry_run}

    def show(terminal: "Console") -> None:
        if not result.changes and not result.conflicts:
            terminal.print(_marked("✓", "The project is up to date.", "bold"))
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
            terminal.print(f"  {step}", soft_wrap=True)

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
        yield answers.shell_line(["cd", str(project)])
    if result.conflicts:
        yield "git status"
        yield "git add FILE   (each that you resolved)"
    if result.compiling:
        yield from result.compiling
        yield shlex.join(["git", "add", *requirements.FILES])
    if any(change.path == INSTALLED for change in result.changes):
        yield f".venv/bin/pip install -r {INSTALLED}"
    if _changes_code(result):
        yield '.venv/bin/mypy .   (finds what no longer fits, also beyond "To look at")'
    if not result.conflicts:
        yield "git diff --staged"
    yield "git commit"
    undo = answers.shell_line(list(result.undo))
    yield f"{undo}   (undoes all of it, and what else is staged by then)"


def _changes_code(result: "Outcome") -> bool:
    return any(change.path.endswith(".py") for change in result.changes)


def _is_here(project: Path) -> bool:
    try:
        return project == Path.cwd()
    except FileNotFoundError:  # the merge has deleted the directory that we run in
        return False


def _changes(result: "Outcome", terminal: "Console", *, dry_run: bool) -> None:
    versions = (result.plan.record.version or "unknown", template.version())
    step = versions[1] if len(set(versions)) == 1 else " → ".join(versions)
    said = "Would merge" if dry_run else "Merged"
    mark = "✗" if result.conflicts else "✓"
    files = f"{len(result.changes)} file{'' if len(result.changes) == 1 else 's'}"
    heading = f"{said} {step}: {files}, {len(result.conflicts)} in conflict"
    terminal.print(_marked(mark, heading, "bold"), soft_wrap=True)
    for edit in result.plan.edits:
        before = "not asked" if edit.before is None else _spelled(edit.before)
        terminal.print(f"  {edit.key}: {before} → {_spelled(edit.after)}", soft_wrap=True)
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
    lines += [f"{use.path}:{use.line} {use.problem}" for use in result.handwork.uses]
    lines += [
        f"{setting.name} {setting.problem}{' (your .env sets it)' if setting.is_set else ''}"
        for setting in result.handwork.settings
    ]
    if lines:
        rest = " (not complete: mypy finds more)" if _changes_code(result) else ""
        terminal.print(f"\nTo look at{rest}", style="bold")
    for line in lines:
        terminal.print(f"  {line}", soft_wrap=True)


def _said_of(file: "Ignored") -> str:
    if not file.rule:
        return "is in a submodule, and was left alone"
    if file.is_written:
        return f"is merged and staged, although git ignores it ({file.rule})"
    return f"is ignored by git ({file.rule}), and was left alone"


# The other commands.


def choices(kind: str | None) -> dict[str, list[dict[str, Any]]]:
    """What can be chosen, by kind; all kinds, unless one is named."""
    questions = template.questions()
    listed: dict[str, list[dict[str, Any]]] = {
        name: [choice._asdict() for choice in questions[key].choices] for name, key in KINDS.items()
    }
    listed["needs"] = [
        {
            "need": need.name,
            "help": need.help,
            "default": need.default,
            "choices": [choice._asdict() for choice in need.choices],
        }
        for need in criteria.load().needs
    ]
    return {kind: listed[kind]} if kind else listed


def listing(kind: str | None, output: Output) -> None:
    """Show what can be chosen."""
    listed = choices(kind)

    def show(terminal: "Console") -> None:
        for number, line in enumerate(_listed(listed, _width(terminal))):
            if line.text or number:
                terminal.print(line.text, style=STYLES[line.kind], soft_wrap=True)

    output.result(listed, show)


def _listed(
    listed: Mapping[str, list[dict[str, Any]]], width: int | None
) -> Iterator[explain.Line]:
    for name, entries in listed.items():
        yield explain.Line("")
        yield explain.Line(name, "heading")
        if name != "needs":
            yield from map(explain.Line, _meanings(entries, width, "  "))
            continue
        for need in entries:
            yield explain.Line(_hanging("  ", f"{need['need']}: {need['help']}", width))
            meanings = _meanings(need["choices"], width, "    ", need["default"])
            yield from map(explain.Line, meanings)


def _meanings(
    entries: Iterable[Document], width: int | None, indent: str, default: object = None
) -> Iterator[str]:
    """Each value once, with what it means where that is not the same word again."""
    rows = {_spelled(entry["value"]): entry for entry in entries}
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


def findings(path: str, found: Sequence["Finding"], output: Output) -> None:
    """Show what is wrong with a project."""

    def show(terminal: "Console") -> None:
        for finding in found:
            mark = "" if finding.is_error else f"{finding.severity}: "
            line = f"{finding.path}:{finding.line}: {mark}{finding.problem} [{finding.check}]"
            terminal.print(line, soft_wrap=True)
        if not output.quiet and not any(finding.is_error for finding in found):
            terminal.print("✓ Every file parses, and the deploy files agree with the app.")

    output.result({"path": path, "findings": [finding._asdict() for finding in found]}, show)


def diagnoses(found: Sequence["Diagnosis"], output: Output) -> None:
    """Show what this machine has and lacks."""

    def show(terminal: "Console") -> None:
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        for diagnosis in found:
            mark = "✓" if diagnosis.works else "✗" if diagnosis.required else "·"
            table.add_row(mark, diagnosis.tool, diagnosis.detail)
            if diagnosis.fix:
                table.add_row("", "", f"→ {diagnosis.fix}")
        terminal.print(table)

    output.result({"checks": [diagnosis._asdict() for diagnosis in found]}, show)
