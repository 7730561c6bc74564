"""Asks on a terminal: a few questions, each with a default and a way back."""

import contextlib
import dataclasses
import itertools
import os
import sys
import textwrap
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from genai_scaffold import (
    answers,
    criteria,
    explain,
    names,
    pipeline,
    render,
    report,
    signals,
    template,
)
from genai_scaffold.answers import Given, Givens
from genai_scaffold.errors import ScaffoldError, UsageError
from genai_scaffold.pipeline import Plan
from genai_scaffold.template import Choice, Value

if TYPE_CHECKING:
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from questionary import Question as Prompt

CREATE, CANCEL = "create", "cancel"
UNSURE_HINT = "it is assumed then, and counts half of what you would say"
YES_OR_NO = (Choice("yes", "Yes"), Choice("no", "No"))
START = "Start it now?"
INSTALL_AND_START = "Install it and start it now?"
START_OR_NOT = (
    Choice("yes", "Yes", "makes .venv and installs into it, over the network; Ctrl+C ends it"),
    Choice("no", "No", "shows the commands that do it"),
)
DIRECTORY = "directory"  # where the project goes, if its name was answered with a path
PATH_HINT = f"or a path, such as ..{os.sep}shop{os.sep}my-app"
NOT_SURE = "not-sure"
PICKED = ("async", "scale", "team")  # each has a row for whoever is not sure
INDENT = "     "  # as wide as what stands before a choice
NARROWEST = 12
NO_BREAK = "\N{NO-BREAK SPACE}"
GREY = "#767676"  # as far from white as from black: 4.5 to 1
# The colours are the terminal's own, which can be read on its background whatever that is.
STYLE = [
    *((name, "noinherit") for name in ("qmark", "instruction", "nbsp", "text", "selected")),
    *((name, "noinherit bold") for name in ("question", "answer", "pointer", "highlighted")),
    ("hint", f"fg:{GREY}"),
]
BACK_WORDS = frozenset({"b", "back"})


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

    def text(
        self, question: str, default: str, refusal: Callable[[str], str | None], hint: str = ""
    ) -> str:
        """Ask for a line of text; `refusal` says why one is not accepted, or None."""
        ...

    def select(self, question: str, choices: Sequence[Choice], default: str) -> str:
        """Ask for one of the choices."""
        ...

    def multiselect(
        self, question: str, choices: Sequence[Choice], default: Collection[str]
    ) -> tuple[str, ...]:
        """Ask for any number of the choices."""
        ...


def prompter(*, plain: bool) -> Prompter:
    """Choose arrow keys, or numbered lines where a terminal cannot do better."""
    encoding = (getattr(sys.stderr, "encoding", None) or "").lower().replace("-", "")
    if plain or os.environ.get("TERM", "dumb") == "dumb" or encoding != "utf8":
        return NumberedLines()
    return ArrowKeys()


class ArrowKeys:
    """Prompts that are answered with the arrow keys; the left one goes back."""

    back = True

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
                placeholder=[(f"fg:{GREY}", default)],
                **self._settings(),
            )
            typed = str(self._with_left_key(prompt).unsafe_ask())
            self._show(question, typed or default)
            if not (why := refusal(typed or default)):
                return typed or default
            report.console(sys.stderr).print(f"  {_wrapped(why)}", soft_wrap=True)

    def select(self, question: str, choices: Sequence[Choice], default: str) -> str:
        import questionary

        rows = [questionary.Choice(_wrapped(row.label), value=row.value) for row in choices]
        if self.back:
            rows.append(questionary.Choice("‹ Back", value=Back))  # noqa: RUF001 - shown where it can be
        prompt = questionary.select(
            _wrapped(question),
            choices=rows,
            default=default,
            instruction=self._keys(question, "↑ ↓: move · enter: select"),
            **self._settings(),
        )
        chosen = self._with_left_key(with_hints(prompt, choices)).unsafe_ask()
        if chosen is Back:
            raise Back
        self._show(question, *(row.label for row in choices if row.value == chosen))
        return str(chosen)

    def multiselect(
        self, question: str, choices: Sequence[Choice], default: Collection[str]
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
        chosen = tuple(self._with_left_key(with_hints(prompt, choices)).unsafe_ask())
        self._show(question, *(row.label for row in choices if row.value in chosen))
        return chosen

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
        report.console(sys.stderr).print(text, soft_wrap=True)

    def _settings(self) -> dict[str, Any]:
        """Keep the standard output for the result; a prompt ends in what `_show` leaves of it."""
        import questionary
        from prompt_toolkit.output import create_output

        return {
            "output": create_output(stdout=sys.stderr),
            "erase_when_done": True,
            "style": questionary.Style(STYLE),
        }

    def _with_left_key(self, prompt: "Prompt") -> "Prompt":
        from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings

        if not self.back:
            return prompt
        keys = KeyBindings()

        @keys.add("left", eager=True)
        def _(event: KeyPressEvent) -> None:
            if event.current_buffer.text:
                event.current_buffer.cursor_left()
            else:
                event.app.exit(exception=Back())

        own = prompt.application.key_bindings
        prompt.application.key_bindings = merge_key_bindings([own, keys] if own else [keys])
        return prompt


def with_hints(prompt: "Prompt", choices: Sequence[Choice]) -> "Prompt":
    """Show below the choices what the one in focus comes to, in room that is always there."""
    from prompt_toolkit.layout import Window, walk
    from questionary.prompts.common import InquirerControl

    hints = {choice.value: _wrapped(choice.hint) for choice in choices if choice.hint}
    room = max((hint.count("\n") for hint in hints.values()), default=0)
    windows = [part for part in walk(prompt.application.layout.container) if type(part) is Window]
    [control] = [w.content for w in windows if isinstance(w.content, InquirerControl)]
    # Its own description has a label before it.
    rows: Callable[[], StyleAndTextTuples] = control._get_choice_tokens  # noqa: SLF001

    def tokens() -> "StyleAndTextTuples":
        hint = hints.get(str(control.get_pointed_at().value), "")
        rest = "\n" * (room - hint.count("\n"))
        return [*rows(), ("class:hint", f"\n\n   {hint}{rest}")]

    if hints:
        control.text = tokens
    return prompt


def _wrapped(text: str) -> str:
    """Break a text between words, where a prompt would break or cut it at the edge."""
    width = report.console(sys.stderr).width - len(INDENT) - 1
    return textwrap.fill(text, max(width, NARROWEST), subsequent_indent=INDENT)


class NumberedLines:
    """Prompts for any terminal, and for a reader of screens: numbers and plain lines."""

    back = True

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

    def select(self, question: str, choices: Sequence[Choice], default: str) -> str:
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
        self, question: str, choices: Sequence[Choice], default: Collection[str]
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

    def _show(self, question: str, choices: Sequence[Choice]) -> None:
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


class Conversation(NamedTuple):
    """What a question may look at: the plan as it stands, and what was answered before."""

    prompter: Prompter
    plan: Plan
    open_keys: Collection[str]
    remembered: Mapping[str, Value]

    def current(self, key: str) -> Value:
        return self.remembered.get(key, self.plan.answers[key])


class Step(NamedTuple):
    """One question, and the answers that it gives."""

    keys: tuple[str, ...]
    ask: Callable[[Conversation], dict[str, Value]]


def ask(
    given: Givens,
    directory: str | None,
    prompter: Prompter,
    *,
    confirm: bool = True,
    offer: str = "",
) -> Plan:
    """Ask what was not given, and plan the project.

    Args:
        given: answers that were given elsewhere; those of this run are not asked again.
        directory: where the project goes, if that was said.
        prompter: puts the questions.
        confirm: whether to show a summary, and ask whether to go on.
        offer: asked at the end, whether to start the project; nothing asks nothing.

    Raises:
        KeyboardInterrupt: the user stopped it.
    """
    with _loading(), signals.insistent():
        return _asked(given, directory, prompter, confirm=confirm, offer=offer)


def _asked(
    given: Givens, directory: str | None, prompter: Prompter, *, confirm: bool, offer: str
) -> Plan:
    # What was said for this run is settled; what the machine's settings say is a default.
    settled = {key for key, answer in given.items() if answer.source in ("flag", "answers file")}
    if directory is not None:
        settled.add("name")
        pipeline.check_destination(pipeline.plan(given, directory).destination)
    steps = [step for step in STEPS if not settled.issuperset(step.keys)]
    said: list[dict[str, Given]] = []
    remembered: dict[str, Value] = {}
    while True:
        plan = _planned(given, said, directory)
        prompter.back = bool(said)
        if len(said) == len(steps):
            plan = dataclasses.replace(plan, asked=_agreed(plan, remembered))
            if not confirm:
                return plan
            if wanted := _confirmed(plan, prompter, said, offer):
                return wanted
            continue
        step = steps[len(said)]
        open_keys = [key for key in step.keys if key not in settled]
        try:
            chosen = step.ask(Conversation(prompter, plan, open_keys, remembered))
            remembered |= chosen
            said.append(_news(chosen, plan))
            _planned(given, said, directory)
        except Back:
            del said[-1:]
        except UsageError as problem:
            report.error(problem)
            del said[steps.index(step) :]


@contextlib.contextmanager
def _loading() -> Iterator[None]:
    """Load what renders the project while a person reads the questions."""
    # Which are planned meanwhile, with Jinja: two threads that import it can lock each other out.
    import jinja2  # noqa: F401

    loading = threading.Thread(target=render.load)
    loading.start()
    try:
        yield
    finally:
        with signals.ignored():
            loading.join()


@signals.insistent()
def complete(keys: Sequence[str], current: Mapping[str, Value], prompter: Prompter) -> Givens:
    """Ask some questions that an older project was never asked.

    Args:
        keys: what to ask.
        current: the default of each.
        prompter: puts the questions.

    Raises:
        KeyboardInterrupt: the user stopped it.
    """
    said: dict[str, Value] = {}
    while len(said) < len(keys):
        key = keys[len(said)]
        prompter.back = bool(said)
        try:
            said[key] = _one(key, current[key], prompter)
        except Back:
            said.popitem() if said else None
    return {key: Given(value, "prompt", "your answer") for key, value in said.items()}


def _one(key: str, default: Value, prompter: Prompter) -> Value:
    """Ask one question as the template words it."""
    field = answers.fields()[key]
    rows = [choice for choice in field.choices if choice.value not in (answers.AUTO, answers.NONE)]
    match default:
        case bool():
            return prompter.select(field.help, YES_OR_NO, "yes" if default else "no") == "yes"
        case tuple():
            return prompter.multiselect(field.help, rows, default)
        case _ if rows:
            return prompter.select(field.help, rows, default)
        case _:
            return prompter.text(field.help, default, lambda text: _refusal(key, text))


def _refusal(key: str, text: str) -> str | None:
    try:
        names.check_text(text, key)
    except UsageError as problem:
        return f"{problem.what}: {problem.why}"
    return None


def _assumed(plan: Plan) -> Collection[str]:
    return plan.recommendation.needs.keys() - set(plan.recommendation.said)


def _agreed(plan: Plan, remembered: Mapping[str, Value]) -> frozenset[str]:
    """The keys that a person answered, if only by agreeing with the default."""
    return frozenset(
        key
        for key, value in remembered.items()
        if key != DIRECTORY and plan.answers[key] == value and key not in _assumed(plan)
    )


def _planned(given: Givens, said: Sequence[Givens], directory: str | None) -> Plan:
    known = {**given, **{key: answer for each in said for key, answer in each.items()}}
    if place := known.pop(DIRECTORY, None):
        known.pop("name", None)  # the path ends in it
        directory = str(place.value)
    return pipeline.plan(known, directory)


def _news(chosen: Mapping[str, Value], plan: Plan) -> dict[str, Given]:
    """What was said: a path, a need that was picked, what would be otherwise without asking."""
    if place := chosen.get(DIRECTORY):
        chosen = {DIRECTORY: place}
    known = {key: "" if key == DIRECTORY else plan.answers[key] for key in chosen}
    return {
        key: Given(value, "prompt", "your answer")
        for key, value in chosen.items()
        if value != NOT_SURE and (key in PICKED or value != known[key])
    }


def _confirmed(
    plan: Plan, prompter: Prompter, said: list[dict[str, Given]], offer: str
) -> Plan | None:
    """Show what will be written, and ask for it; None goes back to a question."""
    report.summary(plan, pipeline.preview(plan), report.console(sys.stderr))
    try:
        rows = [Choice(CREATE, "Create it"), Choice(CANCEL, "Cancel")]
        if prompter.select("Create this project?", rows, CREATE) == CANCEL:
            raise KeyboardInterrupt
    except Back:
        del said[-1:]
        return None
    try:
        prompter.back = True
        start = bool(offer) and prompter.select(offer, START_OR_NOT, "yes") == "yes"
    except Back:
        return None
    return dataclasses.replace(plan, start=start)


# The questions, in order: what is needed, what is recommended, what is built.


def _name(talk: Conversation) -> dict[str, Value]:
    def refusal(text: str) -> str | None:
        try:
            placed = _placed(text)
            place = placed[DIRECTORY] or placed["name"]
            pipeline.check_destination(pipeline.destination(place))
        except ScaffoldError as problem:
            return f"{problem.what}: {problem.why} ({problem.fix})"
        return None

    known = str(talk.remembered.get(DIRECTORY) or _free(str(talk.current("name"))))
    return dict(_placed(talk.prompter.text("Project name", known, refusal, PATH_HINT)))


def _placed(text: str) -> dict[str, str]:
    """What was said where a name is asked: a name, or a path whose last part is one.

    Raises:
        UsageError: the project cannot be called so.
    """
    is_path = text in (".", "..") or text.startswith("~") or os.sep in text
    # No shell has expanded it; what it cannot be expanded to is refused as in a shell's word.
    expanded = os.path.expanduser(names.check_text(text, "path"))  # noqa: PTH111 - that one raises
    place = expanded if is_path else ""
    name = pipeline.destination(place).name if is_path else text
    folder = text.rstrip(os.sep).removesuffix(name) if is_path else ""
    return {"name": names.check_name(name, fix=f"{folder}{{}}"), DIRECTORY: place}


def _free(name: str) -> str:
    """The name, with a number where there is something of that name already."""
    numbered = (f"{name}-{number}" for number in itertools.count(2))
    return next(
        each for each in (name, *itertools.islice(numbered, 98)) if not os.path.lexists(each)
    )


def _need(name: str) -> Step:
    """A question about one need, as criteria.toml words it."""

    def ask(talk: Conversation) -> dict[str, Value]:
        need, rows = criteria.load().need(name), answers.fields()[name].choices
        current = talk.current(name)
        if name in _assumed(talk.plan):
            taken = next(row.label for row in rows if row.value == need.default)
            rows = (Choice(NOT_SURE, f"not sure yet (taken as: {taken})", UNSURE_HINT), *rows)
            current = talk.remembered.get(name, NOT_SURE)
        return {name: talk.prompter.select(need.question, rows, str(current))}

    return Step((name,), ask)


def _wanted(talk: Conversation) -> dict[str, Value]:
    labels = {"docs": "interactive API docs", "validation": "request validation with typed models"}
    rows = [
        Choice(key, label, _hint(key, answer=True))
        for key, label in labels.items()
        if key in talk.open_keys
    ]
    default = [key for key in talk.open_keys if talk.current(key)]
    chosen = talk.prompter.multiselect("What should come with it?", rows, default)
    return {key: key in chosen for key in talk.open_keys}


def _hint(need: str, answer: str | bool) -> str:  # noqa: FBT001 - an answer to a need
    return next(row.hint for row in criteria.load().need(need).choices if row.value == answer)


# Each row is the answer that is not the default of its need.
SURROUNDINGS: Mapping[str, tuple[str | bool, str | bool]] = {
    "app": ("api", "web"),
    "extensions": (False, True),
    "hosting": ("any", "wsgi"),
}


def _surroundings(talk: Conversation) -> dict[str, Value]:
    statements = {key: criteria.load().need(key).said for key in talk.open_keys}
    rows = [
        Choice(key, said[answer], _hint(key, answer))
        for key, said in statements.items()
        for answer in SURROUNDINGS[key][1:]
    ]
    default = [key for key in talk.open_keys if talk.current(key) == SURROUNDINGS[key][1]]
    chosen = talk.prompter.multiselect("Do any of these apply?", rows, default)
    return {key: SURROUNDINGS[key][key in chosen] for key in talk.open_keys}


def _framework(talk: Conversation) -> dict[str, Value]:
    verdict, question = talk.plan.recommendation, "Create which one?"
    if "framework" in talk.open_keys:
        report.reasons(verdict, report.console(sys.stderr))
        question = f"{explain.headline(verdict)} {question}"
    labels = {framework.key: framework.label for framework in criteria.load().frameworks}
    frameworks = [talk.plan.answers.text("framework")]
    if "framework" in talk.open_keys:
        frameworks = sorted(labels, key=lambda key: key != verdict.framework)
        frameworks = frameworks[:1] if verdict.decisive else frameworks
    hints = {choice.value: choice.hint for choice in template.questions()["preset"].choices}
    presets = [talk.plan.answers.text("preset")]
    if "preset" in talk.open_keys:
        presets = list(hints)
    suggested = talk.current("preset")
    if talk.plan.answers["scale"] == "prototype" and "preset" not in talk.remembered:
        suggested = "prototype" if "prototype" in presets else suggested
    rows = [
        Choice(
            f"{framework} {preset}",
            f"{labels[framework]} {preset}"
            + (" (recommended)" if (framework, preset) == (verdict.framework, suggested) else ""),
            hints[preset],
        )
        for framework in frameworks
        for preset in presets
    ]
    current = f"{talk.current('framework')} {suggested}"
    default = current if current in [row.value for row in rows] else rows[0].value
    framework, preset = talk.prompter.select(question, rows, default).split()
    chosen: dict[str, Value] = {"framework": framework, "preset": preset}
    return {key: value for key, value in chosen.items() if key in talk.open_keys}


def _provider(talk: Conversation) -> dict[str, Value]:
    rows = answers.fields()["provider"].choices
    question = "Who serves the model?"
    return {"provider": talk.prompter.select(question, rows, str(talk.current("provider")))}


def _deploy(talk: Conversation) -> dict[str, Value]:
    rows = [row for row in template.questions()["deploy"].choices if _fits(row.value, talk.plan)]
    default = talk.current("deploy")
    chosen = talk.prompter.multiselect(
        "Where will it run?", rows, default if isinstance(default, tuple) else ()
    )
    return {"deploy": chosen}


def _fits(target: str, plan: Plan) -> bool:
    """Whether a deploy target can be had with the framework that is settled by now."""
    framework = plan.answers.by_key["framework"]
    given = {
        **plan.given,
        "framework": Given(framework.value, "prompt", "your answer"),
        "deploy": Given((target,), "prompt", "your answer"),
    }
    try:
        answers.imply(given)
    except UsageError:
        return False
    return True


STEPS = (
    Step(("name",), _name),
    _need("async"),
    Step(("docs", "validation"), _wanted),
    _need("scale"),
    _need("team"),
    Step(tuple(SURROUNDINGS), _surroundings),
    Step(("framework", "preset"), _framework),
    Step(("provider",), _provider),
    Step(("deploy",), _deploy),
)
