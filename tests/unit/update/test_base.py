"""What a project of an unknown version was generated from: a commit that its user names."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from repositories import commit, git, tool

from update.situations import (
    FIRST,
    answers,
    moved_into_a_larger_repository,
    no_repository,
    plain,
    state,
)


@pytest.mark.parametrize("offered", [True, False], ids=["as offered", "no such commit"])
@pytest.mark.parametrize("version", ["v0.0.1.dev3", "2a5351a"])
def test_an_unknown_version_is_merged_from_a_commit(
    version: str, offered: bool, project: Path
) -> None:
    answers("v0.0.1", version)(project)
    git(project, "reset", "--quiet", "--soft", "HEAD^")
    git(project, "commit", "--quiet", "--amend", "--reset-author", "-m", FIRST)
    generated = git(project, "rev-parse", "--short", "HEAD").strip()
    (project / "mine").mkdir()
    (project / "mine/module.py").write_text("print('mine')\n")
    (project / "requirements.txt").write_text("mine\n")
    commit(project)
    refused = tool("update", str(project), "--yes")
    assert f"--base {generated}" in refused.errors
    run = tool("update", str(project), "--yes", "--base", generated if offered else "ffffff")
    if not offered:
        assert run.code == 2
        assert "is no commit that has" in run.errors
        return
    assert run.code == 0, run.errors
    assert "the newer one" in (project / "text.txt").read_text()
    assert (project / "mine/module.py").exists()
    assert (project / "requirements.txt").read_text() == "mine\n"
    # Whether the template dropped a file, or the user had made it, cannot be told.
    assert (project / "dropped.txt").exists()


@pytest.mark.parametrize("base", ["", "HEAD~9", "--all", "other"])
def test_what_is_no_base_is_refused(base: str, project: Path) -> None:
    git(project, "switch", "--quiet", "--orphan", "other")
    (project / "unlike.txt").write_text("another project\n")
    commit(project)
    git(project, "switch", "--quiet", "main")
    answers("v0.0.1", "v0.0.1.dev3")(project)
    before = state(project)
    run = tool("update", str(project), "--yes", f"--base={base}")
    assert run.code == 2
    assert "is no commit that has" in run.errors
    assert state(project) == before


def committed_late(project: Path) -> None:
    no_repository(project)
    git(project, "init", "--quiet")
    commit(project, "First commit")


def amended(project: Path) -> None:
    git(project, "reset", "--quiet", "--soft", "HEAD^")
    later = {**os.environ, "GIT_COMMITTER_DATE": "2038-01-01T00:00:00Z"}
    amend = ("git", "commit", "--quiet", "--all", "--amend", "-m", FIRST)
    subprocess.run(amend, cwd=project, env=later, check=True)


@pytest.mark.parametrize("keep", [plain, committed_late, moved_into_a_larger_repository, amended])
def test_no_commit_with_the_user_s_work_is_offered_as_base(
    keep: Callable[[Path], object], project: Path
) -> None:
    (project / "text.txt").write_text("mine\n")
    answers("v0.0.1", "v0.0.1.dev3")(project)
    keep(project)
    inside = project / "services"
    said = tool("update", str(inside if inside.exists() else project), "--yes").errors
    assert "--base COMMIT; look for it with: `git -C" in said
