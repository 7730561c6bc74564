"""The questions, in their order: what is needed, what is recommended, what is built."""

import itertools
import os
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from genai_scaffold.answers.fields import fields
from genai_scaffold.answers.given import Given
from genai_scaffold.answers.names import check_name, check_text
from genai_scaffold.answers.resolution import SEVERAL, settle
from genai_scaffold.create.destination import name_at
from genai_scaffold.create.placement import check_placement
from genai_scaffold.create.plan import Plan
from genai_scaffold.errors import ScaffoldError, UsageError
from genai_scaffold.project.workspace import SERVICES, workspace_around
from genai_scaffold.recommendation.criteria import Choice, load_criteria
from genai_scaffold.report.explanation import headline
from genai_scaffold.report.output import console_on
from genai_scaffold.report.recommended import show_reasons
from genai_scaffold.template.questions import WORKSPACE, Value, template_questions
from genai_scaffold.wizard.prompts import Prompter

UNSURE_HINT = "it is then assumed, and counts half as much as an answer"
DIRECTORY = "directory"  # where the project goes, if its name was answered with a path
PATH_HINT = f"or a path, such as ..{os.sep}shop{os.sep}my-app"
NOT_SURE = "not-sure"
ROOT_HINT = "CI, hooks and Compose for all; then each service, with a framework of its own"
PICKED = ("async", "scale", "team")  # each has a row for whoever is not sure


class Conversation(NamedTuple):
    """What a question may look at: the plan as it stands, and what was answered before."""

    prompter: Prompter
    plan: Plan
    open_keys: Collection[str]
    remembered: Mapping[str, Value]

    def current(self, key: str) -> Value:
        return self.remembered.get(key, self.plan.answers[key])


class Step(NamedTuple):
    """One question, the answers that it gives, and whether what is planned by now has them."""

    keys: tuple[str, ...]
    ask: Callable[[Conversation], dict[str, Value]]
    applies: Callable[[Plan], bool] = lambda plan: not plan.answers.is_workspace


def assumed_needs(plan: Plan) -> Collection[str]:
    return plan.recommendation.needs.keys() - set(plan.recommendation.said)


def _name(talk: Conversation) -> dict[str, Value]:
    def refusal(text: str) -> str | None:
        try:
            placed = destination_answers(text)
            place = placed[DIRECTORY] or placed["name"]
            check_placement(place, workspace=talk.plan.answers.is_workspace)
        except ScaffoldError as problem:
            return f"{problem.what}: {problem.why} ({problem.fix})"
        return None

    folder = f"{SERVICES}{os.sep}" if workspace_around(Path.cwd()) == Path.cwd() else ""
    known = str(talk.remembered.get(DIRECTORY) or _free(f"{folder}{talk.current('name')}"))
    return dict(destination_answers(talk.prompter.text("Project name", known, refusal, PATH_HINT)))


def destination_answers(text: str) -> dict[str, str]:
    """What was said where a name is asked: a name, or a path whose last part is one.

    Raises:
        UsageError: the project cannot be called so.
    """
    is_path = text in (".", "..") or text.startswith("~") or os.sep in text
    # No shell has expanded it; what it cannot be expanded to is refused as in a shell's word.
    expanded = os.path.expanduser(check_text(text, "path"))  # noqa: PTH111 - that one raises
    place = expanded if is_path else ""
    name = name_at(place) if is_path else text
    folder = text.rstrip(os.sep).removesuffix(name) if is_path else ""
    return {"name": check_name(name, fix=f"{folder}{{}}"), DIRECTORY: place}


def _free(name: str) -> str:
    """The name, with a number where there is something of that name already."""
    numbered = (f"{name}-{number}" for number in itertools.count(2))
    return next(
        each for each in (name, *itertools.islice(numbered, 98)) if not os.path.lexists(each)
    )


def _need(name: str) -> Step:
    """A question about one need, as criteria.toml words it."""

    def ask(talk: Conversation) -> dict[str, Value]:
        need, rows = load_criteria().need(name), fields()[name].choices
        current = talk.current(name)
        if name in assumed_needs(talk.plan):
            taken = next(row.label for row in rows if row.value == need.default)
            rows = (Choice(NOT_SURE, f"not sure yet (taken as: {taken})", UNSURE_HINT), *rows)
            current = talk.remembered.get(name, NOT_SURE)
        return {name: talk.prompter.select(need.question, rows, str(current))}

    return Step((name,), ask)


def _wanted(talk: Conversation) -> dict[str, Value]:
    labels = {"docs": "interactive API docs", "validation": "request validation with typed models"}
    rows = [
        Choice(key, label, need_hint(key, answer=True))
        for key, label in labels.items()
        if key in talk.open_keys
    ]
    default = [key for key in talk.open_keys if talk.current(key)]
    chosen = talk.prompter.multiselect("What should come with it?", rows, default)
    return {key: key in chosen for key in talk.open_keys}


def need_hint(need: str, answer: str | bool) -> str:  # noqa: FBT001 - an answer to a need
    return next(row.hint for row in load_criteria().need(need).choices if row.value == answer)


# Each row is the answer that is not the default of its need.
SURROUNDINGS: Mapping[str, tuple[str | bool, str | bool]] = {
    "app": ("api", "web"),
    "extensions": (False, True),
    "hosting": ("any", "wsgi"),
}


def _surroundings(talk: Conversation) -> dict[str, Value]:
    statements = {key: load_criteria().need(key).said for key in talk.open_keys}
    rows = [
        Choice(key, said[answer], need_hint(key, answer))
        for key, said in statements.items()
        for answer in SURROUNDINGS[key][1:]
    ]
    default = [key for key in talk.open_keys if talk.current(key) == SURROUNDINGS[key][1]]
    chosen = talk.prompter.multiselect("Do any of these apply?", rows, default)
    return {key: SURROUNDINGS[key][key in chosen] for key in talk.open_keys}


def _is_first_of_several(plan: Plan) -> bool:
    """Whether several services are planned, where no repository has any yet."""
    scale = plan.answers.by_key.get("scale")
    is_several = scale is not None and ("scale", scale.value) == SEVERAL
    return is_several and not plan.place and workspace_around(plan.destination) is None


def _several(talk: Conversation) -> dict[str, Value]:
    rows = (
        Choice(WORKSPACE, "A workspace: the root that all of them share", ROOT_HINT),
        Choice("service", "One of them, in a repository of its own"),
    )
    current = str(talk.remembered.get("preset", WORKSPACE))
    return {"preset": talk.prompter.select("Of several services, what comes first?", rows, current)}


def _framework(talk: Conversation) -> dict[str, Value]:
    verdict, question = talk.plan.recommendation, "Create which one?"
    if "framework" in talk.open_keys:
        show_reasons(verdict, console_on(sys.stderr))
        question = f"{headline(verdict)} {question}"
    known = load_criteria()
    frameworks = [talk.plan.answers.text("framework")]
    if "framework" in talk.open_keys:
        frameworks = [verdict.framework, known.other(verdict.framework)]
        frameworks = frameworks[:1] if verdict.decisive else frameworks
    hints = {choice.value: choice.hint for choice in template_questions()["preset"].choices}
    presets = [talk.plan.answers.text("preset")]
    if "preset" in talk.open_keys:
        presets = [preset for preset in hints if preset != WORKSPACE]
    suggested = talk.current("preset")
    if talk.plan.answers["scale"] == "prototype" and "preset" not in talk.remembered:
        suggested = "prototype" if "prototype" in presets else suggested
    rows = [
        Choice(
            f"{framework} {preset}",
            f"{known.label(framework)} {preset}"
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
    rows = fields()["provider"].choices
    question = "Who serves the model?"
    return {"provider": talk.prompter.select(question, rows, str(talk.current("provider")))}


def _deploy(talk: Conversation) -> dict[str, Value]:
    rows = [row for row in template_questions()["deploy"].choices if _fits(row.value, talk.plan)]
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
        settle(given)
    except UsageError:
        return False
    return True


STEPS = (
    Step(("name",), _name, lambda _: True),
    _need("async"),
    Step(("docs", "validation"), _wanted),
    _need("scale"),
    Step(("preset",), _several, _is_first_of_several),
    _need("team"),
    Step(tuple(SURROUNDINGS), _surroundings),
    Step(("framework", "preset"), _framework),
    Step(("provider",), _provider),
    Step(("deploy",), _deploy),
)
