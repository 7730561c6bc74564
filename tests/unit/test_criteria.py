"""The criteria are sound, and they say all that the comparison says."""

import copy
import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from genai_scaffold.errors import UsageError
from genai_scaffold.recommendation.criteria import (
    Criterion,
    Need,
    NeedAnswer,
    load_criteria,
    parse_criteria,
)

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
    assert len(criterion.because.removesuffix(".").split(". ")) <= 2
    assert 60 < len(criterion.because) < 340


@each_need
def test_a_need_reads_well_at_a_terminal(need: Need) -> None:
    assert need.question.endswith("?")
    assert need.help.endswith(".")
    assert len(need.question) <= 60
    assert all(len(choice.label) <= 60 for choice in need.choices)


# Where the page of measurements shows what a reason refers to.
TABLES = {
    "concurrency": "**Calls that wait** half a second",
    "growth": "**1,000 streams at once**, the generated services in turn",
}


def test_each_measurement_that_a_reason_refers_to_has_its_table() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "performance.md").read_text("utf-8")
    measured = {c.key for c in CRITERIA.criteria if "our measurements" in c.because}
    assert measured == TABLES.keys()
    assert all(table in page for table in TABLES.values())
    assert "**One sample on several servers**" in page


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


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        pytest.param("tie_winner", "django", "tie_winner is not a framework", id="tie-winner"),
        pytest.param("tie_winner", None, "criteria.toml has no 'tie_winner'", id="no-tie-winner"),
        pytest.param("needs", {}, "criteria.toml has an empty 'needs'", id="no-needs"),
        pytest.param("colours", 1, "criteria.toml has an unknown 'colours'", id="unknown-table"),
        pytest.param("frameworks.flask", "Flask", "frameworks.flask is not a table", id="no-table"),
        pytest.param("frameworks.flask.label", "", "frameworks.flask has an empty", id="no-label"),
        pytest.param("needs.team.default", "red", "needs.team has a default", id="default"),
        pytest.param("needs.docs.default", 1, "needs.docs has a default", id="default-is-number"),
        pytest.param("needs.team.help", None, "needs.team has no 'help'", id="no-help"),
        pytest.param("needs.team.hlep", "x", "needs.team has an unknown 'hlep'", id="unknown-key"),
        pytest.param(
            "needs.app.choices.api", 1, "needs.app.choices has a 'api' that is no str", id="choice"
        ),
        pytest.param("needs.app.said.api", None, "needs.app.said has no 'api'", id="unsaid-answer"),
        pytest.param("needs.app.said.red", "x", "needs.app.said has an unknown 'red'", id="said"),
        pytest.param("needs.app.assumed", None, "needs.app has no 'assumed'", id="unassumed"),
        pytest.param(
            "frameworks.django", {"label": "Django"}, "frameworks are not two", id="three"
        ),
        pytest.param("criteria.no-docs.short", None, "criteria.no-docs has no 'short'", id="short"),
        pytest.param(
            "criteria.no-docs.need", "doc", "criteria.no-docs names no known need", id="need"
        ),
        pytest.param(
            "criteria.no-docs.values", ["no"], "criteria.no-docs has a value", id="value-of-need"
        ),
        pytest.param(
            "criteria.no-docs.values", [], "criteria.no-docs has an empty", id="no-values"
        ),
        pytest.param(
            "criteria.no-docs.favours", "django", "criteria.no-docs favours no", id="favours"
        ),
        pytest.param(
            "criteria.no-docs.points", True, "criteria.no-docs has a 'points'", id="points-true"
        ),
        pytest.param("criteria.no-docs.points", 0, "criteria.no-docs needs points", id="points-0"),
        pytest.param(
            "criteria.no-docs.points", None, "criteria.no-docs needs points", id="no-points"
        ),
        pytest.param(
            "criteria.no-docs.decisive",
            True,
            "criteria.no-docs needs points",
            id="points-of-a-decisive-one",
        ),
        pytest.param(
            "criteria.wsgi-only-too",
            {**DOCUMENT["criteria"]["wsgi-only"], "favours": "fastapi"},
            "criteria decisive ones favour more than one framework",
            id="two-decide",
        ),
    ],
)
def test_an_unsound_entry_is_named(path: str, value: object, message: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    *tables, key = path.split(".")
    table = document
    for name in tables:
        table = table[name]
    if value is None:
        del table[key]
    else:
        table[key] = value

    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        parse_criteria(document)
