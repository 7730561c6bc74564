"""What follows from the answers that were given."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from genai_scaffold.answers.fields import AUTO, fields, free_texts, needs
from genai_scaffold.answers.given import Answers, Given, Givens, Source
from genai_scaffold.answers.names import check_text
from genai_scaffold.answers.spelling import as_flags, describe, in_words
from genai_scaffold.errors import SpareError, UsageError
from genai_scaffold.recommendation.criteria import NeedAnswer, load_criteria
from genai_scaffold.recommendation.scoring import Recommendation, recommend
from genai_scaffold.template.questions import Question, Value, derived, template_questions

ONE_OF_SEVERAL = (
    "Of several services each is a project by itself, in services/ of a workspace "
    "(new shop --preset workspace);"
)
SEVERAL = ("scale", "microservices")  # the need that a workspace is for
WSGI_TARGETS = ("mod-wsgi",)  # what runs nothing but WSGI, and nothing more


@cache
def defaults() -> Mapping[str, str]:
    """What each answer is if nobody gives it, in words."""
    service = resolve({}, AUTO)
    prototype = resolve({"preset": Given("prototype", "default")}, AUTO)
    words = {key: in_words(answer.value) or "empty" for key, answer in service.by_key.items()}
    for key in words.keys() - {"preset"}:
        if prototype[key] != service[key]:
            words[key] += f"; prototype: {in_words(prototype[key])}"
    return {**words, "framework": "the recommendation", "name": "the directory's name"}


@dataclass(frozen=True)
class Settled:
    """What follows from what was given; each once it is asked for, since not every command does.

    Args:
        implied: what was given, and what it implies.
    """

    implied: Givens

    @cached_property
    def recommendation(self) -> Recommendation:
        return recommend(stated(self.implied))

    @cached_property
    def answers(self) -> Answers:
        """Every answer of a project.

        Raises:
            UsageError: what was asked for cannot be had with the framework and the preset.
        """
        return resolve(self.implied, self.recommendation.framework)


def settle(given: Givens) -> Settled:
    """Settle the recommendation and all answers; the one way to them, whatever the command.

    Args:
        given: the answers from all sources; of a project that is there, those that it was made
            from among them.

    Raises:
        UsageError: two answers cannot both hold; both are named.
    """
    # A project has its framework: what cannot be had with that is refused by its own question.
    is_there = any(answer.source == "project" for answer in given.values())
    return Settled(given if is_there else _imply(given))


def of_its_preset(given: Givens) -> dict[str, Given]:
    """The answers that the preset asks for.

    Raises:
        UsageError: another one was said for this run, and not by a person who has then chosen that
            preset.
    """
    unasked = _unasked(given)
    for key in given.keys() & unasked:
        answer = given[key]
        if answer.source in ("flag", "answers file") and (key, answer.value) != SEVERAL:
            raise SpareError(
                f"{describe(key, answer)} is nothing for a workspace",
                why=f"{describe('preset', given['preset'])}, and each of its services has its own",
                fix="leave it out, and say it of a service, such as services/chat",
                spare=as_flags(key, answer.value),
            )
    return {key: answer for key, answer in given.items() if key not in unasked}


def _unasked(given: Givens) -> frozenset[str]:
    """What the preset does not ask; without a framework, no need decides anything."""
    questions = template_questions()
    preset = given["preset"].value if "preset" in given else questions["preset"].default
    unasked = {q.name for q in questions.values() if not q.is_asked({"preset": preset})}
    return frozenset(unasked | needs().keys() if unasked else ())


def _imply(given: Givens) -> dict[str, Given]:
    """Add what follows from what was given, and refuse what contradicts it.

    Raises:
        UsageError: two answers cannot both hold; both are named.
    """
    implied = dict(given)
    deploy, hosting = given.get("deploy"), given.get("hosting")
    if (
        deploy
        and isinstance(deploy.value, tuple)
        and not set(WSGI_TARGETS).isdisjoint(deploy.value)
    ):
        target = deploy._replace(value=WSGI_TARGETS)
        if hosting and hosting.value != "wsgi":
            raise _contradiction(
                ("hosting", hosting), ("deploy", target), "mod_wsgi is a WSGI server and no other"
            )
        implied["hosting"] = Given("wsgi", deploy.source, deploy.place)
    framework = given.get("framework")
    for criterion in load_criteria().criteria:
        need = implied.get(criterion.need)
        if not (criterion.decisive and need and need.value in criterion.values):
            continue
        if framework and framework.value not in (AUTO, criterion.favours):
            stated = given.get(criterion.need)
            other = (criterion.need, stated) if stated == need else ("deploy", target)
            raise _contradiction(("framework", framework), other, criterion.short)
    return implied


def with_texts(given: Givens) -> dict[str, Given]:
    """The same answers, the free texts among them as they are accepted.

    Raises:
        UsageError: one is not.
    """
    checked = dict(given)
    for key in free_texts():
        if key in given:
            with naming_its_place(given[key]):
                text = check_text(str(given[key].value), key)
            checked[key] = given[key]._replace(value=text)
    return checked


@contextlib.contextmanager
def naming_its_place(given: Given) -> Iterator[None]:
    """Say where a refused answer stands, unless the user has just typed it."""
    try:
        yield
    except UsageError as refused:
        if given.source in ("flag", "prompt"):
            raise
        raise UsageError(
            refused.what, why=f"{given.place}: {refused.why}", fix=refused.fix
        ) from None


def stated(given: Givens) -> dict[str, NeedAnswer]:
    """What somebody said that the project needs; all else is assumed."""
    return {
        need.name: value
        for need in load_criteria().needs
        if need.name in given and not isinstance(value := given[need.name].value, tuple)
    }


def sources_of(given: Givens) -> dict[str, Source]:
    """Where the answer to each need comes from."""
    return {name: given[name].source if name in given else "default" for name in needs()}


def resolve(given: Givens, recommended: str) -> Answers:
    """Answer all that is asked: with what was given, else what follows from it, else the default.

    Args:
        given: what was given, and what it implies.
        recommended: the framework to use where none was asked for.

    Raises:
        UsageError: what was asked for cannot be had with the framework and the preset.
    """
    by_key: dict[str, Given] = {}
    sourced = sources_of(given)
    for name, value in load_criteria().complete(stated(given)).items():
        by_key[name] = Given(value, sourced[name])
    by_key["framework"] = _framework(given, recommended)
    # The defaults in copier.yml depend on the answers above them, so they are taken in its order.
    context: dict[str, object] = {}
    notes: list[str] = []
    unasked = _unasked(given)
    for question in template_questions().values():
        key = question.name
        if key in unasked:
            continue
        default = _default(question, by_key, context)
        if key in given and key != "framework":
            by_key[key] = given[key]
            notes += _left_out(key, given[key], default)
        elif key not in by_key:
            source: Source = "preset" if question.depends_on_preset else "default"
            by_key[key] = Given(default, source)
        context[question.key] = by_key[key].value
        if refusal := question.refusal(context):
            raise _refused(key, given, refusal)
    if unasked:
        return Answers({k: v for k, v in by_key.items() if k not in unasked}, tuple(notes))
    notes += _remarks(by_key)
    service = derived("service_name", context)
    if context["deploy"] and service != context["project_name"]:
        notes.append(
            f"On deploy platforms it is called {service}: "
            "a name there starts with a letter and has 3 to 30 characters."
        )
    return Answers(by_key, tuple(notes))


def _default(question: Question, by_key: Givens, context: Mapping[str, object]) -> Value:
    """What is taken where nothing was said; where only WSGI can run, that is what runs it."""
    if question.key == "deploy" and by_key["hosting"].value == "wsgi":
        return WSGI_TARGETS
    return question.default_for(context)


def _framework(given: Givens, recommended: str) -> Given:
    asked = given.get("framework")
    if asked is None or asked.value == AUTO:
        return Given(recommended, "recommendation")
    return asked


def _left_out(key: str, given: Given, default: Value) -> list[str]:
    """Say what a flag of `new` leaves out of the default, which it replaces."""
    if not (given.value and isinstance(given.value, tuple) and isinstance(default, tuple)):
        return []
    left = [value for value in default if value not in given.value]
    if not left or given.place != fields()[key].flag:
        return []
    them = "them" if len(left) > 1 else "it"
    return [f"Left out: {', '.join(left)} (name {them} too to keep {them})."]


def _remarks(by_key: Givens) -> list[str]:
    remarks = []
    preset = by_key["preset"]
    if by_key["validation"].value is False and preset.value == "service":
        remarks.append(
            "A service always validates its requests; --no-validation shapes prototypes."
        )
    assumed = (preset.value, preset.source) == ("service", "default")
    if by_key["scale"].value == "prototype" and assumed:
        remarks.append("For something this small there is --preset prototype: one module.")
    features = by_key["feature"].value
    several = by_key["scale"].value == "microservices" and preset.value == "service"
    if several and isinstance(features, tuple) and "peers" not in features:
        remarks.append(f"{ONE_OF_SEVERAL} --feature peers lets one call another.")
    if by_key["app"].value == "web":
        remarks.append(
            "That it is a web app counted for the framework alone: the project is an API, and its "
            "pages are yours to add."
        )
    if by_key["extensions"].value is True:
        remarks.append(
            "That it depends on Flask extensions counted for the framework alone: none is "
            "installed. Add yours to pyproject.toml."
        )
    return remarks


def _refused(key: str, given: Givens, refusal: str) -> SpareError:
    why, _, fix = refusal.partition("; ")
    value, preset = given[key].value, given.get("preset")
    if isinstance(value, tuple):
        if given[key].source == "project":
            fix += "; `genai-scaffold remove NAME` takes one out"
        elif key == "feature" and preset and preset.source == "project":
            settings = f"--set preset=service --set feature={','.join(value)}"
            fix = f"make a service of it: `genai-scaffold update {settings}`"
    what = f"{describe(key, given[key])} cannot be had"
    return SpareError(what, why=why, fix=fix, spare=as_flags(key, value))


def _contradiction(one: tuple[str, Given], other: tuple[str, Given], why: str) -> SpareError:
    first, second = describe(*one), describe(*other)
    what, spare = f"{first} contradicts {second}", as_flags(one[0], one[1].value)
    return SpareError(what, why=why, fix="drop one of the two", spare=spare)
