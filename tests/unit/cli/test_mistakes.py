"""What newcomers type: a mistake gets three lines, and a command that works when it is pasted."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Run

PASTED = re.compile(r"`genai-scaffold (.*)`")

MISTAKES = [
    # typed, what the first line says, the command that the last one names
    ("nwe my-app", "'nwe'", "new my-app"),
    ("New my-app", "'New'", "new my-app"),
    ("create my-app", "'create'", "new my-app"),
    ("init", "'init'", "new"),
    ("generate my-app --yes", "'generate'", "new my-app --yes"),
    ("startproject my-app", "'startproject'", "new my-app"),
    ("recomend", "'recomend'", "recommend"),
    ("compare --async high", "'compare'", "recommend --async high"),
    ("lst", "'lst'", "list"),
    ("ls", "'ls'", "list"),
    ("chek", "'chek'", "check"),
    ("verify", "'verify'", "check"),
    ("upgrade", "'upgrade'", "update"),
    ("updat --dry-run", "'updat'", "update --dry-run"),
    ("swich flask", "'swich'", "switch flask"),
    ("migrate flask", "'migrate'", "switch flask"),
    ("enable metrics", "'enable'", "add metrics"),
    ("rm metrics", "'rm'", "remove metrics"),
    ("delete docker", "'delete'", "remove docker"),
    ("docter", "'docter'", "doctor"),
    ("help", "'help'", "--help"),
    ("help new", "'help'", "new --help"),
    ("version", "'version'", "--version"),
    ("-v", "-v", "--version"),
    ("-V", "-V", "--version"),
    ("--versoin", "--versoin", "--version"),
    ("-help", "-", "--help"),
    ("new my-app --framwork flask", "--framwork", "new my-app --framework flask"),
    ("new my-app --framework", "--framework", "new my-app --framework auto"),
    ("new my-app --framework=", "", None),
    ("new my-app --framework fastpi", "'fastpi'", None),
    ("new my-app --framework django", "'django'", None),
    ("new my-app --yes=1", "--yes", "new my-app --yes"),
    ("new my-app --Yes", "--Yes", "new my-app --yes"),
    ("new my-app --no-input", "--no-input", "new my-app --yes"),
    ("new my-app --non-interactive", "--non-interactive", "new my-app --yes"),
    ("new my app --yes", "(app)", "new my-app --yes"),
    ("new My Great App --yes", "Great", "new My-Great-App --yes"),
    ("new my-app --model openai", "--model", "new my-app --provider openai"),
    ("new my-app --provider opnai", "'opnai'", None),
    ("new my-app --features ci", "--features", "new my-app --feature ci"),
    ("new my-app --feature metrcs", "'metrcs'", None),
    ("new my-app --target docker", "--target", "new my-app --deploy docker"),
    ("new my-app --deploy k8s", "'k8s'", None),
    ("new my-app --template prototype", "--template", "new my-app --preset prototype"),
    ("new my-app --preset protoype", "'protoype'", None),
    ("new my-app --licence mit", "--licence", "new my-app --license mit"),
    ("new my-app --python 3.9", "'3.9'", None),
    ("new my-app --dry_run", "--dry_run", "new my-app --dry-run"),
    ("new my-app --preview", "--preview", "new my-app --dry-run"),
    ("new my-app --no-doc", "--no-doc", "new my-app --no-docs"),
    ("new my-app --async many", "'many'", None),
    ("new my-app --async --docs", "'--docs'", None),
    ("new my_app --zzzzzz", "--zzzzzz", "new --help"),
    ("--zzzzzz", "--zzzzzz", "--help"),
    ("zzzzzz", "'zzzzzz'", "--help"),
    ("switch", "Missing", "switch flask"),
    ("switch djago", "'djago'", None),
    ("add", "Missing", "add metrics"),
    ("add metrcs", "'metrcs'", None),
    ("remove", "Missing", "remove metrics"),
    ("list feature", "'feature'", None),
    ("update --set provider", "provider", None),
    ("check --jsn", "--jsn", "check --json"),
    ("my-app", "'my-app'", "new my-app"),
    ("./apps/chat --yes", "'./apps/chat'", "new ./apps/chat --yes"),
    ("new my-app --flask", "--flask", "new my-app --framework flask"),
    ("new my-app --prototype --yes", "--prototype", "new my-app --preset prototype --yes"),
    (
        "new my-app --feature metrics tracing --yes",
        "(tracing)",
        "new my-app --feature metrics --feature tracing --yes",
    ),
    ("recommend --docs no", "(no)", "recommend --no-docs"),
    ("recommend --no-extensions yes", "(yes)", "recommend --no-extensions"),
    ("recommend --async high fastapi", "(fastapi)", "recommend --async high"),
    ("recommend --wsgi", "--wsgi", "recommend --hosting wsgi"),
    ("list frameworks fastapi", "(fastapi)", "list frameworks"),
    ("list --features", "--features", "list features"),
    ("update my-app metrics", "(metrics)", "update my-app"),
    ("add --metrics tracing", "--metrics", "add metrics tracing"),
    ("switch --flask", "--flask", "switch flask"),
    ("add flask", "'flask'", "switch flask"),
    ("add ollama docker", "'ollama'", "update --set provider=ollama"),
    ("new '' my app", "my app", "new my-app"),
    ("new my-app --feature --asinc some", "(some)", "new my-app --feature ci --async some"),
    ("help '' new", "'help'", "--help"),
    ("new my-app fastapi", "(fastapi)", "new my-app --framework fastapi"),
    ("new workspace shop", "(shop)", "new shop --preset workspace"),
    ("workspace shop", "'workspace'", "new shop --preset workspace"),
    ("new my-app -f flask", "-f", "new my-app --framework flask"),
    ("new my-app --provider azure openai", "(openai)", "new my-app --provider azure"),
    ("new x --deploy docker, fly", "(fly)", "new x --deploy docker --deploy fly"),
    (
        "new my-app --deploy k8s,render --yess",
        "--yess",
        "new my-app --deploy kubernetes,render --yes",
    ),
    ("new my-app --framework djago --yess", "--yess", "new --help"),
    ("new my-app --port 9000", "--port", "new --help"),
    ("new --path my-app --yes", "--path", "new my-app --yes"),
    ("new my-app --output ../x", "--output", "new ../x"),
    ("new my-app --async", "--async", "new my-app --async high"),
    ("recommend --async-some", "--async-some", "recommend --async some"),
    ("recommend --verbose --asynch high", "--asynch", "recommend --verbose --async high"),
    ("list provider openai", "(openai)", "list providers"),
    ("check --project my-app", "--project", "check my-app"),
    ("migrate to flask", "'migrate'", "switch flask"),
    ("switch --to flask", "--to", "switch flask"),
    ("switch --framework=flask my-app", "--framework", "switch flask my-app"),
    ("add --feature metrics", "--feature", "add metrics"),
    ("remove --deploy=docker", "--deploy", "remove docker"),
    ("deploy docker", "'deploy'", "add docker"),
    ("install metrics and tracing", "'install'", "add metrics tracing"),
]


@pytest.mark.parametrize(("typed", "what", "meant"), MISTAKES, ids=[row[0] for row in MISTAKES])
def test_a_mistake_is_named_with_what_was_meant(
    run: Callable[..., Run], work: Path, typed: str, what: str, meant: str | None
) -> None:
    ended = run(*shlex.split(typed))
    assert ended.code == 2
    said, why, fix = ended.errors.splitlines()[:3]
    assert said.startswith("error: ")
    assert what in said
    assert (why[:7], fix[:7]) == ("  why: ", "  fix: ")
    assert not list(work.iterdir())
    if meant is not None:
        [pasted] = PASTED.findall(ended.errors)
        assert pasted == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("new --provider Claude", "anthropic"),
        ("new --deploy docker,k8s", "kubernetes"),
        ("new --feature prometheus", "metrics"),
        ("recommend --team beginners", "learning"),
        ("recommend --async many", "high"),
        ("add otel", "tracing"),
        ("remove apache", "mod-wsgi"),
    ],
)
def test_a_value_is_known_by_its_other_names(
    run: Callable[..., Run], typed: str, meant: str
) -> None:
    assert f"did you mean {meant}?" in run(*shlex.split(typed)).errors


def test_a_file_is_not_called_a_missing_directory(run: Callable[..., Run], work: Path) -> None:
    (work / "main.py").touch()
    assert "why: it is a file" in run("check", "main.py").errors


@pytest.mark.parametrize("meant", sorted({row[2] for row in MISTAKES if row[2]}))
def test_what_was_meant_is_understood_when_it_is_pasted(
    run: Callable[..., Run], meant: str
) -> None:
    assert "not understood" not in run(*shlex.split(meant)).errors


def test_the_program_alone_says_how_to_begin(run: Callable[..., Run]) -> None:
    ended = run()
    assert ended.code == 0
    assert not ended.errors
    for example in ("new ", "new my-app --yes", "recommend --async high --docs"):
        assert f"genai-scaffold {example}" in ended.output


@pytest.mark.parametrize(
    ("typed", "what"),
    [
        ("new my-app --docs --no-docs", "--docs contradicts --no-docs"),
        ("new my-app --framework flask --framework=fastapi", "--framework is given more than once"),
        ("update --base one --base two", "--base is given more than once"),
    ],
)
def test_of_a_flag_that_is_given_again_none_is_dropped(
    run: Callable[..., Run], typed: str, what: str
) -> None:
    ended = run(*shlex.split(typed))
    assert (ended.code, ended.errors.splitlines()[0]) == (2, f"error: {what}")


def test_a_flag_may_be_given_again_where_it_means_the_same(run: Callable[..., Run]) -> None:
    ended = run("new", "my-app", "--yes", "-y", "--docs", "--docs", "--dry-run", "--dry-run")
    assert ended.code == 0


@pytest.mark.parametrize(
    "how", ["--dry-run", "--git --json", "--no-install --quiet", "--save-answers mine.yml"]
)
def test_where_nobody_can_be_asked_the_command_does_what_was_wanted(
    run: Callable[..., Run], how: str
) -> None:
    ended = run("new", "my-app", "--no-docs", *how.split())
    assert f"fix: run genai-scaffold new my-app --no-docs --yes {how}" in ended.errors
