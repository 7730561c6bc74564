"""The report of a recommendation: short enough for a screen, and true about who said what."""

from itertools import product

import pytest

from genai_scaffold.recommendation.criteria import NeedAnswer, load_criteria
from genai_scaffold.recommendation.scoring import Recommendation, recommend
from genai_scaffold.report.explanation import MOST_LINES, explained_reasons, explanation
from genai_scaffold.report.recommended import WITH_SEVERAL

CRITERIA = load_criteria()
Said = dict[str, NeedAnswer]


def said_in(verdict: Recommendation, width: int | None = 80) -> str:
    return "\n".join(line.text for line in explanation(verdict, width))


@pytest.fixture(scope="module")
def space() -> list[Recommendation]:
    values = ([None, *(value for value, *_ in need.choices)] for need in CRITERIA.needs)
    names = [need.name for need in CRITERIA.needs]
    return [
        recommend({name: value for name, value in pairs if value is not None})
        for pairs in (zip(names, found, strict=True) for found in product(*values))
    ]


@pytest.mark.parametrize("below", ["", WITH_SEVERAL], ids=["alone", "several"])
def test_every_report_fits_a_screen_with_the_question_below_it(
    space: list[Recommendation], below: str
) -> None:
    for verdict in space:
        lines = [line.text for line in explanation(verdict, 80, below=below)]
        assert len(lines) <= MOST_LINES
        assert max(map(len, lines)) <= 80
        assert lines == [line.rstrip() for line in lines]


def test_nobody_is_told_that_he_said_what_was_assumed(space: list[Recommendation]) -> None:
    for verdict in space:
        if verdict.decisive:
            continue
        reported = list(explained_reasons(verdict, None))
        rows = "\n".join(line.text for line in reported if line.text.lstrip().startswith("+"))
        for reason in verdict.reasons:
            need = CRITERIA.need(reason.criterion.need)
            statement = need.said[verdict.needs[need.name]]
            assert (f"  {statement}: " in rows) == reason.said
            if need.assumed:
                assert (f" {need.assumed} (+" in rows) == (not reason.said)


REPORTS: dict[str, tuple[Said, str]] = {
    "clear": (
        {"async": "high", "docs": True, "validation": True, "team": "typed"},
        """\
FastAPI is recommended: 22 points to 0.

For FastAPI
  +8  Hundreds of requests wait at once: FastAPI needs no threads and no tuning.
  +4  You want API docs: with Flask, by a plugin or code that you keep.
  +4  You want requests checked: with Flask, by Marshmallow or code you keep.
  +4  The team writes type hints and async code: FastAPI puts both to use.
  +2  Assumed, and so counted once: a service that grows (+1), an API (+1).

Flask would need two other answers, such as these:
  --app web      it is a classic web app with pages and forms
  --extensions   it depends on Flask extensions""",
    ),
    "close": (
        {"app": "web"},
        """\
Flask is recommended, in a close call: 12 points to 11.

For Flask
 +12  It is a classic web app with pages and forms: Flask was made for them.
For FastAPI
 +11  All assumed, and so counted once: hundreds of waiting requests (+4), API
      docs (+2), typed requests (+2), a team that writes type hints (+2), a
      service that grows (+1).

You have said 1 of 8 things. FastAPI instead, if you say one of: --scale
service, --docs, --validation, --team typed, --async high, --app api.""",
    ),
    "tie": (
        {"async": "none", "validation": False},
        """\
A tie, 6 points to 6. For a GenAI backend a tie goes to FastAPI.

For FastAPI
  +6  All assumed, and so counted once: API docs (+2), a team that writes type
      hints (+2), a service that grows (+1), an API (+1).
For Flask
  +4  Up to 10 requests wait at once: plain functions are enough.
  +2  You take requests as they come: there are no models to write.

One more answer settles it. Flask instead, if you say one of: --no-docs, --scale
prototype, --team learning, --app web, --extensions.""",
    ),
    "decided": (
        {"hosting": "wsgi", "async": "none", "validation": False},
        """\
Flask is recommended: a WSGI server cannot run FastAPI. Nothing else is weighed.

  Without FastAPI, which needs an ASGI server, its built-in validation,
  generated docs and event loop are lost. The generated Flask projects make up
  for what you want of them: Pydantic, or Marshmallow in a prototype, checks the
  requests, the OpenAPI document and the docs pages are there, and calls that
  wait get threads.

If it may run on any server, it would be a tie, 6 points to 6, which goes to
FastAPI.""",
    ),
    "nothing said": (
        {},
        """\
FastAPI is recommended for a typical GenAI API: 12 points to 0, all assumed.

For FastAPI
 +12  All assumed, and so counted once: hundreds of waiting requests (+4), API
      docs (+2), typed requests (+2), a team that writes type hints (+2), a
      service that grows (+1), an API (+1).

Flask instead, if one of these holds:
  --app web      it is a classic web app with pages and forms
  --extensions   it depends on Flask extensions""",
    ),
}


@pytest.mark.parametrize(("said", "report"), REPORTS.values(), ids=REPORTS)
def test_a_report(said: Said, report: str) -> None:
    verdict = recommend(said)
    assert said_in(verdict) == report
    assert said_in(verdict, None).split() == report.split()
    assert said_in(verdict, None) == said_in(verdict, None).rstrip()


def test_the_whole_reasons_are_there_for_who_asks() -> None:
    verdict = recommend({"docs": True, "team": "flask"})
    whole = [line.text for line in explanation(verdict, None, verbose=True)]
    for reason in verdict.reasons:
        assumed = "" if reason.said else "Assumed, and so counted once: "
        assert f"{f'+{reason.points}':>4}  {assumed}{reason.criterion.because}" in whole


def test_it_says_that_what_is_assumed_would_turn_it_where_no_single_answer_confirms_so() -> None:
    verdict = recommend({"team": "flask", "extensions": True})
    assert verdict.open
    assert "You have said 2 of 8 things. If the rest is as assumed, saying so turns it." in said_in(
        verdict, None
    )


def test_where_more_than_two_answers_would_turn_it_none_are_listed() -> None:
    verdict = recommend({"app": "web", "extensions": True, "team": "flask", "docs": False})
    assert len(verdict.would_change) > 2
    assert said_in(verdict).endswith("No one or two other answers would turn it.")


def test_no_whole_reason_puts_an_answer_into_the_users_mouth() -> None:
    """It is shown for what was assumed, too."""
    assumed = [r.criterion.because for r in recommend({}).reasons]
    assert not [text for text in assumed if "the team's" in text or "you said" in text.lower()]
