"""The criteria are sound, and they say all that the comparison says."""

import copy
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from genai_scaffold.errors import UsageError
from genai_scaffold.recommendation.criteria import Criterion, Need, NeedAnswer, load_criteria

CRITERIA = load_criteria()

each_need = pytest.mark.parametrize("need", CRITERIA.needs, ids=lambda need: need.name)
each_criterion = pytest.mark.parametrize("criterion", CRITERIA.criteria, ids=lambda c: c.key)


def test_the_frameworks_and_who_wins_a_tie() -> None:
    assert [(f.key, f.label) for f in CRITERIA.frameworks] == [
        ("fastapi", "FastAPI"),
        ("flask", "Flask"),
    ]
    assert CRITERIA.tie_winner == "fastapi"


def test_the_needs_their_answers_and_their_defaults() -> None:
    assert [
        (need.name, need.kind, [choice.value for choice in need.choices], need.default)
        for need in CRITERIA.needs
    ] == [
        ("async", "choice", ["none", "some", "high"], "high"),
        ("docs", "boolean", [True, False], True),
        ("validation", "boolean", [True, False], True),
        ("scale", "choice", ["prototype", "service", "microservices"], "service"),
        ("team", "choice", ["typed", "learning", "flask"], "typed"),
        ("app", "choice", ["api", "web"], "api"),
        ("extensions", "boolean", [True, False], False),
        ("hosting", "choice", ["any", "wsgi"], "any"),
    ]


@pytest.mark.parametrize(
    ("source", "need", "answer", "favours"),
    [
        pytest.param("Choose FastAPI if", "async", "high", "fastapi", id="performance"),
        pytest.param("For GenAI apps", "async", "some", "fastapi", id="calling-external-apis"),
        pytest.param("Choose FastAPI if", "docs", True, "fastapi", id="automatic-docs"),
        pytest.param("Choose FastAPI if", "validation", True, "fastapi", id="validation"),
        pytest.param("Choose FastAPI if", "scale", "service", "fastapi", id="plan-to-scale"),
        pytest.param("Choose FastAPI if", "scale", "microservices", "fastapi", id="microservices"),
        pytest.param("Choose FastAPI if", "team", "typed", "fastapi", id="modern-python"),
        pytest.param("When to use which: FastAPI", "app", "api", "fastapi", id="modern-apis"),
        pytest.param("Choose Flask if", "team", "learning", "flask", id="minimal-learning-curve"),
        pytest.param("Choose Flask if", "scale", "prototype", "flask", id="small-app-or-prototype"),
        pytest.param("Choose Flask if", "extensions", True, "flask", id="extensions"),
        pytest.param("Choose Flask if", "async", "none", "flask", id="no-async"),
        pytest.param("Choose Flask if", "docs", False, "flask", id="no-docs"),
        pytest.param("Flask: pros", "validation", False, "flask", id="minimal"),
        pytest.param("Conclusion", "team", "flask", "flask", id="comfortable-with-flask"),
        pytest.param("Conclusion", "app", "web", "flask", id="classic-web-app"),
        pytest.param("FastAPI: cons", "hosting", "wsgi", "flask", id="wsgi-only"),
    ],
)
def test_each_statement_of_the_comparison_is_a_criterion(
    source: str, need: str, answer: NeedAnswer, favours: str
) -> None:
    assert [
        criterion
        for criterion in CRITERIA.criteria
        if (criterion.source, criterion.need, criterion.favours) == (source, need, favours)
        and answer in criterion.values
    ]


@each_need
def test_each_answer_is_a_default_or_raises_a_criterion(need: Need) -> None:
    raising = {
        value
        for criterion in CRITERIA.criteria
        if criterion.need == need.name
        for value in criterion.values
    }
    assert raising | {need.default} == {choice.value for choice in need.choices}


@each_criterion
def test_a_reason_is_one_paragraph_of_plain_sentences(criterion: Criterion) -> None:
    assert criterion.because.endswith(".")
    assert criterion.because.isprintable()
    assert max(len(sentence.split()) for sentence in re.split("[.:;] ", criterion.because)) <= 25
    assert 60 < len(criterion.because) < 340


@each_need
def test_a_need_reads_well_at_a_terminal(need: Need) -> None:
    assert need.question.endswith("?")
    assert need.help.endswith(".")
    assert len(need.question) <= 60
    assert all(len(choice.label) <= 60 for choice in need.choices)


DOCS = Path(__file__).parents[3] / "docs"
# What a reason says that was measured: the page's table, its row, and between what its ratio is.
MEASURED = {
    "takes them one by one": ("Calls that wait", "Flask, gunicorn as it comes (sync)", 0, 0.02),
    "with gevent": ("Calls that wait", "Flask, gunicorn gevent", 0.9, 1.1),
    "or a hundred threads it kept up": (
        *("Calls that wait", "Flask, gunicorn gthread, 100 threads"),
        *(0.9, 1.1),
    ),
    "on granian Flask cost half": (
        *("One sample on several servers", "Flask, granian"),
        *(0.75, 1.5),
    ),
    "of what it cost on gunicorn's default worker": (
        *("One sample on several servers", "Flask, gunicorn as it comes (sync)"),
        *(2.4, 3.2),
    ),
    "cost FastAPI two thirds of what it cost Flask under gevent": (
        *("1,000 streams at once", "FastAPI, uvicorn"),
        *(0.6, 0.73),
    ),
}


@pytest.mark.parametrize(("said", "measured"), MEASURED.items())
def test_what_a_reason_says_was_measured_is_what_the_page_shows(
    said: str, measured: tuple[str, str, float, float]
) -> None:
    assert sum(said in criterion.because for criterion in CRITERIA.criteria) == 1
    table, row, least, most = measured
    page = (DOCS / "performance.md").read_text("utf-8")
    rows = page.partition(f"\n**{table}**")[2].partition("\n**")[0].splitlines()
    [cells] = [line.split(" | ") for line in rows if line.startswith(f"| {row} |")]
    assert least <= float(cells[3].strip("* |")) <= most


def test_every_reason_that_refers_to_measurements_is_held_to_them() -> None:
    measured = {c.key for c in CRITERIA.criteria if "measure" in c.because}
    assert measured == {c.key for c in CRITERIA.criteria if any(s in c.because for s in MEASURED)}


def test_what_is_not_weighed_is_told_with_the_same_measurement() -> None:
    page = (DOCS / "choose.md").read_text("utf-8").partition("## What is not weighed")[2]
    said = "cost FastAPI two thirds of what it cost Flask under gevent"
    assert said in MEASURED
    assert said in " ".join(page.split())


def test_the_decisive_reason_tells_what_is_lost_and_what_makes_up_for_it() -> None:
    (decisive,) = (criterion for criterion in CRITERIA.criteria if criterion.decisive)
    lost, made_up = decisive.because.split(". ")
    assert all(word in lost for word in ("validation", "docs", "event loop"))
    assert all(word in made_up for word in ("Pydantic", "OpenAPI", "threads"))


class TestComplete:
    def test_missing_answers_take_their_defaults_in_the_order_of_the_questions(self) -> None:
        completed = CRITERIA.complete({"hosting": "wsgi", "docs": False})
        assert list(completed.items()) == [
            ("async", "high"),
            ("docs", False),
            ("validation", True),
            ("scale", "service"),
            ("team", "typed"),
            ("app", "api"),
            ("extensions", False),
            ("hosting", "wsgi"),
        ]

    @pytest.mark.parametrize(
        ("given", "what", "why", "fix"),
        [
            pytest.param(
                {"asynch": "high"},
                "There is no need called 'asynch'",
                "the needs are async, docs, validation, scale, team, app, extensions, hosting",
                "did you mean async? ",
                id="misspelt-need",
            ),
            pytest.param(
                {"colour": "red"}, "There is no need called 'colour'", "the needs", "", id="no-need"
            ),
            pytest.param(
                {"async": "hihg"},
                "'async' cannot be 'hihg'",
                "the answers are none, some, high",
                "did you mean high? ",
                id="misspelt-answer",
            ),
            pytest.param(
                {"team": "TYPED"},
                "'team' cannot be 'TYPED'",
                "the answers are typed, learning, flask",
                "did you mean typed? ",
                id="capitals",
            ),
            pytest.param(
                {"docs": "true"},
                "'docs' cannot be 'true'",
                "the answers are true, false",
                "did you mean true? ",
                id="text-for-yes",
            ),
            pytest.param(
                {"app": True}, "'app' cannot be True", "the answers are api, web", "", id="yes"
            ),
            pytest.param({"docs": 1}, "'docs' cannot be 1", "the answers", "", id="number-for-yes"),
            pytest.param({"docs": None}, "'docs' cannot be None", "the answers", "", id="nothing"),
            pytest.param(
                {"app": ["api"]},
                "'app' cannot be ['api']",
                "the",
                "did you mean api? ",
                id="a-list",
            ),
            pytest.param({True: "high"}, "There is no need called True", "the", "", id="yaml-on"),
        ],
    )
    def test_what_is_not_known_is_refused(self, given: Any, what: str, why: str, fix: str) -> None:
        with pytest.raises(UsageError) as refused:
            CRITERIA.complete(given)
        assert refused.value.what == what
        assert refused.value.why.startswith(why)
        assert refused.value.fix == f"{fix}`genai-scaffold list needs` explains them all"


DOCUMENT = tomllib.loads(
    resources.files("genai_scaffold.recommendation").joinpath("criteria.toml").read_text("utf-8")
)


SCHEMA = json.loads((Path(__file__).parents[1] / "schemas/criteria.schema.json").read_text("utf-8"))


def faults(document: Mapping[str, Any]) -> list[str]:
    """Where criteria are not sound: in their form, or else in what they say of each other."""
    malformed = jsonschema.Draft202012Validator(SCHEMA).iter_errors(document)
    found = sorted(f"{'.'.join(map(str, fault.path))}: {fault.message}" for fault in malformed)
    return found or [*faults_of_needs(document), *faults_of_criteria(document)]


def faults_of_needs(document: Mapping[str, Any]) -> Iterator[str]:
    counted = {(c["need"], value) for c in document["criteria"].values() for value in c["values"]}
    for name, need in document["needs"].items():
        answers = list(need.get("choices", (True, False)))
        words = {
            ("no", "yes")[answer] if isinstance(answer, bool) else answer for answer in answers
        }
        if need["default"] not in answers:
            yield f"needs.{name}: the default is none of its answers"
        if set(need["said"]) != words:
            yield f"needs.{name}: each answer is said, and no other"
        if not set(need.get("hints", ())) <= words:
            yield f"needs.{name}: has a hint of no answer"
        if (name, need["default"]) in counted and "assumed" not in need:
            yield f"needs.{name}: its default counts, and has no words"


def faults_of_criteria(document: Mapping[str, Any]) -> Iterator[str]:
    if document["tie_winner"] not in document["frameworks"]:
        yield "tie_winner: is no framework"
    for key, criterion in document["criteria"].items():
        if criterion["favours"] not in document["frameworks"]:
            yield f"criteria.{key}: favours no framework"
        need = document["needs"].get(criterion["need"], {"choices": ()})
        if not set(criterion["values"]) <= set(need.get("choices", (True, False))):
            yield f"criteria.{key}: is raised by no answer to a need"
    if len({c["favours"] for c in document["criteria"].values() if "decisive" in c}) > 1:
        yield "criteria: the decisive ones favour more than one framework"


def test_the_criteria_are_sound() -> None:
    assert faults(DOCUMENT) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("tie_winner", "django", id="tie-winner"),
        pytest.param("tie_winner", None, id="no-tie-winner"),
        pytest.param("needs", {}, id="no-needs"),
        pytest.param("colours", 1, id="unknown-table"),
        pytest.param("frameworks.flask", "Flask", id="no-table"),
        pytest.param("frameworks.flask.label", "", id="no-label"),
        pytest.param("needs.team.default", "red", id="default"),
        pytest.param("needs.docs.default", 1, id="default-is-number"),
        pytest.param("needs.team.help", None, id="no-help"),
        pytest.param("needs.team.hlep", "x", id="unknown-key"),
        pytest.param("needs.app.choices.api", 1, id="choice"),
        pytest.param("needs.app.said.api", None, id="unsaid-answer"),
        pytest.param("needs.app.said.red", "x", id="said"),
        pytest.param("needs.app.hints.red", "x", id="hint"),
        pytest.param("needs.app.assumed", None, id="unassumed"),
        pytest.param("frameworks.django", {"label": "Django"}, id="three"),
        pytest.param("criteria.no-docs.short", None, id="short"),
        pytest.param("criteria.no-docs.need", "doc", id="need"),
        pytest.param("criteria.no-docs.values", ["no"], id="value-of-need"),
        pytest.param("criteria.no-docs.values", [], id="no-values"),
        pytest.param("criteria.no-docs.favours", "django", id="favours"),
        pytest.param("criteria.no-docs.points", True, id="points-true"),
        pytest.param("criteria.no-docs.points", 0, id="points-0"),
        pytest.param("criteria.no-docs.points", None, id="no-points"),
        pytest.param("criteria.no-docs.decisive", True, id="points-of-a-decisive-one"),
        pytest.param(
            "criteria.wsgi-only-too",
            {**DOCUMENT["criteria"]["wsgi-only"], "favours": "fastapi"},
            id="two-decide",
        ),
    ],
)
def test_an_unsound_entry_is_found(path: str, value: object) -> None:
    document = copy.deepcopy(DOCUMENT)
    *tables, key = path.split(".")
    table = document
    for name in tables:
        table = table[name]
    if value is None:
        del table[key]
    else:
        table[key] = value

    assert faults(document)[0].startswith(".".join(tables[:2]))
