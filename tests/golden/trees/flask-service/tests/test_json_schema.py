"""The values that the offline model fills a JSON schema with."""

from typing import Any

import pytest

from backend.ai.json_schema import example

NODE = {"$ref": "#/$defs/node"}


def tree(**node: Any) -> dict[str, Any]:
    return {"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", **node}}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param({"type": "string"}, "text", id="text"),
        pytest.param({"type": "string", "minLength": 6}, "textxx", id="long text"),
        pytest.param({"type": "string", "maxLength": 2}, "te", id="short text"),
        pytest.param({"type": "string", "format": "date"}, "2026-01-31", id="date"),
        pytest.param(
            {
                "properties": {
                    "full_name": {"type": "string"},
                    "email": {"type": "string"},
                    "dates": {"type": "array", "items": {"type": "string", "format": "date"}},
                    "bullets": {"type": "array", "items": {"$ref": "#/$defs/bullet"}},
                },
                "$defs": {"bullet": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
            },
            {
                "full_name": "full name",
                "email": "someone@example.com",
                "dates": ["2026-01-31"],
                "bullets": ["bullets"],
            },
            id="named",
        ),
        pytest.param({"type": "number", "minimum": 3}, 3, id="number"),
        pytest.param({"type": "integer", "exclusiveMinimum": 0}, 1, id="above a number"),
        pytest.param({"type": "boolean"}, False, id="truth"),
        pytest.param({"type": "array", "items": {"enum": ["a", "b"]}}, ["a"], id="array"),
        pytest.param({"type": "array", "minItems": 2}, [None, None], id="array of two"),
        pytest.param({"properties": {"a": {"const": 7}}}, {"a": 7}, id="object"),
        pytest.param({"anyOf": [{"type": "null"}, {"type": "string"}]}, None, id="alternatives"),
        pytest.param({"type": ["string", "null"]}, "text", id="several types"),
        pytest.param(
            tree(properties={"next": {"anyOf": [NODE, {"type": "null"}]}}, required=["next"]),
            {"next": None},
            id="recursion with an alternative",
        ),
        pytest.param(
            tree(properties={"leaves": {"type": "array", "items": NODE}}, required=["leaves"]),
            {"leaves": []},
            id="recursion in an array",
        ),
        pytest.param(tree(properties={"next": NODE}), {}, id="recursion that is optional"),
        pytest.param({"properties": {"again": {"$ref": "#"}}}, {"again": {}}, id="the root"),
    ],
)
def test_fits_the_schema(schema: dict[str, Any], value: object) -> None:
    assert example(schema) == value


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(tree(properties={"next": NODE}, required=["next"]), id="endless"),
        pytest.param({"type": "array", "minItems": 10**9}, id="a long array"),
        pytest.param({"type": "string", "minLength": 10**12}, id="a long text"),
        pytest.param(
            {"type": "array", "minItems": 999, "items": {"type": "array", "minItems": 999}},
            id="arrays in an array",
        ),
    ],
)
def test_refuses_what_has_no_small_value(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"endless|too large"):
        example(schema)
