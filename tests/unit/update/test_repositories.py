"""Updating a project in whatever repository, checkout and place it is."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from repositories import Versions, commit, contents, git, tool

from genai_scaffold.merge.landing import Merge
from genai_scaffold.system import process
from genai_scaffold.system.process import Completed
from update.situations import (
    FIRST,
    answers,
    in_a_subfolder,
    moved_into_a_larger_repository,
    out_of_space,
    plain,
)


def test_a_partial_clone_gets_what_the_merge_needs_at_once(project: Path) -> None:
    answers("v0.0.1", "v0.0.1.dev3")(project)
    git(project, "reset", "--quiet", "--soft", "HEAD^")
    git(project, "commit", "--quiet", "--amend", "--reset-author", "-m", FIRST)
    for name in ("text.txt", "README.md", "docs/decision.md"):
        with (project / name).open("a") as file:
            file.write("mine\n")
    commit(project)
    git(project, "config", "uploadpack.allowFilter", "true")
    git(project.parent, "clone", "--quiet", "--filter=blob:none", f"file://{project}", "partial")
    clone = project.parent / "partial"
    before = set((clone / ".git/objects/pack").glob("*.pack"))
    run = tool("update", str(clone), "--yes", "--base", "HEAD^")
    assert run.code in {0, 3}, run.errors
    assert (clone / "text.txt").read_text().endswith("mine\n")
    # What the merge lacked, and its own result.
    assert len(set((clone / ".git/objects/pack").glob("*.pack")) - before) == 2


def test_a_git_that_fails_has_not_said_that_nobody_made_the_base(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers("v0.0.1", "v0.0.1.dev3")(project)
    git(project, "reset", "--quiet", "--soft", "HEAD^")
    git(project, "commit", "--quiet", "--amend", "--reset-author", "-m", FIRST)
    with (project / "text.txt").open("a") as file:
        file.write("mine\n")
    commit(project)
    run_program = process.run_program

    def failing(arguments: Sequence[str], **options: Any) -> Completed:
        if {"log", "--diff-filter=A"} <= set(arguments):
            return Completed(128, "", "fatal: could not fetch from promisor remote\n")
        return run_program(arguments, **options)

    monkeypatch.setattr(process, "run_program", failing)
    run = tool("update", str(project), "--yes", "--base", "HEAD^")
    assert (run.code, "could not fetch from promisor remote" in run.errors) == (4, True)
    assert git(project, "status", "--porcelain") == ""


def in_the_project(project: Path) -> None:
    (project / ".gitattributes").write_text("text.txt merge=mine\n")


def for_all_of_the_user(project: Path) -> None:
    file = project.parent / "attributes"
    file.write_text("*.txt merge=mine\n")
    git(project, "config", "core.attributesFile", str(file))


def above_the_project(project: Path) -> None:
    moved_into_a_larger_repository(project)
    (project / ".gitattributes").write_text("services/**/[t]ext.txt merge=mine\n")


@pytest.mark.parametrize("attribute", [in_the_project, for_all_of_the_user, above_the_project])
def test_the_users_own_way_to_merge_a_file_is_used(
    attribute: Callable[[Path], None], project: Path
) -> None:
    text = (project / "text.txt").read_text().replace("the older one", "mine")
    (project / "text.txt").write_text(text)
    commit(project)
    attribute(project)
    commit(project)
    git(project, "config", "merge.mine.driver", "true")
    place = next(project.rglob("text.txt")).parent
    run = tool("update", str(place), "--yes")
    assert run.code == 0, run.errors
    assert (place / "text.txt").read_text() == text


@pytest.mark.parametrize("fails", [False, True], ids=["undone", "rolled back"])
def test_what_is_in_a_submodule_is_not_taken_back(
    fails: bool, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_a_submodule(project, "module")
    git(project, "config", "--file", ".gitmodules", "submodule.module.ignore", "dirty")
    commit(project)
    git(project, "config", "submodule.recurse", "true")
    (project / "module/file.txt").write_text("mine\n")
    if fails:
        monkeypatch.setattr(Merge, "write_files", out_of_space)
    run = tool("update", str(project), "--yes", "--json")
    if not fails:
        subprocess.run(shlex.split(json.loads(run.output)["undo"]), check=True, cwd="/")
    assert run.code == (4 if fails else 0), run.errors
    assert (project / "module/file.txt").read_text() == "mine\n"
    assert git(project, "status", "--porcelain") == ""


def test_what_is_in_a_submodule_is_left_alone(project: Path) -> None:
    git(project, "rm", "--quiet", "-r", "docs")
    commit(project)
    with_a_submodule(project, "docs")
    before = contents(project / "docs")
    run = tool("update", str(project), "--yes", "--json")
    assert run.document["ignored"] == ["docs/decision.md"]
    assert contents(project / "docs") == before
    assert (project / "brand new.txt").exists()
    assert git(project, "diff", "--cached", "--name-only", "docs", ".gitmodules") == ""


def a_rule_of_the_project(project: Path) -> str:
    with (project / ".gitignore").open("a") as file:
        file.write("brand*\n!brand new.md\n")
    commit(project)
    return ".gitignore:"


def a_rule_for_a_folder_of_the_repository(project: Path) -> str:
    for path in git(project, "ls-files", "-z").rstrip("\0").split("\0"):
        (project / "services" / path).parent.mkdir(exist_ok=True, parents=True)
        git(project, "mv", path, f"services/{path}")
    (project / ".gitignore").write_text("services/\n")
    commit(project)
    return ".gitignore:1 services/"


def a_rule_of_the_clone(project: Path) -> str:
    (project / ".git/info").mkdir(exist_ok=True)
    (project / ".git/info/exclude").write_text("*.txt\n")
    return ".git/info/exclude:1 *.txt"


def a_rule_of_the_user(project: Path) -> str:
    excludes = project.parent / "ignored everywhere"
    excludes.write_text("brand new.*\n")
    git(project, "config", "core.excludesFile", str(excludes))
    return f"{excludes}:1 brand new.*"


@pytest.mark.parametrize(
    "ignore",
    [
        a_rule_of_the_project,
        a_rule_for_a_folder_of_the_repository,
        a_rule_of_the_clone,
        a_rule_of_the_user,
    ],
)
@pytest.mark.parametrize("based", [False, True], ids=["", "base"])
def test_what_is_new_is_merged_though_git_ignores_it_and_the_rule_is_named(
    ignore: Callable[[Path], str], based: bool, project: Path
) -> None:
    if based:
        answers("v0.0.1", "v0.0.1.dev3")(project)
    rule = ignore(project)
    inside = project / "services"
    place = inside if inside.exists() else project
    run = tool("update", str(place), "--yes", *(["--base", "HEAD"] if based else []))
    assert run.code == (3 if based else 0), run.errors
    assert (place / "brand new.txt").read_text() == "of the newer one\n"
    assert git(place, "ls-files", "brand*") == "brand new.txt\n"
    said = "brand new.txt is merged and staged, although git ignores it "
    assert f"{said}({rule}" in run.output
    subprocess.run(["git", "-C", str(place), "reset", "--quiet", "--merge"], check=True)
    assert git(place, "status", "--porcelain", "--ignored") == ""


def with_a_submodule(project: Path, path: str) -> None:
    module = project.parent / "module"
    git(project.parent, "init", "--quiet", "module")
    (module / "file.txt").write_text("committed\n")
    commit(module)
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(module), path)
    git(project, *add)
    commit(project)


def detached(project: Path) -> Path:
    git(project, "checkout", "--quiet", "--detach")
    return project


def worktree(project: Path) -> Path:
    git(project, "worktree", "add", "--quiet", "../a worktree", "-b", "another")
    return project.parent / "a worktree"


def shallow(project: Path) -> Path:
    commit(project, "Another")
    git(project.parent, "clone", "--quiet", "--depth", "1", f"file://{project}", "shallow")
    return project.parent / "shallow"


def carriage_returns(project: Path) -> Path:
    git(project, "config", "core.autocrlf", "true")
    git(project, "rm", "--quiet", "-r", "--cached", ".")
    git(project, "reset", "--quiet", "--hard")
    assert b"\r\n" in (project / "text.txt").read_bytes()
    return project


def hooked_and_signed(project: Path) -> Path:
    for name in ("pre-commit", "post-checkout", "post-merge", "pre-merge-commit", "commit-msg"):
        hook = project / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\ntouch ran-a-hook\nexit 1\n")
        hook.chmod(0o755)
    git(project, "config", "commit.gpgSign", "true")
    git(project, "config", "gpg.program", "false")
    git(project, "config", "merge.conflictStyle", "diff3")
    git(project, "config", "diff.external", "false")
    git(project, "config", "color.ui", "always")
    git(project, "config", "core.quotePath", "true")
    return project


def without_an_identity(project: Path) -> Path:
    Path(os.environ["HOME"], ".gitconfig").unlink()
    return project


def behind_a_link(project: Path) -> Path:
    link = project.parent / "a link"
    link.symlink_to(project, target_is_directory=True)
    return link


def of_sha256(project: Path) -> Path:
    shutil.rmtree(project / ".git")
    git(project, "init", "--quiet", "--object-format", "sha256")
    commit(project)
    return project


@pytest.mark.parametrize(
    "attribute",
    ["text", "text=auto", "eol=lf", "ident", "working-tree-encoding=latin-1", "filter=f"],
)
def test_attributes_do_not_change_what_is_not_merged(attribute: str, project: Path) -> None:
    (project / "image.png").write_bytes(b"\0$Id: as it is $\xff\r\n" * 40)
    (project / "start.cmd").write_bytes(b"@echo $Id: as it is $\r\n")
    text = (project / "text.txt").read_text("utf-8")
    (project / "text.txt").write_text(text.replace("the older one", "mine"))
    # Of long ago, so that git does not look whether they would be kept otherwise now.
    for path in contents(project):
        os.utime(project / path, (0, 0), follow_symlinks=False)
    commit(project)
    (project / ".gitattributes").write_text(f"* {attribute}\ntext.txt merge=union\n")
    git(project, "config", "filter.f.clean", "tr @ A")
    git(project, "add", ".gitattributes")
    git(project, "commit", "--quiet", "-m", "Attributes")
    before = git(project, "ls-files", "--stage", "image.png", "start.cmd", "start")
    run = tool("update", str(project), "--yes", "--json")
    assert run.code == 0, run.errors
    assert git(project, "ls-files", "--stage", "image.png", "start.cmd", "start") == before
    assert {"image.png", "start.cmd", "start"}.isdisjoint(
        change["path"] for change in json.loads(run.output)["changes"]
    )
    assert "<<<<<<<" not in (project / "text.txt").read_text("utf-8")


@pytest.mark.parametrize(
    "prepare",
    [
        *(plain, detached, worktree, shallow, carriage_returns, hooked_and_signed),
        *(without_an_identity, behind_a_link, of_sha256),
    ],
)
def test_it_works_in(prepare: Callable[[Path], Path], project: Path) -> None:
    lines = (project / "text.txt").read_text().splitlines(keepends=True)
    (project / "text.txt").write_text("".join(["mine\n", *lines[1:]]))
    (project / "requirements.txt").write_text("mine\n")
    commit(project)
    place = prepare(project)
    run = tool("update", str(place), "--yes")
    assert run.code == 0, run.errors
    written = (place / "text.txt").read_bytes()
    assert written.startswith(b"mine")
    assert b"the newer one" in written
    assert (b"\r\n" in written) == (prepare is carriage_returns)
    assert (written.count(b"\r\n") == written.count(b"\n")) == (prepare is carriage_returns)
    assert (place / "start").stat().st_mode & 0o100
    assert not (place / "ran-a-hook").exists()
    commit(place)
    assert git(place, "status", "--porcelain") == ""


def test_it_works_in_a_part_of_a_repository(versions: Versions, work: Path) -> None:
    project = in_a_subfolder(versions, work)
    text = project / "text.txt"
    text.write_text(text.read_text().replace("the older one", "mine"))
    commit(work)
    (work / "kept.txt").write_text("changed, and in no commit\n")
    with versions.after():
        run = tool("update", str(project), "--yes", "--json")
    assert run.code == 3
    said = json.loads(run.output)
    assert [conflict["path"] for conflict in said["conflicts"]] == ["text.txt"]
    assert ">>>>>>> genai-scaffold-0.0.2" in text.read_text()
    assert (work / "kept.txt").read_text() == "changed, and in no commit\n"
    subprocess.run(shlex.split(said["undo"]), check=True, cwd="/")
    assert git(work, "status", "--porcelain") == " M kept.txt\n"


def test_a_git_that_runs_us_from_a_hook_does_not_lead_us_astray(
    project: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(work, "init", "--quiet", "elsewhere")
    monkeypatch.setenv("GIT_DIR", str(work / "elsewhere/.git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(work / "elsewhere"))
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "0")
    monkeypatch.setenv("GIT_GLOB_PATHSPECS", "1")
    assert tool("update", str(project), "--yes").code == 0
    assert (project / "brand new.txt").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows takes no such names")
def test_temporary_files_may_be_anywhere(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project.parent / 'a:b "c" ü'
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    run = tool("update", str(project), "--yes")
    assert run.code == 0, run.errors
    assert list(folder.iterdir()) == []


def test_temporary_files_may_be_on_another_disk(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Path("/dev/shm")  # noqa: S108 - what the test is about
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == project.stat().st_dev:
        pytest.skip("there is no other disk")
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    assert tool("update", str(project), "--yes").code == 0
    assert (project / "brand new.txt").read_text() == "of the newer one\n"
    git(project, "fsck", "--strict")


def test_links_are_not_followed(project: Path) -> None:
    outside = project.parent / "outside"
    shutil.move(project / "docs", outside)
    (project / "docs").symlink_to(outside)
    (project / "shared.py").symlink_to("../../common/shared.py")
    commit(project)
    before = contents(outside)
    run = tool("update", str(project), "--yes")
    assert run.code in (0, 3), run.errors
    assert contents(outside) == before
    assert (project / "brand new.txt").exists()
