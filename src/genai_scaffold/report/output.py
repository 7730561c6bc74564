"""How results are shown: as text for people, or as one JSON document for programs."""

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from genai_scaffold.errors import ScaffoldError
from genai_scaffold.report.explanation import StyledLine
from genai_scaffold.system.streams import keys_unseen

if TYPE_CHECKING:  # not every command needs them
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

SCHEMA = 1
NARROW, ROOMY = 40, 60
STYLES = {"verdict": "bold", "heading": "bold", "text": ""}

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

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
            import json  # the answer is seldom for a program

            sys.stdout.write(json.dumps({"schema": SCHEMA, **document}, indent=2) + "\n")
            return
        show(console_on(sys.stdout))

    def lines(
        self, document: Document, written: Callable[[int | None], Iterable[StyledLine]]
    ) -> None:
        """Show what the command was run for, in lines; no style is loaded for a program's eyes."""
        if self.json or is_for_people(sys.stdout):
            self.result(
                document, lambda terminal: show_lines(written(width_of(terminal)), terminal)
            )
            return
        width = shutil.get_terminal_size().columns if "COLUMNS" in os.environ else None
        sys.stdout.writelines(f"{line.text}\n" for line in written(width))

    def note(self, text: str) -> None:
        """Say something that is worth knowing."""
        if not self.quiet:
            show_note(text, console_on(sys.stderr))

    @contextlib.contextmanager
    def progress(self) -> Iterator[Callable[[str], None]]:
        """Show what is being done while it lasts, where there is somebody to see it."""
        terminal = console_on(sys.stderr)
        still = self.quiet or self.plain
        if still or not terminal.is_terminal or terminal.is_dumb_terminal:
            yield lambda _: None
            return
        with keys_unseen(), terminal.status("Starting", spinner="line", spinner_style="") as status:
            yield lambda step: status.update(f"{step} …")


def is_for_people(stream: IO[str]) -> bool:
    """Whether somebody looks at it, or wants it as if somebody did."""
    return stream.isatty() or any(name in os.environ for name in ("FORCE_COLOR", "TTY_COMPATIBLE"))


def console_on(stream: IO[str]) -> "Console":
    """A console that prints texts as they are: what users wrote is no markup."""
    from rich.console import Console  # --version needs none of it

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # which has an exit code of its own

    # Rich takes a dumb terminal to be 80 columns wide, whatever it says.
    is_dumb = os.environ.get("TERM") == "dumb"
    width, height = shutil.get_terminal_size() if is_dumb else (None, None)
    return Piped(
        file=stream, markup=False, highlight=False, emoji=False, width=width, height=height
    )


def marked(mark: str, text: str, style: str = "") -> "Text":
    """A line that begins with a mark, or with a word in its place.

    All has the terminal's own colour, which can be read on whatever background it has.
    """
    from rich.text import Text

    return Text.assemble((mark, "bold"), (f" {text}", style))


def show_note(text: str, terminal: "Console") -> None:
    terminal.print(marked("note:", folded(text, terminal, len("note: "))), soft_wrap=True)


def show_error(problem: ScaffoldError) -> None:
    """Say what happened, why, and what to do, in three lines."""
    terminal = console_on(sys.stderr)
    what = folded(one_line(problem.what), terminal, len("error: "))
    terminal.print(marked("error:", what, "bold"), soft_wrap=True)
    for name, text in (("why", problem.why), ("fix", problem.fix)):
        line = folded(one_line(text), terminal, len("  why: "))
        terminal.print(f"  {name}: {line}", soft_wrap=True)


def show_command(command: str, terminal: "Console") -> None:
    """Show a command as it can be pasted, on a line of its own or on several."""
    terminal.print(f"  {folded(command, terminal, 2, is_command=True)}", soft_wrap=True)


def show_step(step: str, terminal: "Console") -> None:
    """Show a command, and what is said of it behind three blanks or, for want of room, below."""
    if not terminal.is_terminal or cell_width(step) + 2 <= terminal.width:
        terminal.print(f"  {step}", soft_wrap=True)
        return
    command, _, said = step.partition("   (")
    show_command(command, terminal)
    if said:
        terminal.print(f"    ({folded(said, terminal, 5)}", soft_wrap=True)


def folded(
    text: str,
    terminal: "Console",
    begin: int,
    *,
    is_command: bool = False,
    indent: int | None = None,
) -> str:
    """Break a text between words where its terminal would break it within one.

    Args:
        text: one line, with its commands in backticks: these go on after a backslash, so that
            they can be pasted.
        terminal: where it is shown; for a program that reads it nothing is broken.
        begin: the column in which it begins; a command goes on two further.
        is_command: whether all of it is one.
        indent: how many blanks go before each line but the first, where a column has more already.
    """
    if not terminal.is_terminal:
        return text
    begin = begin + 2 if is_command else begin
    lines, line, goes_on = [], "", ""
    for number, (word, joint) in enumerate(_words_of(text, is_command=is_command)):
        wide = terminal.width - begin - len(joint)
        if number and cell_width(f"{line} {word}") > wide:
            lines.append(line + goes_on)
            line = word
        else:
            line = f"{line} {word}" if number else word
        goes_on = joint
    return f"\n{' ' * (begin if indent is None else indent)}".join([*lines, line])


def _words_of(text: str, *, is_command: bool) -> Iterator[tuple[str, str]]:
    """The words of a text, and what ends a line behind each."""
    word = quote = ""
    for character in text:
        if character == "`" and not quote:
            is_command = not is_command
        elif is_command and character in (quote or "'\""):
            quote = "" if quote else character
        # No shell of Windows goes on after a backslash.
        if character != " " or quote or (is_command and os.name == "nt"):
            word += character
        else:
            yield word, " \\" if is_command else ""
            word = ""
    yield word, ""


def cell_width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def one_line(text: str) -> str:
    """A text in which a file's name may have line ends, or what moves a terminal's cursor."""
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def show_lines(lines: Iterable[StyledLine], terminal: "Console") -> None:
    for line in lines:
        terminal.print(line.text, style=STYLES[line.kind], soft_wrap=True)


def width_of(terminal: "Console") -> int | None:
    """Where lines break: nowhere for a program that reads them, unless it says where."""
    return terminal.width if terminal.is_terminal or "COLUMNS" in os.environ else None


def show_said(text: str, terminal: "Console", style: str = "") -> None:
    """Show a sentence, broken between words where lines break."""
    terminal.print(text, style=style, soft_wrap=width_of(terminal) is None)


def show_table(rows: Iterable[tuple[str, str, str]], terminal: "Console") -> None:
    from rich.table import Column, Table

    # A narrow terminal breaks the texts between words, and cuts none.
    columns = [
        Column(overflow="fold", no_wrap=number == 0 and terminal.width >= NARROW)
        for number in range(3)
    ]
    table = Table.grid(*columns, padding=(0, 2))
    for name, value, source in rows:
        table.add_row(f"  {name}", value, f"({source})" if source else "")
    show_grid(table, terminal)


def show_grid(table: "Table", terminal: "Console") -> None:
    """Show a table without the blanks that fill its last column."""
    with terminal.capture() as shown:
        terminal.print(table)
    for line in shown.get().splitlines():
        terminal.print(line.rstrip(), soft_wrap=True)
