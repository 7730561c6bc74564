"""An update that could lose something is refused, and changes nothing."""

import os
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from repositories import Versions, commit, contents, copied, git, new, tool

from genai_scaffold.merge.landing import Merge
from update.situations import (
    answers,
    at_work,
    changed,
    in_a_subfolder,
    no_repository,
    staged,
    state,
)


def nothing_committed(project: Path) -> None:
    no_repository(project)
    git(project, "init", "--quiet")


def answers_not_committed(project: Path) -> None:
    git(project, "rm", "--quiet", "--cached", ".copier-answers.yml")
    git(project, "commit", "--quiet", "-m", "Gone")


def half_merged(project: Path) -> None:
    git(project, "switch", "--quiet", "--create", "other")
    (project / "text.txt").write_text("theirs\n")
    commit(project)
    git(project, "switch", "--quiet", "main")
    (project / "text.txt").write_text("ours\n")
    commit(project)
    with pytest.raises(subprocess.CalledProcessError):
        git(project, "merge", "other")


def no_answers_file(project: Path) -> None:
    git(project, "rm", "--quiet", ".copier-answers.yml")
    git(project, "commit", "--quiet", "-m", "Gone")


def named(name: str) -> Callable[[Path], None]:
    def change(project: Path) -> None:
        file = project / ".copier-answers.yml"
        file.write_text(re.sub("project_name: .*", f"project_name: '{name}'", file.read_text()))
        commit(project)

    return change


def renamed(project: Path) -> None:
    (project / "README.md").write_text("mine\n")
    commit(project)
    git(project, "mv", "README.md", "LIESMICH.md")


def linked_answers(project: Path) -> None:
    file = project / ".copier-answers.yml"
    file.rename(project.parent / "outside.yml")
    file.symlink_to(project.parent / "outside.yml")
    commit(project)


def assumed_elsewhere(project: Path) -> None:
    git(project, "update-index", "--assume-unchanged", "start")
    (project / "start").write_text("the user's\n")


def foreign_owner(_: Path) -> None:
    os.environ["GIT_TEST_ASSUME_DIFFERENT_OWNER"] = "1"


def in_the_way(project: Path) -> None:
    (project / "brand new.txt").write_text("the user's, in no commit\n")


def ignored_in_the_way(project: Path) -> None:
    in_the_way(project)
    (project / ".git/info").mkdir(exist_ok=True)
    (project / ".git/info/exclude").write_text("# Mine\nbrand*\n")


def ignored_folder_in_the_way(project: Path) -> None:
    (project / "brand new.txt").mkdir()


def hidden_from_git(project: Path) -> None:
    git(project, "update-index", "--skip-worktree", "text.txt")
    (project / "text.txt").write_text("the user's, which git was told not to look at\n")


def assumed_unchanged(project: Path) -> None:
    git(project, "update-index", "--assume-unchanged", "dropped.txt")
    (project / "dropped.txt").write_text("the user's\n")


@pytest.mark.parametrize(
    ("prepare", "code", "words"),
    [
        pytest.param(no_repository, 3, "git init && git add --all", id="no-repository"),
        pytest.param(nothing_committed, 3, "is not committed", id="nothing-committed"),
        pytest.param(answers_not_committed, 3, "is not committed", id="answers-not-committed"),
        pytest.param(changed, 3, "text.txt", id="uncommitted"),
        pytest.param(staged, 3, "mine.txt", id="staged"),
        pytest.param(half_merged, 3, "under way (MERGE_HEAD)", id="half-merged"),
        pytest.param(at_work, 3, "another git command", id="another-git-at-work"),
        pytest.param(no_answers_file, 2, "it has no .copier-answers.yml", id="no-answers-file"),
        pytest.param(answers("v0.0.1", "v0.0.10"), 4, "upgrade genai-scaffold", id="newer"),
        pytest.param(answers("v0.0.1", "v0.0.1.dev3"), 2, "--base", id="unreleased"),
        pytest.param(answers("v0.0.1", "gibberish"), 2, "--base", id="no-version"),
        pytest.param(answers("_commit: v0.0.1", "other: 1"), 2, "--base COMMIT", id="none-named"),
        pytest.param(
            answers("preset: service", "preset: [a"),
            2,
            "of .copier-answers.yml cannot",
            id="not-yaml",
        ),
        pytest.param(answers("preset: service", "preset: huge"), 2, "it takes", id="unknown"),
        pytest.param(answers("python: '3.13'", "python: 3.13"), 2, "it takes", id="a-number"),
        pytest.param(answers("validation: true", "validation: 7"), 2, "true or false", id="type"),
        pytest.param(answers("framework: f", "frame: f"), 2, "no framework", id="no-framework"),
        pytest.param(named(""), 2, "has no name", id="no-name"),
        pytest.param(renamed, 3, "README.md", id="renamed"),
        pytest.param(linked_answers, 3, "is a link", id="answers-are-a-link"),
        pytest.param(assumed_elsewhere, 3, "start in the way", id="assume-unchanged-elsewhere"),
        pytest.param(foreign_owner, 4, "dubious ownership", id="another-owner"),
        pytest.param(foreign_owner, 4, "--add safe.directory", id="another-owner-trusted"),
        pytest.param(in_the_way, 3, "brand new.txt in the way", id="untracked-in-the-way"),
        pytest.param(ignored_in_the_way, 3, "exclude:2 brand* ignores brand", id="ignored"),
        pytest.param(ignored_folder_in_the_way, 3, "brand new.txt", id="folder-in-the-way"),
        pytest.param(hidden_from_git, 3, "skip-worktree", id="skip-worktree"),
        pytest.param(assumed_unchanged, 3, "dropped.txt in the way", id="assume-unchanged"),
    ],
)
def test_what_could_lose_something_is_refused(
    prepare: Callable[[Path], None],
    code: int,
    words: str,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "0")  # and so taken back at the end
    prepare(project)
    before = contents(project.parent)
    run = tool("update", str(project), "--yes")
    assert (run.code, run.output) == (code, "")
    assert words in run.errors
    assert contents(project.parent) == before


def test_staged_changes_elsewhere_are_refused(versions: Versions, work: Path) -> None:
    project = in_a_subfolder(versions, work)
    (work / "other.txt").write_text("staged\n")
    git(work, "add", "other.txt")
    with versions.after():
        run = tool("update", str(project), "--yes")
    assert run.code == 3
    assert "staged changes outside of the project" in run.errors


def test_what_is_noted_elsewhere_as_to_be_added_is_refused(versions: Versions, work: Path) -> None:
    project = in_a_subfolder(versions, work)
    (work / "other.txt").write_text("mine\n")
    git(work, "add", "--intent-to-add", "other.txt")
    with versions.after():
        run = tool("update", str(project), "--yes")
    assert run.code == 3
    assert "both would be mixed: other.txt" in run.errors


def test_what_is_advised_without_a_repository_works_with_strict_line_ends(
    project: Path,
) -> None:
    no_repository(project)
    for name, value in (("core.autocrlf", "true"), ("core.safecrlf", "true")):
        git(project.parent, "config", "--global", name, value)
    for message in ("First", "Second"):
        refused = tool("update", str(project), "--yes")
        advice = refused.errors.partition("fix: ")[2].strip("`\n")
        subprocess.run(f"{advice} --quiet -m {message}", shell=True, check=True)  # noqa: S602
        assert tool("update", str(project), "--yes", "--dry-run").code == 0
        answers_not_committed(project)


@pytest.mark.parametrize(
    "checkout",
    [("{}/backend",), ("--no-cone", "/*", "!/{}/docs")],
    ids=["folders", "patterns"],
)
def test_what_is_outside_of_a_sparse_checkout_is_named(
    checkout: tuple[str, ...], versions: Versions, work: Path
) -> None:
    project = in_a_subfolder(versions, work)
    folder = project.relative_to(work).as_posix()
    git(work, "sparse-checkout", "set", *(word.format(folder) for word in checkout))
    assert not (project / "docs").exists()
    git(work, "config", "advice.updateSparsePath", "false")
    with versions.after():
        refused = tool("update", str(project), "--yes")
        fix = refused.errors.partition("fix: ")[2].strip("`\n")
        subprocess.run(shlex.split(fix), check=True)
        run = tool("update", str(project), "--yes")
    assert refused.code == 3
    assert "docs/decision.md outside of the sparse checkout" in refused.errors
    assert run.code == 0, run.errors


def test_of_a_sparse_checkout_with_patterns_a_file_of_the_root_can_be_had(project: Path) -> None:
    (project / "[a] *").mkdir()
    (project / "[a] *" / "not wanted.txt").write_text("mine\n")
    commit(project)
    git(project, "sparse-checkout", "set", "--no-cone", "/*", "!/text.txt", r"!/\[a] \*")
    refused = tool("update", str(project), "--yes")
    subprocess.run(shlex.split(refused.errors.partition("fix: ")[2].strip("`\n")), check=True)
    run = tool("update", str(project), "--yes")
    assert run.code == 0, run.errors
    assert "the newer one" in (project / "text.txt").read_text()
    assert not (project / "[a] *").exists()


def test_without_git_it_says_so(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    run = tool("update", str(project), "--yes")
    assert run.code == 4
    assert "install git" in run.errors


def test_a_conflict_that_git_cannot_take_back_is_refused(versions: Versions, work: Path) -> None:
    moved = copied(versions.old, work)
    for root, name in ((moved.old, "before.txt"), (moved.new, "after.txt")):
        (root / "templates/project/folder").mkdir()
        lines = "".join(f"line {number}\n" for number in range(20))
        (root / "templates/project/folder" / name).write_text(lines)
    moved.record()
    with moved.before():
        project = new(work / "my-app", "--deploy", "none")
    (project / "src").mkdir()
    git(project, "mv", "folder", "src/folder")
    (project / "folder").symlink_to("src/folder")
    commit(project)
    before = state(project)
    with moved.after():
        run = tool("update", str(project), "--yes")
    assert run.code == 3
    assert "folder/after.txt in conflict" in run.errors
    assert "put the folder itself in its place" in run.errors
    assert state(project) == before


def test_a_dry_run_finds_what_is_in_the_way(project: Path) -> None:
    in_the_way(project)
    run = tool("update", str(project), "--yes", "--dry-run")
    assert (run.code, run.output) == (3, "")
    assert "brand new.txt in the way" in run.errors


def test_what_the_system_refuses_is_no_bug(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(project / ".git"))

    before = state(project)
    monkeypatch.setattr(Merge, "bring_objects", refuse)
    run = tool("update", str(project), "--yes")
    assert run.code == 4
    assert "Permission denied" in run.errors
    assert state(project) == before
