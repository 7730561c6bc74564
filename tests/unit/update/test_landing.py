"""A merge comes into a repository as a whole or not at all, whoever else is at work there."""

import errno
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from repositories import commit, git, tool

from genai_scaffold.merge import index, landing
from genai_scaffold.merge.index import locked_index
from genai_scaffold.merge.landing import Merge
from genai_scaffold.merge.place import Place
from genai_scaffold.system import git as our_git
from update.situations import at_work, out_of_space, staged, state


def test_a_failure_half_way_is_taken_back(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state(project)
    monkeypatch.setattr(Merge, "write_files", out_of_space)
    run = tool("update", str(project), "--yes")
    assert run.code != 0
    assert state(project) == before
    assert git(project, "status", "--porcelain") == ""


def test_a_filter_that_fails_ends_it_before_anything_is_written(project: Path) -> None:
    (project / ".gitattributes").write_text("*.txt filter=large\n")
    commit(project)
    git(project, "config", "filter.large.clean", "cat")
    git(project, "config", "filter.large.smudge", "false")
    git(project, "config", "filter.large.required", "true")
    before = state(project)
    run = tool("update", str(project), "--yes")
    assert run.code == 4
    assert "brand new.txt: smudge filter large failed" in run.errors
    assert "it is as it was" in run.errors
    assert state(project) == before
    assert git(project, "status", "--porcelain") == ""


def edited_and_saved(project: Path) -> None:
    (project / "text.txt").write_text("saved while it was merged\n")


def edited_and_committed(project: Path) -> None:
    edited_and_saved(project)
    commit(project)


def edited_and_staged(project: Path) -> None:
    edited_and_saved(project)
    git(project, "add", "text.txt")


@pytest.mark.parametrize("edit", [edited_and_saved, edited_and_committed, edited_and_staged])
def test_what_the_user_does_while_it_is_merged_is_kept(
    edit: Callable[[Path], None], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Merge.bring_objects

    def bring_while_the_user_edits(self: Merge) -> None:
        real(self)
        edit(project)

    monkeypatch.setattr(Merge, "bring_objects", bring_while_the_user_edits)
    run = tool("update", str(project), "--yes")
    assert run.code == 3
    assert "has changed in the meantime" in run.errors
    assert (project / "text.txt").read_text() == "saved while it was merged\n"
    assert not (project / "brand new.txt").exists()


def test_a_roll_back_with_nothing_left_to_do_is_no_stop_half_way(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(project)
    monkeypatch.setattr(Merge, "write_files", out_of_space)
    real = our_git.run_git

    def complain(directory: Path, *arguments: str, **options: Any) -> Any:
        done = real(directory, *arguments, **options)
        return done._replace(code=1) if arguments[0] == "restore" else done

    monkeypatch.setattr(our_git, "run_git", complain)
    run = tool("update", str(project), "--yes")
    assert run.code == 4
    assert "cannot be updated; it is as it was" in run.errors
    assert state(project) == before


def saved_a_new_file(project: Path) -> None:
    (project / "brand new.txt").write_text("mine\n")


def saved_a_new_folder(project: Path) -> None:
    (project / "brand new.txt").mkdir()


@pytest.mark.parametrize("step", ["bring_objects", "write_files"])
@pytest.mark.parametrize("save", [saved_a_new_file, saved_a_new_folder])
def test_what_the_user_adds_while_it_is_merged_is_kept(
    save: Callable[[Path], None], step: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(project)
    real = getattr(Merge, step)

    def work_while_the_user_saves(self: Merge) -> None:
        save(project)
        real(self)

    monkeypatch.setattr(Merge, step, work_while_the_user_saves)
    run = tool("update", str(project), "--yes")
    assert run.code == 3
    assert "brand new.txt in the way" in run.errors
    if save is saved_a_new_file:
        assert (project / "brand new.txt").read_text() == "mine\n"
        (project / "brand new.txt").unlink()
    assert state(project) == before


def test_while_another_git_is_at_work_nothing_is_written(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Merge.bring_objects

    def bring_while_git_is_at_work(self: Merge) -> None:
        real(self)
        at_work(project)

    monkeypatch.setattr(index, "LOCK_SECONDS", 0)
    monkeypatch.setattr(Merge, "bring_objects", bring_while_git_is_at_work)
    before = state(project)
    run = tool("update", str(project), "--yes")
    assert run.code == 3
    assert "another git command is at work" in run.errors
    assert state(project) == before
    assert (project / ".git/index.lock").exists()


def test_another_git_is_waited_for(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "text.txt").write_text("mine\n")
    commit(project)
    real = Merge.write_files

    def write_while_git_is_at_work(self: Merge) -> None:
        real(self)
        at_work(project)
        threading.Timer(0.3, (project / ".git/index.lock").unlink).start()

    monkeypatch.setattr(Merge, "write_files", write_while_git_is_at_work)
    run = tool("update", str(project), "--yes")
    assert run.code == 3
    assert "1 in conflict" in run.output


@pytest.mark.parametrize("moment", [1, 2], ids=["before", "after the files are written"])
def test_what_is_staged_right_before_the_index_is_replaced_stays_so(
    moment: int, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter(range(1, 9))
    real = locked_index

    def lock_when_the_user_has_staged(here: Place) -> AbstractContextManager[None]:
        if next(moments) == moment:
            staged(project)
        return real(here)

    monkeypatch.setattr(landing, "locked_index", lock_when_the_user_has_staged)
    run = tool("update", str(project), "--yes")
    assert run.code == (3 if moment == 1 else 0)
    assert (project / "brand new.txt").exists() == (moment == 2)
    assert "mine.txt" in git(project, "diff", "--cached", "--name-only").splitlines()
    assert not (project / ".git/index.lock").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
def test_of_two_runs_at_once_one_waits_for_its_turn(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = []
    real = Merge.write_files

    def write_while_another_runs(self: Merge) -> None:
        other = tool("update", str(project), "--yes")
        assert "another run of genai-scaffold is at work" in other.errors
        codes.append(other.code)
        real(self)

    monkeypatch.setattr(Merge, "write_files", write_while_another_runs)
    assert tool("update", str(project), "--yes").code == 0
    assert codes == [3]
    assert git(project, "diff") == ""


def test_the_loser_of_two_runs_at_once_hears_what_the_other_one_did(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Merge.apply

    def apply_after_another(self: Merge) -> None:
        monkeypatch.setattr(Merge, "apply", real)
        assert tool("update", str(project), "--yes").code == 0
        real(self)

    monkeypatch.setattr(Merge, "apply", apply_after_another)
    run = tool("update", str(project), "--yes")
    assert run.code == 3
    assert "another run of genai-scaffold has just merged the same" in run.errors
    assert git(project, "diff") == ""
    assert (project / "brand new.txt").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
def test_a_disk_without_locks_is_no_obstacle(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    assert tool("update", str(project), "--yes").code == 0
