"""copier.yml, the command line and plain Copier agree on what is asked and what is assumed."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import REPOSITORY, Run

from genai_scaffold.project.record import ANSWERS_FILE
from genai_scaffold.project.soundness import faults_of_rendering
from genai_scaffold.template.questions import WORKSPACE, template_questions
from genai_scaffold.template.render import generated_files, render_from

Command = Callable[..., Run]

DOCUMENT = yaml.safe_load((REPOSITORY / "copier.yml").read_text("utf-8"))
ASKED = {
    key: question
    for key, question in DOCUMENT.items()
    if not key.startswith("_") and question.get("when", True)
}
FLAGS = {"project_name": "name", "features": "feature"}
LISTS = {"deploy": "deploy"}


def values(key: str) -> list[str]:
    choices = ASKED[key].get("choices", [])
    return list(choices.values() if isinstance(choices, dict) else choices)


CHOSEN = [key for key in ASKED if values(key)]


def test_the_tool_asks_what_copier_asks() -> None:
    assert list(template_questions()) == list(ASKED)


@pytest.mark.parametrize("key", [key for key in CHOSEN if key != "async"])
def test_the_list_is_that_of_the_questions(key: str, run: Command) -> None:
    listed = run("list", "--json").document
    kind = LISTS.get(key, f"{key}s".replace("ss", "s"))
    assert [choice["value"] for choice in listed[kind]] == values(key)


def test_a_need_that_is_a_question_has_the_same_choices(run: Command) -> None:
    needs = {need["need"]: need for need in run("list", "needs", "--json").document["needs"]}
    assert [choice["value"] for choice in needs["async"]["choices"]] == values("async")
    for key in ("async", "validation"):
        assert needs[key]["default"] == ASKED[key]["default"]


@pytest.mark.parametrize("framework", values("framework"))
@pytest.mark.parametrize("preset", [preset for preset in values("preset") if preset != WORKSPACE])
def test_the_tool_and_copier_assume_the_same(
    framework: str, preset: str, run: Command, tmp_path: Path, plain: Path
) -> None:
    render_from(plain, tmp_path / "my-app", {"framework": framework, "preset": preset})
    recorded = yaml.safe_load((tmp_path / "my-app" / ANSWERS_FILE).read_text("utf-8"))
    choice = ("--framework", framework, "--preset", preset)
    decided = run("new", *choice, "--yes", "--dry-run", "--json").document["answers"]
    for key in ASKED:
        assert decided[FLAGS.get(key, key)]["value"] == recorded[key], key


def test_both_ask_less_of_a_workspace(run: Command, tmp_path: Path, plain: Path) -> None:
    render_from(plain, tmp_path / "my-app", {"preset": WORKSPACE})
    recorded = yaml.safe_load((tmp_path / "my-app" / ANSWERS_FILE).read_text("utf-8"))
    decided = run("new", "--preset", WORKSPACE, "--yes", "--dry-run", "--json").document
    answers = {key: decided["answers"].pop(FLAGS.get(key, key), None) for key in ASKED}
    assert decided["answers"] == {}
    assert {key: answer["value"] for key, answer in answers.items() if answer} == {
        key: recorded[key] for key in ASKED if key in recorded
    }
    assert {key for key in ASKED if key not in recorded} == {
        *("framework", "provider", "async", "docs", "validation", "features", "deploy")
    }


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a user of plain Copier has: the questions and the templates, without the tool."""
    folder = tmp_path_factory.mktemp("plain")
    shutil.copy(REPOSITORY / "copier.yml", folder)
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(REPOSITORY / "templates", folder / "templates", ignore=ignored)
    return folder


def copied(source: Path, destination: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "copier", "copy", *arguments, str(source), str(destination)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_plain_copier_renders_the_same_project(plain: Path, work: Path, run: Command) -> None:
    completed = copied(plain, work / "my-app", "--defaults", "--quiet")
    assert (completed.returncode, completed.stderr) == (0, "")
    assert faults_of_rendering(work / "my-app") == []
    record = (work / "my-app/docs/adr/0001-web-framework.md").read_text("utf-8")
    assert "FastAPI was chosen by hand; no recommendation was asked for." in record
    assert run("new", "ours", "--name", "my-app", "--yes", "--no-git").code == 0
    theirs = {
        path: (work / "my-app" / path).read_bytes() for path in generated_files(work / "my-app")
    }
    ours = {path: (work / "ours" / path).read_bytes() for path in generated_files(work / "ours")}
    assert theirs.keys() == ours.keys()
    changed = {path for path, content in ours.items() if theirs[path] != content}
    assert changed == {"docs/adr/0001-web-framework.md", ANSWERS_FILE}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        pytest.param("project_name", "My App", "lower case letters", id="name"),
        pytest.param("project_name", "a" * 65, "at most 64", id="long-name"),
        pytest.param("project_name", "my-", "inner hyphens", id="name-that-ends-with-a-hyphen"),
        pytest.param("description", "two\nlines", "one line", id="two-lines"),
        pytest.param("description", "a" * 201, "at most 200", id="long-description"),
        pytest.param("author", "a\u202eb", "without control characters", id="direction"),
        pytest.param("framework", "django", "Invalid choice", id="choice"),
    ],
)
def test_plain_copier_refuses_what_the_tool_refuses(
    key: str, value: str, words: str, plain: Path, work: Path, run: Command
) -> None:
    completed = copied(plain, work / "my-app", "--defaults", "--data", f"{key}={value}")
    assert completed.returncode != 0
    assert words in completed.stderr
    assert not (work / "my-app").exists()
    assert run("new", "my-app", "--yes", f"--{FLAGS.get(key, key)}={value}").code == 2


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        pytest.param(
            {"framework": "fastapi", "deploy": ["mod-wsgi"]},
            "mod_wsgi cannot run an ASGI application",
            id="mod-wsgi-on-fastapi",
        ),
    ],
)
def test_plain_copier_refuses_what_contradicts(
    answers: dict[str, Any], words: str, plain: Path, work: Path
) -> None:
    (work / "answers.json").write_text(json.dumps(answers))
    completed = copied(plain, work / "my-app", "--defaults", "--data-file", "answers.json")
    assert completed.returncode != 0
    assert words in completed.stderr
    assert not (work / "my-app").exists()
