"""What copier.yml asks, as the command line reads it."""

import pytest

from genai_scaffold.answers.fields import fields
from genai_scaffold.recommendation.criteria import load_criteria
from genai_scaffold.template.questions import Value, template_questions


def test_every_question_is_of_a_known_kind() -> None:
    kinds = {question.key: question.kind for question in template_questions().values()}
    assert kinds == {
        "framework": "choice",
        "preset": "choice",
        "project_name": "text",
        "description": "text",
        "author": "text",
        "provider": "choice",
        "async": "choice",
        "docs": "boolean",
        "validation": "boolean",
        "features": "list",
        "deploy": "list",
        "license": "choice",
        "python": "choice",
    }


@pytest.mark.parametrize(
    ("key", "context", "value"),
    [
        pytest.param("license", {}, "mit", id="plain"),
        pytest.param("validation", {}, True, id="boolean"),
        pytest.param("deploy", {"preset": "prototype"}, ("render",), id="list"),
        pytest.param("features", {"preset": "prototype"}, (), id="empty-list"),
    ],
)
def test_a_default_may_depend_on_other_answers(
    key: str, context: dict[str, str], value: Value
) -> None:
    assert template_questions()[key].default_for(context) == value


def test_only_what_depends_on_the_preset_says_so() -> None:
    depending = {q.key for q in template_questions().values() if q.depends_on_preset}
    assert depending == {"features", "deploy"}


def test_every_default_is_one_of_the_choices() -> None:
    for preset in ("service", "prototype"):
        context = {"framework": "fastapi", "preset": preset}
        for question in template_questions().values():
            default = question.default_for(context)
            chosen = default if isinstance(default, tuple) else (default,)
            values = [choice.value for choice in question.choices]
            assert not values or set(chosen) <= set(values)


def test_what_is_both_a_need_and_a_question_has_one_meaning() -> None:
    for need in load_criteria().needs:
        question = template_questions().get(need.name)
        if question:
            asked = [choice.value for choice in question.choices]
            assert asked == [c.value for c in need.choices if need.kind == "choice"]
            context = {"framework": "fastapi", "preset": "service"}
            assert question.default_for(context) == need.default
    assert {"async", "docs", "validation"} < set(fields())
