"""How a terminal is asked: with arrow keys, or in numbered lines."""

import os
import sys
import textwrap
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

from genai_scaffold.recommendation.criteria import Choice
from genai_scaffold.report.output import console_on
from genai_scaffold.system.streams import keys_unseen
from genai_scaffold.wizard.focus import with_focus

if TYPE_CHECKING:
    from questionary import Question as Prompt

INDENT = "     "  # as wide as what stands before a choice
NARROWEST_QUESTION = 12
NO_BREAK = "\N{NO-BREAK SPACE}"
# The colours are the terminal's own, which can be read on its background whatever that is: no grey
# is as far as 4.5 to 1 from white and from an editor's dark grey, too.
STYLE = [
    *((name, "noinherit") for name in ("qmark", "instruction", "nbsp", "text", "selected")),
    *((name, "noinherit bold") for name in ("question", "answer", "pointer", "highlighted")),
    ("hint", "noinherit italic"),
]
BACK_WORDS = frozenset({"b", "back"})
BACK = "‹ Back"  # noqa: RUF001 - shown where it can be


class Back(Exception):  # noqa: N818 - not an error: the user wants the question before this one
    """Go back to the question before this one."""


class Prompter(Protocol):
    """Puts one question to the user.

    Every method raises Back where the user wants the question before, and KeyboardInterrupt
    where the user has had enough.

    Attributes:
        back: whether there is a question before this one to go back to.
    """

    back: bool

    def asking(self) -> AbstractContextManager[None]:
        """Have the terminal as the questions need it, between them too."""
        ...

    def text(
        self, question: str, default: str, refusal: Callable[[str], str | None], hint: str = ""
    ) -> str:
        """Ask for a line of text; `refusal` says why one is not accepted, or None."""
        ...

    def select(self, question: str, choices: Sequence[Choice[str]], default: str) -> str:
        """Ask for one of the choices."""
        ...

    def multiselect(
        self, question: str, choices: Sequence[Choice[str]], default: Collection[str]
    ) -> tuple[str, ...]:
        """Ask for any number of the choices."""
        ...


def choose_prompter(*, plain: bool) -> Prompter:
    """Choose arrow keys, or numbered lines where a terminal cannot do better."""
    encoding = (getattr(sys.stderr, "encoding", None) or "").lower().replace("-", "")
    if plain or os.environ.get("TERM", "dumb") == "dumb" or encoding != "utf8":
        return NumberedLines()
    return ArrowKeys()


class ArrowKeys:
    """Prompts that are answered with the arrow keys; the left one goes back."""

    back = True

    def asking(self) -> AbstractContextManager[None]:
        return keys_unseen()

    def text(
        self, question: str, default: str, refusal: Callable[[str], str | None], hint: str = ""
    ) -> str:
        import questionary

        typed = ""
        while True:
            prompt = questionary.text(
                _wrapped(question),
                default=typed,
                instruction=self._keys(question, hint) if hint or self.back else None,
                # Shown in the empty field, not typed into it: whoever types starts afresh.
                placeholder=[("class:hint", default)],
                **self._settings(),
            )
            with self._leaving(question):
                typed = str(self._with_own_keys(prompt, has_field=True).unsafe_ask())
            self._show(question, typed or default)
            if not (why := refusal(typed or default)):
                return typed or default
            console_on(sys.stderr).print(f"  {_wrapped(why)}", soft_wrap=True)

    def select(self, question: str, choices: Sequence[Choice[str]], default: str) -> str:
        import questionary

        rows = [questionary.Choice(_wrapped(row.label), value=row.value) for row in choices]
        if self.back:
            rows.append(questionary.Choice(BACK, value=Back))
        prompt = questionary.select(
            _wrapped(question),
            choices=rows,
            default=default,
            instruction=self._keys(question, "↑ ↓: move · enter: select"),
            **self._settings(),
        )
        with self._leaving(question):
            chosen = self._with_own_keys(with_focus(prompt, _hints(choices))).unsafe_ask()
            if chosen is Back:
                raise Back
        self._show(question, *(row.label for row in choices if row.value == chosen))
        return str(chosen)

    def multiselect(
        self, question: str, choices: Sequence[Choice[str]], default: Collection[str]
    ) -> tuple[str, ...]:
        import questionary

        prompt = questionary.checkbox(
            _wrapped(question),
            choices=[
                questionary.Choice(
                    _wrapped(row.label), value=row.value, checked=row.value in default
                )
                for row in choices
            ],
            instruction=self._keys(question, "space: select · enter: continue"),
            **self._settings(),
        )
        with self._leaving(question):
            chosen = tuple(self._with_own_keys(with_focus(prompt, _hints(choices))).unsafe_ask())
        self._show(question, *(row.label for row in choices if row.value in chosen))
        return chosen

    @contextmanager
    def _leaving(self, question: str) -> Iterator[None]:
        """Show that somebody went back: the answer above counts no more, but stays in sight."""
        try:
            yield
        except Back:
            self._show(question, BACK)
            raise

    def _keys(self, question: str, keys: str) -> str:
        """Name the keys, on a line of their own where the question leaves too little room."""
        back = ["←: back"] if self.back else []
        hint = f"({' · '.join([keys, *back] if keys else back)})".replace(": ", f":{NO_BREAK}")
        line = f"? {question} {hint}"
        return hint if _wrapped(line) == line else f"\n  {_wrapped(hint)}"

    def _show(self, question: str, *answers: str) -> None:
        """Leave the question and its answer in place of the prompt."""
        from rich.text import Text

        answer, between = ", ".join(answers) or "none", " "
        line = f"? {question} {answer}"
        if _wrapped(line) != line:
            question, between, answer = _wrapped(question), "\n  ", _wrapped(answer)
        text = Text.assemble(f"? {question}{between}", (answer, "bold"))
        console_on(sys.stderr).print(text, soft_wrap=True)

    def _settings(self) -> dict[str, Any]:
        """Keep the standard output for the result; a prompt ends in what `_show` leaves of it."""
        import questionary
        from prompt_toolkit.output import create_output

        return {
            "output": create_output(stdout=sys.stderr),
            "erase_when_done": True,
            "style": questionary.Style(STYLE),
        }

    def _with_own_keys(self, prompt: "Prompt", *, has_field: bool = False) -> "Prompt":
        from prompt_toolkit.filters import Condition
        from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings

        keys = KeyBindings()

        @keys.add("left", eager=True, filter=Condition(lambda: self.back))
        def _(event: KeyPressEvent) -> None:
            if event.current_buffer.text:
                event.current_buffer.cursor_left()
            else:
                event.app.exit(exception=Back())

        @keys.add("<bracketed-paste>", eager=True)
        def _(event: KeyPressEvent) -> None:
            if has_field:  # one line, whatever was copied with it
                event.current_buffer.insert_text(" ".join(event.data.splitlines()).strip())

        @keys.add("c-d", eager=True)
        def _(event: KeyPressEvent) -> None:
            if event.current_buffer.text:
                event.current_buffer.delete()
            else:
                event.app.exit(exception=KeyboardInterrupt())

        own = prompt.application.key_bindings
        prompt.application.key_bindings = merge_key_bindings([own, keys] if own else [keys])
        return prompt


def _hints(choices: Sequence[Choice[str]]) -> dict[str, str]:
    return {choice.value: _wrapped(choice.hint) for choice in choices if choice.hint}


def _wrapped(text: str) -> str:
    """Break a text between words, where a prompt would break or cut it at the edge."""
    width = console_on(sys.stderr).width - len(INDENT) - 1
    width = max(width, NARROWEST_QUESTION)
    return textwrap.fill(text, width, subsequent_indent=INDENT, break_on_hyphens=False)


class NumberedLines:
    """Prompts for any terminal, and for a reader of screens: numbers and plain lines."""

    back = True

    def asking(self) -> AbstractContextManager[None]:
        return nullcontext()  # it is the terminal that shows what is typed

    def text(
        self, question: str, default: str, refusal: Callable[[str], str | None], hint: str = ""
    ) -> str:
        if hint:
            self._say(f"({hint})")
        while True:
            text = self._read(f"{question} [{default}{self._way_back()}]: ") or default
            if self.back and text.casefold() in BACK_WORDS:
                raise Back
            if not (why := refusal(text)):
                return text
            self._say(f"  {why}")

    def select(self, question: str, choices: Sequence[Choice[str]], default: str) -> str:
        values = [choice.value for choice in choices]
        self._show(question, choices)
        start = values.index(default) + 1
        while True:
            line = self._read(f"Number (enter for {start}{self._way_back()}): ") or str(start)
            if self.back and line.casefold() in BACK_WORDS:
                raise Back
            if line.isdecimal() and 1 <= int(line) <= len(values):
                return values[int(line) - 1]
            self._say(f"  {line!r} is none of the numbers from 1 to {len(values)}")

    def multiselect(
        self, question: str, choices: Sequence[Choice[str]], default: Collection[str]
    ) -> tuple[str, ...]:
        values = [choice.value for choice in choices]
        self._show(question, choices)
        start = " ".join(str(values.index(value) + 1) for value in values if value in default)
        while True:
            prompt = f"Numbers, 0 for none (enter for {start or '0'}{self._way_back()}): "
            line = self._read(prompt) or start or "0"
            if self.back and line.casefold() in BACK_WORDS:
                raise Back
            words = line.replace(",", " ").split()
            if all(word.isdecimal() and int(word) <= len(values) for word in words):
                numbers = {int(word) for word in words}
                return tuple(v for number, v in enumerate(values, 1) if number in numbers)
            self._say(f"  {line!r} is not a list of numbers from 1 to {len(values)}")

    def _way_back(self) -> str:
        return ", b to go back" if self.back else ""

    def _show(self, question: str, choices: Sequence[Choice[str]]) -> None:
        self._say(question)
        for number, choice in enumerate(choices, 1):
            hint = f" ({choice.hint})" if choice.hint else ""
            self._say(f"  {number}. {choice.label}{hint}")

    def _read(self, prompt: str) -> str:
        sys.stderr.write(f"{_wrapped(prompt)} ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            # The end of the input: Ctrl-D says the same as Ctrl-C.
            raise KeyboardInterrupt
        return line.strip()

    def _say(self, line: str) -> None:
        sys.stderr.write(f"{_wrapped(line)}\n")
