"""After an update that was stopped half-way, what is offered takes back that and nothing else."""

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from repositories import Versions, commit, git, tool

from genai_scaffold.merge.landing import Merge
from update.situations import changed, in_a_subfolder, state


@pytest.fixture
def stopped(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose update was killed when half of its files were written."""
    real = Merge.write_files

    def write_half(self: Merge) -> None:
        real(self)
        (project / "text.txt").unlink()
        shutil.copytree(project, project.parent / "half", symlinks=True)

    with monkeypatch.context() as context:
        context.setattr(Merge, "write_files", write_half)
        tool("update", str(project), "--yes")
    shutil.rmtree(project)
    (project.parent / "half").rename(project)
    return project


RESCUE = "to take it back: "


def test_after_a_stop_half_way_it_is_offered_to_take_that_back(stopped: Path) -> None:
    said = tool("update", str(stopped), "--yes").errors
    subprocess.run(shlex.split(said.partition(RESCUE)[2].strip("`\n")), check=True, cwd="/")
    assert git(stopped, "status", "--porcelain") == ""
    assert tool("update", str(stopped), "--yes", "--dry-run").code == 0
    assert not list((stopped / ".git").glob(".genai-scaffold.*"))


def test_after_a_stop_with_conflicts_a_command_is_offered_that_knows_them(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "brand new.txt").mkdir()
    (project / "brand new.txt/mine.txt").write_text("mine\n")
    commit(project)
    before = state(project)
    real = Merge.bring_in

    def bring_in(self: Merge, stage: Path) -> None:
        real(self, stage)
        shutil.copytree(project, project.parent / "stopped", symlinks=True)

    with monkeypatch.context() as context:
        context.setattr(Merge, "bring_in", bring_in)
        assert tool("update", str(project), "--yes").code == 3
    shutil.rmtree(project)
    (project.parent / "stopped").rename(project)
    git(project, "status")  # the copy has other times than the index says
    said = tool("update", str(project), "--yes").errors
    subprocess.run(shlex.split(said.partition(RESCUE)[2].strip("`\n")), check=True, cwd="/")
    assert git(project, "status", "--porcelain") == ""
    assert state(project) == before


def edited_by_the_user(project: Path) -> None:
    (project / "start").write_text("mine\n")


def edited_what_was_merged(project: Path) -> None:
    (project / "brand new.txt").write_text("mine\n")


def staged_and_taken_back(project: Path) -> None:
    text = (project / "logs.txt").read_bytes()
    (project / "logs.txt").write_text("mine\n")
    git(project, "add", "logs.txt")
    (project / "logs.txt").write_bytes(text)


def linked_by_the_user(project: Path) -> None:
    (project / "logs.txt").unlink()
    (project / "logs.txt").symlink_to("text.txt")


def staged_what_is_named_with_a_quote(project: Path) -> None:
    (project / '"mine.txt').write_text("mine\n")
    git(project, "add", '"mine.txt')


def staged_what_is_named_with_a_line_s_end(project: Path) -> None:
    (project / "mine.txt\r").write_text("mine\n")
    git(project, "add", "mine.txt\r")


def restored_and_went_on(project: Path) -> None:
    git(project, "restore", "--source=HEAD", "--staged", "--worktree", "--", ".")
    changed(project)


def committed_and_took_back(project: Path) -> None:
    commit(project)
    git(project, "reset", "--quiet", "HEAD^", "--", "brand new.txt")


@pytest.mark.parametrize(
    "work_on",
    [
        *(edited_by_the_user, edited_what_was_merged, staged_and_taken_back, linked_by_the_user),
        *(staged_what_is_named_with_a_quote, staged_what_is_named_with_a_line_s_end),
        *(restored_and_went_on, committed_and_took_back),
    ],
)
def test_no_command_is_offered_that_takes_back_the_user_s_work(
    work_on: Callable[[Path], None], stopped: Path
) -> None:
    work_on(stopped)
    said = tool("update", str(stopped), "--yes").errors
    assert "commit or stash them" in said
    assert RESCUE not in said


def test_of_more_files_than_a_command_line_holds_one_is_told(stopped: Path) -> None:
    folder = stopped / "/".join(["long" * 60] * 8)
    folder.mkdir(parents=True)
    for number in range(1200):
        (folder / f"{number}").touch()
    git(stopped, "add", ".")
    said = tool("update", str(stopped), "--yes").errors
    assert "commit or stash them" in said


def test_what_a_stop_left_is_of_one_project(versions: Versions, work: Path) -> None:
    project = in_a_subfolder(versions, work)
    left = work / ".git/.genai-scaffold.0123"
    for prefix in ("another/", f"{project.relative_to(work)}/"):
        left.mkdir()
        (left / "journal.json").write_text(json.dumps({"prefix": prefix}))
        with versions.after():
            assert tool("update", str(project), "--yes", "--dry-run").code == 0
        assert left.exists() == (prefix == "another/")
        shutil.rmtree(left, ignore_errors=True)
