"""Updating a project: what comes of it, what it shows, and what it never touches."""

import json
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from repositories import Versions, commit, contents, copied, git, new, tool

from genai_scaffold.report import merged
from genai_scaffold.template import history
from genai_scaffold.template.packaged import template_version
from update.situations import LEFT, answers, state


def test_an_update_is_staged_and_not_committed(project: Path) -> None:
    before = git(project, "rev-parse", "HEAD")
    run = tool("update", str(project), "--yes")
    assert run.code == 0, run.errors
    assert git(project, "rev-parse", "HEAD") == before
    assert git(project, "diff", "--name-status", "--cached").splitlines() == [
        "M\t.copier-answers.yml",
        "A\tbrand new.txt",
        "M\tdocs/decision.md",
        "D\tdropped.txt",
        "A\tlogs.txt",
        "M\ttext.txt",
    ]
    assert git(project, "diff") == ""
    assert "Merged 0.0.1 → 0.0.2: 6 files, 0 in conflict" in run.output
    assert not (project / "dropped.txt").exists()
    assert not list((project / ".git").glob("*genai*"))


@pytest.mark.parametrize(
    ("kept", "base"),
    [
        pytest.param("as it was made", (), id="as it was made"),
        pytest.param("edited", (), id="edited"),
        pytest.param("deleted", (), id="deleted"),
        pytest.param("edited", ("--base", "HEAD~1"), id="from a commit"),
    ],
)
def test_what_is_left_to_the_user_is_not_touched(
    kept: str, base: tuple[str, ...], project: Path, tmp_path: Path
) -> None:
    if kept == "edited":
        (project / LEFT).write_text("mine\n")
    elif kept == "deleted":
        (project / LEFT).unlink()
    commit(project)
    before = contents(project).get(LEFT)
    # Undone before the project's own patch is: the other way round, that one would come back.
    with pytest.MonkeyPatch.context() as patch:
        if base:
            patch.setattr(history, "archive", lambda: tmp_path / "none.zip")
        run = tool("update", str(project), "--yes", *base, "--json")
    assert run.code in (0, 3), run.errors
    assert contents(project).get(LEFT) == before


def test_the_undo_command_takes_it_all_back(project: Path) -> None:
    (project / "text.txt").write_text("another\n")
    (project / "untracked.txt").write_text("mine\n")
    git(project, "commit", "--quiet", "--all", "-m", "Mine")
    before = state(project)
    run = tool("update", str(project), "--yes", "--json")
    assert run.code == 3
    assert state(project) != before
    subprocess.run(shlex.split(json.loads(run.output)["undo"]), check=True, cwd="/")
    assert state(project) == before
    assert git(project, "status", "--porcelain") == "?? untracked.txt\n"


@pytest.mark.parametrize("dry_run", [False, True], ids=["merged", "dry-run"])
def test_a_stop_that_comes_too_late_says_how_it_is_taken_back(
    dry_run: bool, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(project)
    monkeypatch.setattr(
        merged, "show_outcome", lambda *_, **__: signal.raise_signal(signal.SIGTERM)
    )
    run = tool("update", str(project), "--yes", *(["--dry-run"] if dry_run else []))
    assert run.code == 143
    if dry_run:
        assert run.errors == "Stopped: nothing was written.\n"
    else:
        said, line = run.errors.splitlines()
        assert said == "Stopped."
        subprocess.run(shlex.split(line.partition("To take it back: ")[2]), check=True, cwd="/")
    assert state(project) == before


def test_an_update_twice_is_an_update_once(project: Path) -> None:
    assert tool("update", str(project), "--yes").code == 0
    commit(project)
    before = state(project)
    run = tool("update", str(project))
    assert (run.code, run.output) == (0, "✓ The project is up to date.\n")
    assert state(project) == before


def test_what_stands_for_a_folder_stays_so_where_nothing_of_the_template_is_left_in_it(
    project: Path,
) -> None:
    shutil.rmtree(project / "docs")
    (project / "docs").symlink_to("/another/disk")
    commit(project)
    document = tool("update", str(project), "--yes", "--json").document
    assert document["conflicts"] == []
    assert document["kept_deleted"] == ["docs/decision.md"]
    assert (project / "docs").readlink() == Path("/another/disk")
    assert not list(project.glob("docs~*"))


@pytest.mark.parametrize("conflict", [False, True], ids=["clean", "conflict"])
def test_a_dry_run_shows_all_and_touches_nothing(conflict: bool, project: Path) -> None:
    if conflict:
        text = (project / "text.txt").read_text().replace("the older one", "mine")
        (project / "text.txt").write_text(text)
        commit(project)
    before, objects = state(project), sorted((project / ".git").rglob("*"))
    run = tool("update", str(project), "--yes", "--dry-run")
    assert run.code == 0, run.errors
    assert state(project) == before
    assert sorted((project / ".git").rglob("*")) == objects
    assert "+of the newer one" in run.output
    assert ("CONFLICT text.txt (changed by you and by the template)" in run.output) == conflict
    document = tool("update", str(project), "--yes", "--dry-run", "--json").document
    assert "brand new.txt" in [change["path"] for change in document["changes"]]
    assert document["diff"] in run.output


def test_the_current_folder_is_the_default(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    assert tool("update", "--yes").code == 0
    assert (project / "brand new.txt").exists()


def test_the_project_is_found_upward_and_named(project: Path) -> None:
    inside = project / "docs"
    run = tool("update", str(inside), "--yes")
    assert run.code == 0, run.errors
    assert f"note: The project is {project.resolve()}." in run.errors


@pytest.mark.parametrize("command", [("check",), ("update",), ("add", "ci", "--project")])
def test_a_project_is_not_searched_beyond_the_repository(
    command: tuple[str, ...], project: Path
) -> None:
    other = project / "vendored"
    other.mkdir()
    git(other, "init", "--quiet")
    run = tool(*command, str(other))
    assert run.code == 2
    assert "is not a generated project" in run.errors


def test_a_directory_among_the_names_is_the_project_that_was_meant(project: Path) -> None:
    run = tool("add", "ci", str(project))
    assert run.code == 2
    assert f"--project {project}" in run.errors


def test_a_file_of_the_user_stays_where_it_is_though_its_folder_is_renamed(
    versions: Versions, work: Path
) -> None:
    moved = Versions(work / "old", work / "new", work / "moved.zip")
    for root, source in ((moved.old, versions.old), (moved.new, versions.old)):
        shutil.copytree(source, root)
    for root, folder in ((moved.old, "before"), (moved.new, "after")):
        (root / "templates/project" / folder).mkdir()
        for name in ("one", "two", "three"):
            lines = "".join(f"{name}, line {number}\n" for number in range(9))
            (root / "templates/project" / folder / f"{name}.txt").write_text(lines)
    moved.record()
    with moved.before():
        project = new(work / "my-app", "--deploy", "none")
    (project / "before/mine.txt").write_text("mine\n")
    commit(project)
    with moved.after():
        assert tool("update", str(project), "--yes").code == 0
    assert (project / "after/one.txt").exists()
    assert [path.name for path in (project / "before").iterdir()] == ["mine.txt"]


def nothing(_: Path) -> None:
    """Leave the project as it was generated."""


def added_to_the_folder(project: Path) -> None:
    (project / "plant/mine.txt").write_text("mine\n")


def made_an_empty_folder(project: Path) -> None:
    (project / "plant/deep/empty").mkdir()


@pytest.mark.parametrize("prepare", [nothing, added_to_the_folder, made_an_empty_folder])
def test_a_folder_may_become_a_file_if_all_in_it_goes_away(
    prepare: Callable[[Path], None], versions: Versions, work: Path
) -> None:
    two = copied(versions.old, work)
    (two.old / "templates/project/plant/deep").mkdir(parents=True)
    (two.old / "templates/project/plant/deep/a.txt").write_text("a\n")
    (two.old / "templates/project/plant/b.txt").write_text("b\n")
    (two.new / "templates/project/plant").write_text("c\n")
    two.record()
    with two.before():
        project = new(work / "my-app", "--deploy", "none")
    prepare(project)
    before = contents(project)
    with two.after():
        run = tool("update", str(project), "--yes")
    if prepare is not nothing:
        assert "plant in the way" in run.errors
        assert contents(project) == before
        return
    assert run.code == 0, run.errors
    assert (project / "plant").read_text() == "c\n"
    git(project, "reset", "--quiet", "--merge")
    assert contents(project) == before


def test_a_plain_copier_project_stays_one(project: Path) -> None:
    answers("_src_path: ''", "_src_path: https://example.org/genai-scaffold.git")(project)
    assert tool("update", str(project), "--yes").code == 0
    recorded = (project / ".copier-answers.yml").read_text()
    assert "_src_path: https://example.org/genai-scaffold.git" in recorded


def test_the_template_of_the_fixture_is_the_one_installed(versions: Versions) -> None:
    with versions.after():
        assert template_version() == "0.0.2"


def test_settings_that_come_through_a_pipe_are_left_alone(project: Path) -> None:
    os.mkfifo(project / ".env")
    assert tool("update", str(project), "--yes").code == 0


def test_a_path_may_have_what_python_takes_for_a_line_break(versions: Versions, made: Path) -> None:
    project = Path.cwd() / "a\u2028b"
    shutil.copytree(made, project)
    with versions.after():
        assert tool("update", str(project), "--yes").code == 0


def test_a_renamed_entry_point_is_a_conflict_that_can_be_taken_back(work: Path) -> None:
    project = new(work / "my-app", "--framework", "fastapi")
    git(project, "mv", "main.py", "server.py")
    commit(project)
    before = state(project)
    run = tool("switch", "flask", str(project), "--json")
    assert run.code == 3
    subprocess.run(shlex.split(json.loads(run.output)["undo"]), check=True, cwd="/")
    assert state(project) == before
    assert git(project, "status", "--porcelain") == ""


def test_a_deleted_entry_point_does_not_stand_in_the_way_of_another(work: Path) -> None:
    project = new(work / "my-app", "--framework", "fastapi")
    (project / "main.py").unlink()
    commit(project)
    run = tool("switch", "flask", str(project), "--json")
    assert {"status": "A", "path": "app.py"} in run.document["changes"]
    assert run.document["kept_deleted"] == []
    assert "create_app" in (project / "app.py").read_text("utf-8")
    assert not (project / "main.py").exists()


def test_the_directory_that_it_runs_in_may_go(project: Path) -> None:
    gone = project / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    run = tool("update", str(project), "--yes")
    os.chdir(project.parent)
    assert run.code == 0, run.errors
    assert "git commit" in run.output


def test_the_next_steps_say_where(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"\n  cd {project}\n" in tool("update", str(project), "--yes").output
    git(project, "reset", "--quiet", "--merge")
    monkeypatch.chdir(project)
    assert "\n  cd " not in tool("update", "--yes").output
