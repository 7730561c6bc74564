"""The matrix is whole: it covers what it promises, and agrees with the tool on what can be had."""

import itertools
from typing import Any

import matrix
import pytest
from matrix import Row

from genai_scaffold.answers.sources import from_flags
from genai_scaffold.create.plan import Plan, plan_project
from genai_scaffold.errors import UsageError


def test_every_question_is_a_factor_or_changes_nothing() -> None:
    toggles = [value for values in matrix.LISTS.values() for value in values]
    asked = [key for key in matrix.QUESTIONS if key not in (*matrix.LISTS, *matrix.UNSEEN)]
    assert sorted(matrix.FACTORS) == sorted([*asked, *toggles])


def test_every_pair_is_in_some_row() -> None:
    assert set().union(*map(matrix.pairs, matrix.ARRAY)) == matrix.possible_pairs()


def test_every_shape_is_in_some_row() -> None:
    every = [
        dict(zip(matrix.SHAPE, values, strict=True))
        for values in itertools.product(*matrix.SHAPE.values())
    ]
    rendered = [{key: row[key] for key in matrix.SHAPE} for row in matrix.ROWS]
    assert [shape for shape in every if matrix.allowed(shape) != (shape in rendered)] == []


def planned(row: Row) -> Plan:
    return plan_project(from_flags(matrix.given(row)), "my-app")


@pytest.mark.parametrize("row", matrix.ROWS, ids=matrix.name)
def test_the_tool_takes_every_row(row: Row) -> None:
    resolved = planned(row).answers.for_template()
    for key, values in matrix.LISTS.items():
        assert resolved[key] == [value for value in values if row[value]]
    asked = {key: row[key] for key in matrix.FACTORS if key in matrix.QUESTIONS}
    assert asked.items() <= resolved.items()


@pytest.mark.parametrize("impossible", matrix.IMPOSSIBLE, ids=lambda row: "-".join(map(str, row)))
def test_the_tool_refuses_what_the_questions_refuse(impossible: Row) -> None:
    bare: dict[str, Any] = {key: values[-1] for key, values in matrix.FACTORS.items()}
    with pytest.raises(UsageError):
        planned({**bare, **impossible})
