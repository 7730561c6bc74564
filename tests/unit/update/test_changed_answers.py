"""Which answers of a project an update, an addition or a removal changes, and what is refused."""

import json
import re
from pathlib import Path

import pytest
from repositories import Versions, commit, tool

from update.situations import answers, state


def test_only_the_new_question_is_asked(project: Path) -> None:
    refused = tool("update", str(project))
    assert refused.code == 2
    assert "log_format" in refused.errors
    assert "--yes" in refused.errors
    run = tool("update", str(project), "--set", "log_format=text")
    assert run.code == 0, run.errors
    assert (project / "logs.txt").read_text() == "text\n"


def test_an_answer_is_changed_on_the_way(project: Path) -> None:
    run = tool("update", str(project), "--yes", "--json", "--set", "description=Ours, 'now'")
    assert run.document["answers"]["description"]["after"] == "Ours, 'now'"
    assert run.document["answers"]["log_format"] == {"before": None, "after": "json"}
    assert "description: Ours, 'now'" in (project / ".copier-answers.yml").read_text()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        pytest.param("framework", "it takes KEY=VALUE", id="no-value"),
        pytest.param("framwork=flask", "--set framework=flask`?", id="misspelt-key"),
        pytest.param("framework=flsk", "--set framework=flask`?", id="misspelt-value"),
        pytest.param("team=flask", "the keys are", id="a-need-that-shapes-nothing"),
        pytest.param("docs=perhaps", "yes or no", id="neither-yes-nor-no"),
        pytest.param("framework=auto", "auto is none", id="no-framework"),
        pytest.param("docs", "did you mean docs=…?", id="no-value-of-a-known-one"),
        pytest.param("name=class", "", id="a-keyword"),
        pytest.param("description=a\nb", "", id="two-lines"),
    ],
)
def test_a_wrong_setting_is_refused(setting: str, words: str, project: Path) -> None:
    before = state(project)
    run = tool("update", str(project), "--yes", "--set", setting)
    assert run.code == 2
    assert words in run.errors
    assert state(project) == before


def test_what_is_not_offered_any_more_falls_away(versions: Versions, project: Path) -> None:
    answers("features:\n- ci\n", "features:\n- ci\n- gone\n")(project)
    file = versions.old / "copier.yml"
    before = file.read_text("utf-8")
    try:
        file.write_text(before.replace('push": ci', 'push": ci\n    B: gone'))
        two = Versions(versions.old, versions.new, project.parent / "history.zip")
        two.record()
        with two.after():
            run = tool("update", str(project), "--yes")
    finally:
        file.write_text(before)
    assert run.code == 0, run.errors
    assert "gone is not offered any more" in run.errors
    assert "- gone" not in (project / ".copier-answers.yml").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("switch", "auto"), "there are fastapi, flask", id="switch-to-auto"),
        pytest.param(
            ("switch", "flsk"), "did you mean `genai-scaffold switch flask ", id="switch-misspelt"
        ),
        pytest.param(
            ("add", "metrcs", "--project"),
            "did you mean `genai-scaffold add metrics ",
            id="add-misspelt",
        ),
        pytest.param(
            ("remove", "everything", "--project"), "neither a feature nor", id="remove-unknown"
        ),
        pytest.param(
            ("add", "mod-wsgi", "--project"), "add mod-wsgi cannot be had", id="add-unfit"
        ),
        pytest.param(("add", "none", "--project"), "neither a feature nor", id="add-none"),
    ],
)
def test_what_cannot_be_had_is_refused(
    arguments: tuple[str, str], words: str, project: Path
) -> None:
    before = state(project)
    run = tool(*arguments, str(project), "--yes")
    assert run.code == 2
    assert words in run.errors
    assert state(project) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("switch", "fastapi"), "framework is fastapi already", id="switch"),
        pytest.param(("add", "ci", "ci", "--project"), "has ci already", id="add"),
        pytest.param(
            ("remove", "metrics", "fly", "--project"),
            "no metrics or fly to remove",
            id="remove",
        ),
    ],
)
def test_what_is_so_already_is_said_and_changes_nothing(
    arguments: tuple[str, ...], words: str, versions: Versions, made: Path
) -> None:
    before = state(made)
    with versions.before():
        run = tool(*arguments, str(made))
    assert (run.code, run.output) == (0, "✓ Nothing to change.\n")
    assert words in run.errors
    assert state(made) == before


def test_what_is_so_already_merges_no_newer_template(project: Path) -> None:
    before = state(project)
    run = tool("add", "ci", "--project", str(project))
    assert (run.code, run.output) == (0, "✓ Nothing to change.\n")
    assert "note: The project has ci already.\n" in run.errors
    assert "since: `genai-scaffold update` merges that" in run.errors
    assert state(project) == before


def test_several_features_and_targets_come_and_go_at_once(versions: Versions, made: Path) -> None:
    there = ("--project", str(made), "--dry-run", "--json")
    with versions.before():
        added = json.loads(tool("add", "metrics", "ci", "fly", *there).output)
        removed = json.loads(tool("remove", "ci", "pre-commit", *there).output)
    assert added["answers"]["feature"]["after"] == ["ci", "pre-commit", "page", "metrics"]
    assert added["answers"]["deploy"]["after"] == ["fly"]
    assert added["notes"] == ["The project has ci already."]
    assert removed["answers"]["feature"]["after"] == ["page"]


def test_what_a_removed_feature_leaves_in_the_database_is_said(
    versions: Versions, project: Path
) -> None:
    there = ("--project", str(project), "--dry-run", "--json")
    with versions.before():
        kept = json.loads(tool("add", "history", *there).output)
        assert tool("add", "history", "--project", str(project)).code == 0
        commit(project)
        removed = json.loads(tool("remove", "history", *there).output)
        other = json.loads(tool("remove", "page", *there).output)
    assert removed["notes"] == [
        "The database stays as it is, with its tables conversations, turns and items."
    ]
    assert (kept["notes"], other["notes"]) == ([], [])


@pytest.mark.parametrize("key", ["framework", "features", "description", "_commit", "unheard_of"])
def test_lists_without_end_are_no_answer(key: str, project: Path) -> None:
    file = project / ".copier-answers.yml"
    kept = re.sub(rf"^{key}:.*\n(?:- .*\n)*", "", file.read_text(), flags=re.MULTILINE)
    lists = "".join(f"x{n + 1}: &x{n + 1} [{', '.join([f'*x{n}'] * 9)}]\n" for n in range(12))
    file.write_text(f"x0: &x0 [lol]\n{lists}{kept}{key}: *x12\n")
    commit(project)
    assert tool("update", str(project), "--yes").code == (0 if key == "unheard_of" else 2)
