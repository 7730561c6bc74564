"""The laws of the recommendation, over every possible set of answers."""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from operator import ne
from pathlib import Path
from time import perf_counter
from typing import TypeAlias

import pytest
import yaml

from genai_scaffold import recommend as module
from genai_scaffold.criteria import Answer, Criteria, load, parse
from genai_scaffold.errors import UsageError
from genai_scaffold.recommend import Recommendation, recommend, weigh

CRITERIA = load()
NAMES = [need.name for need in CRITERIA.needs]
HOSTING = NAMES.index("hosting")

Answers: TypeAlias = tuple[Answer, ...]
Space: TypeAlias = Mapping[Answers, Recommendation]


def every_set_of_answers() -> Iterator[Answers]:
    return product(*([value for value, _ in need.choices] for need in CRITERIA.needs))


def named(answers: Answers) -> dict[str, Answer]:
    return dict(zip(NAMES, answers, strict=True))


@pytest.fixture(scope="module")
def space() -> Space:
    return {answers: recommend(named(answers)) for answers in every_set_of_answers()}


def test_the_space_is_whole(space: Space) -> None:
    assert len(space) == 3 * 2 * 2 * 3 * 3 * 2 * 2 * 2


class TestLaws:
    def test_wsgi_alone_decides(self, space: Space) -> None:
        for answers, recommendation in space.items():
            if answers[HOSTING] == "wsgi":
                assert recommendation.framework == "flask"
                assert recommendation.decisive is not None
                assert recommendation.decisive.key == "wsgi-only"
                assert not recommendation.tie
            else:
                assert recommendation.decisive is None

    @pytest.mark.parametrize(
        ("need", "less", "more", "kept"),
        [
            pytest.param("async", "none", "some", "fastapi", id="some-async"),
            pytest.param("async", "some", "high", "fastapi", id="high-async"),
            pytest.param("docs", False, True, "fastapi", id="docs"),
            pytest.param("validation", False, True, "fastapi", id="validation"),
            pytest.param("scale", "prototype", "service", "fastapi", id="service"),
            pytest.param("scale", "service", "microservices", "fastapi", id="microservices"),
            pytest.param("team", "typed", "learning", "flask", id="simplicity"),
            pytest.param("team", "typed", "flask", "flask", id="experience"),
            pytest.param("app", "api", "web", "flask", id="web"),
            pytest.param("extensions", False, True, "flask", id="extensions"),
            pytest.param("hosting", "any", "wsgi", "flask", id="wsgi"),
        ],
    )
    def test_more_of_a_need_never_turns_away_the_framework_that_serves_it(
        self, space: Space, need: str, less: Answer, more: Answer, kept: str
    ) -> None:
        position = NAMES.index(need)
        kept_before = [
            answers
            for answers, recommendation in space.items()
            if answers[position] == less and recommendation.framework == kept
        ]
        assert kept_before
        for answers in kept_before:
            after = (*answers[:position], more, *answers[position + 1 :])
            assert space[after].framework == kept

    @pytest.mark.parametrize("framework", [f.key for f in CRITERIA.frameworks])
    def test_each_framework_can_win_on_points(self, space: Space, framework: str) -> None:
        assert any(
            r.framework == framework and not r.decisive and not r.tie for r in space.values()
        )

    @pytest.mark.parametrize("key", [criterion.key for criterion in CRITERIA.criteria])
    def test_without_any_one_criterion_some_verdict_is_another(
        self, space: Space, key: str
    ) -> None:
        others = tuple(criterion for criterion in CRITERIA.criteria if criterion.key != key)
        without = replace(CRITERIA, criteria=others)
        assert any(
            weigh(named(answers), without).framework != recommendation.framework
            for answers, recommendation in space.items()
        )

    def test_a_tie_is_reported_and_goes_to_the_tie_winner(self, space: Space) -> None:
        ties = 0
        for recommendation in space.values():
            scores = recommendation.scores
            if recommendation.decisive:
                continue
            assert recommendation.tie == (scores["fastapi"] == scores["flask"])
            if recommendation.tie:
                ties += 1
                assert recommendation.framework == "fastapi"
            else:
                assert recommendation.framework == max(scores, key=scores.__getitem__)
        assert ties

    def test_the_points_of_the_reasons_sum_to_the_scores(self, space: Space) -> None:
        for recommendation in space.values():
            total = Counter(dict.fromkeys(recommendation.scores, 0))
            for reason in recommendation.reasons:
                total[reason.favours] += reason.points
            assert total == recommendation.scores

    def test_the_reasons_are_those_that_the_answers_raise_strongest_first(
        self, space: Space
    ) -> None:
        for answers, recommendation in space.items():
            needs = named(answers)
            assert set(recommendation.reasons) == {
                criterion
                for criterion in CRITERIA.criteria
                if needs[criterion.need] in criterion.values
            }
            decisive = [recommendation.decisive] if recommendation.decisive else []
            weighed = list(recommendation.reasons[len(decisive) :])
            assert list(recommendation.reasons[: len(decisive)]) == decisive
            assert weighed == sorted(weighed, key=lambda reason: reason.points, reverse=True)

    def test_what_would_change_it_does_and_nothing_smaller_would(self, space: Space) -> None:
        # WSGI-only hosting never turns a verdict towards what is not Flask already, and as a
        # change it would always be the answer: a flip never leads there.
        targets: dict[str, list[Answers]] = {"fastapi": [], "flask": []}
        for answers, recommendation in space.items():
            if answers[HOSTING] == "any":
                targets[recommendation.framework].append(answers)
        others = {"fastapi": targets["flask"], "flask": targets["fastapi"]}

        for answers, recommendation in space.items():
            changes = recommendation.would_change
            assert all(named(answers)[change.need] == change.answer for change in changes)
            changed = named(answers) | {change.need: change.instead for change in changes}
            assert space[tuple(changed.values())].framework != recommendation.framework
            assert changed["hosting"] == "any"
            assert len(changes) == min(
                sum(map(ne, answers, other)) for other in others[recommendation.framework]
            )


@pytest.mark.parametrize(
    ("needs", "framework", "scores", "instead"),
    [
        pytest.param(
            {},
            "fastapi",
            (12, 0),
            {"async": "none", "docs": False, "validation": False},
            id="genai-api",
        ),
        pytest.param(
            {"team": "flask"},
            "fastapi",
            (10, 3),
            {"docs": False, "scale": "prototype"},
            id="genai-api-by-flask-people",
        ),
        pytest.param(
            {"scale": "prototype", "async": "none", "docs": False, "validation": False}
            | {"team": "learning"},
            "flask",
            (1, 11),
            {"async": "high", "docs": True},
            id="first-small-app",
        ),
        pytest.param(
            {"scale": "prototype", "docs": False, "team": "learning"},
            "flask",
            (7, 8),
            {"docs": True},
            id="learners-prototype-of-a-genai-api",
        ),
        pytest.param(
            {"app": "web", "extensions": True, "team": "flask"},
            "flask",
            (9, 10),
            {"scale": "microservices"},
            id="classic-web-app-narrowly",
        ),
        pytest.param(
            {"app": "web", "extensions": True, "team": "flask", "scale": "microservices"},
            "fastapi",
            (10, 10),
            {"scale": "service"},
            id="tie",
        ),
        pytest.param({"hosting": "wsgi"}, "flask", (12, 0), {"hosting": "any"}, id="wsgi-only"),
    ],
)
def test_familiar_cases(
    needs: dict[str, Answer],
    framework: str,
    scores: tuple[int, int],
    instead: dict[str, Answer],
) -> None:
    recommendation = recommend(needs)
    assert recommendation.framework == framework
    assert recommendation.scores == {"fastapi": scores[0], "flask": scores[1]}
    assert {change.need: change.instead for change in recommendation.would_change} == instead


def test_an_unknown_answer_is_refused() -> None:
    with pytest.raises(UsageError, match="'async' cannot be 'lots'"):
        recommend({"async": "lots"})


@pytest.fixture
def breakfast() -> Criteria:
    return parse(
        tomllib.loads("""
            tie_winner = "tea"
            [frameworks]
            coffee = {label = "Coffee"}
            tea = {label = "Tea"}
            [needs]
            hurry = {question = "?", help = ".", default = true}
            [needs.hour]
            question = "?"
            help = "."
            default = "early"
            choices = {early = "early", late = "late", night = "night"}
            [criteria]
            awake = {need = "hour", values = ["early"], favours = "coffee", points = 1, because = "a", source = "A"}
            slow = {need = "hurry", values = [false], favours = "tea", points = 2, because = "b", source = "B"}
            quick = {need = "hurry", values = [true], favours = "coffee", points = 2, because = "c", source = "C"}
            sleep = {need = "hour", values = ["night"], favours = "tea", decisive = true, because = "d", source = "D"}
        """)  # noqa: E501
    )


class TestAsDict:
    def test_a_weighed_verdict(self, breakfast: Criteria) -> None:
        reasons = [
            {"criterion": "quick", "favours": "coffee", "points": 2, "because": "c", "source": "C"},
            {"criterion": "awake", "favours": "coffee", "points": 1, "because": "a", "source": "A"},
        ]
        assert recommend({}, breakfast).as_dict() == {
            "framework": "coffee",
            "scores": {"coffee": 3, "tea": 0},
            "tie": False,
            "decisive": None,
            "reasons": reasons,
            "would_change": [{"need": "hurry", "from": True, "to": False}],
            "needs": {"hurry": True, "hour": "early"},
        }

    def test_a_decided_verdict(self, breakfast: Criteria) -> None:
        document = recommend({"hour": "night"}, breakfast).as_dict()
        assert document["framework"] == "tea"
        assert document["scores"] == {"coffee": 2, "tea": 0}
        assert document["decisive"] == "sleep"
        assert [reason["criterion"] for reason in document["reasons"]] == ["sleep", "quick"]
        # Both hours make it coffee; the later one by fewer points.
        assert document["would_change"] == [{"need": "hour", "from": "night", "to": "late"}]

    def test_a_tie(self, breakfast: Criteria) -> None:
        without_hurry = replace(breakfast, criteria=breakfast.criteria[:1])
        document = recommend({"hour": "late"}, without_hurry).as_dict()
        assert (document["framework"], document["tie"]) == ("tea", True)
        assert document["reasons"] == []

    def test_a_verdict_that_nothing_changes(self, breakfast: Criteria) -> None:
        one_sided = replace(breakfast, criteria=breakfast.criteria[1:2])
        assert recommend({}, one_sided).as_dict()["would_change"] == []

    @pytest.mark.parametrize("needs", [{}, {"hosting": "wsgi"}, {"docs": False}])
    def test_it_survives_json_and_yaml(self, needs: dict[str, Answer]) -> None:
        document = recommend(needs).as_dict()
        assert json.loads(json.dumps(document)) == document
        assert yaml.safe_load(yaml.safe_dump(document)) == document


def test_it_answers_while_one_types() -> None:
    def seconds() -> float:
        start = perf_counter()
        recommend({})
        return perf_counter() - start

    assert min(seconds() for _ in range(5)) < 0.020


@pytest.mark.parametrize("word", ["fastapi", "flask", "copier", "rich", "typer", "questionary"])
def test_the_code_does_not_know(word: str) -> None:
    source = Path(module.__file__).read_text("utf-8")
    assert not re.search(rf"\b{word}\b", source, re.IGNORECASE)
