"""Asks on a terminal: a few questions, each with a default and a way back."""

import contextlib
import dataclasses
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from genai_scaffold.answers.fields import AUTO, NONE, fields
from genai_scaffold.answers.given import Given, Givens
from genai_scaffold.answers.names import check_text
from genai_scaffold.create.placement import check_placement
from genai_scaffold.create.plan import Plan, plan_project
from genai_scaffold.create.project import planned_files
from genai_scaffold.errors import UsageError
from genai_scaffold.recommendation.criteria import Choice
from genai_scaffold.report.created import show_summary
from genai_scaffold.report.output import console_on, show_error
from genai_scaffold.system.signals import signals_ignored, signals_repeated
from genai_scaffold.template import render
from genai_scaffold.template.questions import Value
from genai_scaffold.wizard.prompts import Back, Prompter
from genai_scaffold.wizard.questions import (
    DIRECTORY,
    NOT_SURE,
    PICKED,
    STEPS,
    Conversation,
    Step,
    assumed_needs,
)

CREATE, CANCEL = "create", "cancel"
YES_NO_CHOICES = (Choice("yes", "Yes"), Choice("no", "No"))
START = "Start it now?"
INSTALL_AND_START = "Install it and start it now?"
START_OR_NOT = (
    Choice("yes", "Yes", "makes .venv and installs into it, over the network; Ctrl+C ends it"),
    Choice("no", "No", "shows the commands that do it"),
)


class Said(NamedTuple):
    """A question, and what its answer adds to what was given."""

    step: Step
    given: Givens


def ask_for_plan(
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
    with loading_copier(), signals_repeated(), prompter.asking():
        return _asked(given, directory, prompter, confirm=confirm, offer=offer)


def _asked(
    given: Givens, directory: str | None, prompter: Prompter, *, confirm: bool, offer: str
) -> Plan:
    # What was said for this run is settled; what the machine's settings say is a default.
    settled = {key for key, answer in given.items() if answer.source in ("flag", "answers file")}
    if directory is not None:
        settled.add("name")
        plan = plan_project(given, directory)
        check_placement(plan.directory, workspace=plan.answers.is_workspace)
    said: list[Said] = []
    remembered: dict[str, Value] = {}
    while True:
        plan = _planned(given, said, directory)
        prompter.back = bool(said)
        step = _next_step(plan, said, settled)
        if step is None:
            plan = dataclasses.replace(plan, asked=_agreed(plan, remembered))
            if not confirm:
                return plan
            if wanted := _confirmed(plan, prompter, said, offer):
                return wanted
            continue
        asked_before = len(said)
        open_keys = [key for key in step.keys if key not in settled]
        try:
            chosen = step.ask(Conversation(prompter, plan, open_keys, remembered))
            remembered |= chosen
            said.append(Said(step, _news(chosen, plan)))
            _planned(given, said, directory)
        except Back:
            del said[-1:]
        except UsageError as problem:
            show_error(problem)
            del said[asked_before:]


def _next_step(plan: Plan, said: Sequence[Said], settled: set[str]) -> Step | None:
    """The first question that is open, and has a meaning for what is planned by now."""
    asked = [step for step, _ in said]
    steps = (step for step in STEPS if not (step in asked or settled.issuperset(step.keys)))
    return next((step for step in steps if step.applies(plan)), None)


@contextlib.contextmanager
def loading_copier() -> Iterator[None]:
    """Load what renders the project while a person reads the questions."""
    # Which are planned meanwhile, with Jinja: two threads that import it can lock each other out.
    import jinja2  # noqa: F401

    loading = threading.Thread(target=render.load_copier)
    loading.start()
    try:
        yield
    finally:
        with signals_ignored():
            loading.join()


@signals_repeated()
def complete_answers(
    keys: Sequence[str], current: Mapping[str, Value], prompter: Prompter
) -> Givens:
    """Ask some questions that an older project was never asked.

    Args:
        keys: what to ask.
        current: the default of each.
        prompter: puts the questions.

    Raises:
        KeyboardInterrupt: the user stopped it.
    """
    said: dict[str, Value] = {}
    with prompter.asking():
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
    field = fields()[key]
    rows = [choice for choice in field.choices if choice.value not in (AUTO, NONE)]
    match default:
        case bool():
            return prompter.select(field.help, YES_NO_CHOICES, "yes" if default else "no") == "yes"
        case tuple():
            return prompter.multiselect(field.help, rows, default)
        case _ if rows:
            return prompter.select(field.help, rows, default)
        case _:
            return prompter.text(field.help, default, lambda text: _refusal(key, text))


def _refusal(key: str, text: str) -> str | None:
    try:
        check_text(text, key)
    except UsageError as problem:
        return f"{problem.what}: {problem.why}"
    return None


def _agreed(plan: Plan, remembered: Mapping[str, Value]) -> frozenset[str]:
    """The keys that a person answered, if only by agreeing with the default."""
    return frozenset(
        key
        for key, value in remembered.items()
        if key in plan.answers.by_key
        and plan.answers[key] == value
        and key not in assumed_needs(plan)
    )


def _planned(given: Givens, said: Sequence[Said], directory: str | None) -> Plan:
    known = {**given, **{key: answer for _, each in said for key, answer in each.items()}}
    if place := known.pop(DIRECTORY, None):
        known.pop("name", None)  # the path ends in it
        directory = str(place.value)
    return plan_project(known, directory)


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


def _confirmed(plan: Plan, prompter: Prompter, said: list[Said], offer: str) -> Plan | None:
    """Show what will be written, and ask for it; None goes back to a question."""
    show_summary(plan, planned_files(plan), console_on(sys.stderr))
    try:
        rows = [Choice(CREATE, "Create it"), Choice(CANCEL, "Cancel")]
        if prompter.select("Create this project?", rows, CREATE) == CANCEL:
            raise KeyboardInterrupt
    except Back:
        del said[-1:]
        return None
    try:
        prompter.back = True
        offer = "" if plan.answers.is_workspace else offer
        start = bool(offer) and prompter.select(offer, START_OR_NOT, "yes") == "yes"
    except Back:
        return None
    return dataclasses.replace(plan, start=start)
