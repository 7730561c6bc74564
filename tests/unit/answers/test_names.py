"""What a project may be called, and what is suggested instead."""

import ast
import json
import tomllib

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genai_scaffold.answers.names import check_name, check_text
from genai_scaffold.errors import UsageError
from genai_scaffold.template.packaged import dependencies

pytestmark = pytest.mark.usefixtures("small_template")

LETTERS = "a name is made of ASCII letters, digits, and inner hyphens, dots and underscores"
KEYWORD = "it is a keyword of Python"
LIBRARY = "it is a module of Python's standard library"
INSTALLED = "it is a package that the project installs; the installer would take one for the other"
MODULE = "the generated project has a module of that name"
DEVICE = "Windows keeps that name for a device"

REFUSED = [
    pytest.param("", "my-app", LETTERS, id="empty"),
    pytest.param("my api", "my-api", LETTERS, id="space"),
    pytest.param("café", "cafe", LETTERS, id="accent"),
    pytest.param("ａｐｉ", "api", LETTERS, id="fullwidth"),  # noqa: RUF001
    pytest.param("😀", "my-app", LETTERS, id="emoji"),
    pytest.param("-x", "x", LETTERS, id="leading-hyphen"),
    pytest.param("x-", "x", LETTERS, id="trailing-hyphen"),
    pytest.param(".x", "x", LETTERS, id="leading-dot"),
    pytest.param("x.", "x", LETTERS, id="trailing-dot"),
    pytest.param("..", "my-app", LETTERS, id="dots"),
    pytest.param("../x", "x", LETTERS, id="up"),
    pytest.param("/etc/x", "etc-x", LETTERS, id="absolute"),
    pytest.param("a/b", "a-b", LETTERS, id="slash"),
    pytest.param("a\\b", "a-b", LETTERS, id="backslash"),
    pytest.param("x\n", "x", LETTERS, id="newline"),
    pytest.param("x\0", "x", LETTERS, id="nul"),
    pytest.param("{{ 7*7 }}", "7-7", LETTERS, id="template"),
    pytest.param("$(id)", "id", LETTERS, id="shell"),
    pytest.param("class", "class-app", KEYWORD, id="keyword"),
    pytest.param("None", "none-app", KEYWORD, id="constant"),
    pytest.param("json", "json-app", LIBRARY, id="standard-library"),
    pytest.param("Test", "test-app", LIBRARY, id="test"),
    pytest.param("openai", "openai-app", INSTALLED, id="dependency"),
    pytest.param("OpenAI", "openai-app", INSTALLED, id="dependency-in-capitals"),
    pytest.param("redis", "redis-app", INSTALLED, id="second-dependency"),
    pytest.param("main", "main-app", MODULE, id="our-module"),
    pytest.param("backend", "backend-app", MODULE, id="our-package"),
    pytest.param("con", "con-app", DEVICE, id="device"),
    pytest.param("nul.txt", "nul-txt", DEVICE, id="device-with-suffix"),
    pytest.param("LPT1", "lpt1-app", DEVICE, id="device-in-capitals"),
    pytest.param("x" * 65, "x" * 64, "it has 65 characters, and 64 is the most", id="too-long"),
]


@pytest.mark.parametrize(("name", "suggestion", "why"), REFUSED)
def test_a_refused_name_comes_with_one_that_is_accepted(
    name: str, suggestion: str, why: str
) -> None:
    with pytest.raises(UsageError) as refused:
        check_name(name)
    assert refused.value.what == f"The project cannot be called {name!r}"
    assert refused.value.why == why
    assert refused.value.fix == f"try --name {suggestion}"
    assert check_name(suggestion) == suggestion


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
    assert check_name(name) == normalized


def test_the_packages_of_a_project_are_read_from_its_requirements() -> None:
    assert dependencies() == {"openai", "redis"}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=80))
def test_whatever_is_refused_the_suggestion_is_accepted(name: str) -> None:
    try:
        accepted = check_name(name, fix="{}")
    except UsageError as refused:
        accepted = refused.fix.removeprefix("try ")
    assert check_name(accepted) == accepted


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
        check_text(text, "description")


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=220))
def test_accepted_text_is_read_back_by_every_format(text: str) -> None:
    try:
        accepted = check_text(text, "description")
    except UsageError:
        return
    quoted = json.dumps(accepted, ensure_ascii=False)
    assert tomllib.loads(f"text = {quoted}")["text"] == accepted
    assert yaml.safe_load(f"text: {quoted}")["text"] == accepted
    assert ast.literal_eval(quoted) == accepted
