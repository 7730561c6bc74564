"""What a project may be called, and what is suggested instead."""

import ast
import json
import tomllib

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genai_scaffold import names, template
from genai_scaffold.errors import UsageError

pytestmark = pytest.mark.usefixtures("small_template")

REFUSED = [
    pytest.param("", "my-app", id="empty"),
    pytest.param("my api", "my-api", id="space"),
    pytest.param("café", "cafe", id="accent"),
    pytest.param("ａｐｉ", "api", id="fullwidth"),  # noqa: RUF001
    pytest.param("😀", "my-app", id="emoji"),
    pytest.param("-x", "x", id="leading-hyphen"),
    pytest.param("x-", "x", id="trailing-hyphen"),
    pytest.param(".x", "x", id="leading-dot"),
    pytest.param("x.", "x", id="trailing-dot"),
    pytest.param("..", "my-app", id="dots"),
    pytest.param("../x", "x", id="up"),
    pytest.param("a/b", "a-b", id="slash"),
    pytest.param("a\\b", "a-b", id="backslash"),
    pytest.param("x\n", "x", id="newline"),
    pytest.param("x\0", "x", id="nul"),
    pytest.param("class", "class-app", id="keyword"),
    pytest.param("None", "none-app", id="constant"),
    pytest.param("json", "json-app", id="standard-library"),
    pytest.param("Test", "test-app", id="test"),
    pytest.param("openai", "openai-app", id="dependency"),
    pytest.param("OpenAI", "openai-app", id="dependency-in-capitals"),
    pytest.param("redis", "redis-app", id="second-dependency"),
    pytest.param("main", "main-app", id="our-module"),
    pytest.param("backend", "backend-app", id="our-package"),
    pytest.param("con", "con-app", id="device"),
    pytest.param("nul.txt", "nul-txt", id="device-with-suffix"),
    pytest.param("LPT1", "lpt1-app", id="device-in-capitals"),
    pytest.param("x" * 65, "x" * 64, id="too-long"),
]


@pytest.mark.parametrize(("name", "suggestion"), REFUSED)
def test_a_refused_name_comes_with_one_that_is_accepted(name: str, suggestion: str) -> None:
    with pytest.raises(UsageError) as refused:
        names.check_name(name)
    assert refused.value.fix == f"try --name {suggestion}"
    assert names.check_name(suggestion) == suggestion


@pytest.mark.parametrize(
    ("name", "normalized"),
    [
        pytest.param("my-api", "my-api", id="plain"),
        pytest.param("My.API__x", "my-api-x", id="normalized"),
        pytest.param("a", "a", id="one-letter"),
        pytest.param("1abc", "1abc", id="leading-digit"),
        pytest.param("match", "match", id="soft-keyword"),
        pytest.param("openai-bot", "openai-bot", id="not-quite-a-dependency"),
        pytest.param("x" * 64, "x" * 64, id="longest"),
    ],
)
def test_an_accepted_name_is_normalized(name: str, normalized: str) -> None:
    assert names.check_name(name) == normalized


def test_the_packages_of_a_project_are_read_from_its_requirements() -> None:
    assert template.dependencies() == {"openai", "redis"}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=80))
def test_whatever_is_refused_the_suggestion_is_accepted(name: str) -> None:
    try:
        accepted = names.check_name(name, fix="{}")
    except UsageError as refused:
        accepted = refused.fix.removeprefix("try ")
    assert names.check_name(accepted) == accepted


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("two\nlines", id="newline"),
        pytest.param("a\ttab", id="tab"),
        pytest.param("\x7f", id="delete"),
        pytest.param("\x85", id="next-line"),
        pytest.param("a\u2028b", id="line-separator"),
        pytest.param("a\u202eb", id="right-to-left-override"),
        pytest.param("a\u2067b", id="isolate"),
        pytest.param("a\ud800b", id="lone-surrogate"),
        pytest.param("x" * 201, id="too-long"),
    ],
)
def test_text_that_some_format_would_lose_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        names.check_text(text, "description")


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=220))
def test_accepted_text_is_read_back_by_every_format(text: str) -> None:
    try:
        accepted = names.check_text(text, "description")
    except UsageError:
        return
    quoted = json.dumps(accepted, ensure_ascii=False)
    assert tomllib.loads(f"text = {quoted}")["text"] == accepted
    assert yaml.safe_load(f"text: {quoted}")["text"] == accepted
    assert ast.literal_eval(quoted) == accepted
