"""A project of the first release, whose files have other places since, and its user's edits."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from repositories import commit, installed, new, tool

from genai_scaffold.template import history
from genai_scaffold.template.history import files_of_release
from genai_scaffold.template.packaged import lay_out, moved_files

FIRST = "0.1.0"
MINE = "# by the user\n"
MOVED = moved_files()
REWRITTEN = "backend/chat/ui_messages.py"  # there is no line of it that an edit could stand at
LIST = "backend/api/routers/__init__.py"


@pytest.fixture(scope="module", params=["fastapi", "flask"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first")
    root = folder / "template"
    root.mkdir()
    lay_out(files_of_release(FIRST), root)
    with installed(root, FIRST, history.archive()):
        return new(folder / "my-app", "--framework", request.param)


@pytest.fixture(scope="module")
def today(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    framework = "flask" if (made / "app.py").exists() else "fastapi"
    return new(tmp_path_factory.mktemp("today") / "my-app", "--framework", framework)


@pytest.fixture
def project(made: Path, work: Path) -> Path:
    shutil.copytree(made, work / "my-app")
    return work / "my-app"


def updated(project: Path) -> dict[str, Any]:
    commit(project)
    run = tool("update", str(project), "--yes", "--json")
    assert run.code in (0, 3), run.errors
    document: dict[str, Any] = json.loads(run.output)
    return document


def edited(before: str, after: str) -> str:
    """The text with a line more, in the midst of the first lines that the template left alike."""
    kept = {tuple(lines) for lines in windows(after)}
    for number, lines in enumerate(windows(before)):
        if tuple(lines) in kept:
            own = before.splitlines(keepends=True)
            return "".join([*own[: number + 2], MINE, *own[number + 2 :]])
    raise AssertionError("all of it is different")


def windows(text: str) -> list[list[str]]:
    lines = text.splitlines()
    return [lines[start : start + 4] for start in range(len(lines) - 3)]


def test_every_move_is_of_a_file_that_was_and_to_one_that_is(made: Path, today: Path) -> None:
    for before, after in MOVED.items():
        assert (made / before).is_file(), before
        assert not (today / before).exists(), before
        assert (today / after).is_file(), after


def test_a_module_of_ones_own_is_not_taken_for_one_that_the_template_left_to_the_user(
    project: Path, today: Path
) -> None:
    name = "backend/features/assistant.py"
    (project / name).parent.mkdir()
    (project / name).write_text(MINE)
    assert [each["path"] for each in updated(project)["conflicts"]] == [name]
    for side in (MINE, (today / name).read_text()):
        assert side in (project / name).read_text()


def test_an_edit_is_merged_where_its_file_went(project: Path, today: Path) -> None:
    kept = {before: after for before, after in MOVED.items() if before != REWRITTEN}
    for before, after in kept.items():
        file = project / before
        file.write_text(edited(file.read_text(), (today / after).read_text()))
    assert updated(project)["conflicts"] == []
    for before, after in kept.items():
        assert not (project / before).exists()
        own = (project / after).read_text().splitlines(keepends=True)
        own.remove(MINE)
        assert "".join(own) == (today / after).read_text()
    assert (project / LIST).read_bytes() == (today / LIST).read_bytes()


def test_what_cannot_be_merged_is_not_lost(project: Path) -> None:
    replaced, deleted, in_the_way = REWRITTEN, "backend/upstream.py", "backend/llm.py"
    (project / replaced).write_text(MINE)
    (project / deleted).unlink()
    (project / MOVED[in_the_way]).parent.mkdir()
    (project / MOVED[in_the_way]).write_text(MINE)
    said = updated(project)
    assert {conflict["path"]: conflict["kind"] for conflict in said["conflicts"]} == {
        MOVED[replaced]: "changed by you and by the template",
        MOVED[in_the_way]: "added by you and by the template",
    }
    for path in (replaced, in_the_way):
        assert MINE in (project / MOVED[path]).read_text()
    assert said["kept_deleted"] == [MOVED[deleted]]
    assert not (project / MOVED[deleted]).exists()


@pytest.mark.parametrize("command", [("add", "metrics", "--project"), ("switch",)])
def test_the_list_of_one_s_own_routers_is_left_alone(
    command: tuple[str, ...], today: Path, work: Path
) -> None:
    project = work / "my-app"
    shutil.copytree(today, project)
    (project / LIST).write_text(MINE)
    commit(project)
    other = ["fastapi" if (project / "app.py").exists() else "flask"]
    words = [*command, *(other if command == ("switch",) else []), str(project)]
    run = tool(*words, "--json")
    assert run.code == 0, run.output
    assert (project / LIST).read_text() == MINE
    assert LIST not in {change["path"] for change in json.loads(run.output)["changes"]}
