"""Updating a project: what is refused, what is asked, where it works, and what it never touches."""

import errno
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from repositories import Versions, commit, contents, copied, git, new, tool

from genai_scaffold.merge import index, landing
from genai_scaffold.merge.index import locked_index
from genai_scaffold.merge.landing import Merge
from genai_scaffold.merge.place import Place
from genai_scaffold.report import merged
from genai_scaffold.system import git as our_git
from genai_scaffold.template import history
from genai_scaffold.template.packaged import template_version

QUESTION = """
log_format:
  type: str
  help: How logs are written
  choices: {JSON: json, Text: text}
  default: json
"""


LEFT = "backend/api/routers/__init__.py"


@pytest.fixture(scope="module")
def versions(small_template_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Versions:
    """The newer template asks one thing more; it changed, added and dropped a file."""
    two = copied(small_template_root, tmp_path_factory.mktemp("versions"))
    for root in (two.old, two.new):
        (root / "templates/project" / LEFT).parent.mkdir(parents=True)
        (root / "templates/project" / LEFT).write_text(f"# of {root.name}\n")
    for root, line in ((two.old, "older"), (two.new, "newer")):
        project = root / "templates" / "project"
        lines = [f"line {number}\n" for number in range(20)]
        (project / "text.txt").write_text("".join([*lines, f"the {line} one\n", *lines]))
    (two.old / "templates/project/dropped.txt").write_text("of the older one\n")
    (two.new / "templates/project/brand new.txt").write_text("of the newer one\n")
    with (two.new / "copier.yml").open("a") as questions:
        questions.write(QUESTION)
    (two.new / "templates/project/logs.txt.jinja").write_text("{{ log_format }}\n")
    two.record()
    return two


@pytest.fixture(scope="module")
def made(versions: Versions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with versions.before():
        return new(tmp_path_factory.mktemp("made") / "my-app", "--deploy", "none")


@pytest.fixture
def project(versions: Versions, made: Path, work: Path) -> Iterator[Path]:
    """A project of the older version, where the newer one is installed."""
    shutil.copytree(made, work / "my-app")
    with versions.after():
        yield work / "my-app"


def state(project: Path) -> tuple[dict[str, bytes], str, str]:
    """All that an update could change: files, index, history."""
    return (
        contents(project),
        git(project, "ls-files", "--stage"),
        git(project, "log", "--all", "--format=%H"),
    )


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
    kept: str, base: tuple[str, ...], project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kept == "edited":
        (project / LEFT).write_text("mine\n")
    elif kept == "deleted":
        (project / LEFT).unlink()
    commit(project)
    before = contents(project).get(LEFT)
    if base:
        monkeypatch.setattr(history, "archive", lambda: tmp_path / "none.zip")
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
        pytest.param("framwork=flask", "did you mean framework?", id="misspelt-key"),
        pytest.param("framework=flsk", "did you mean flask?", id="misspelt-value"),
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


def no_repository(project: Path) -> None:
    shutil.rmtree(project / ".git")


def nothing_committed(project: Path) -> None:
    no_repository(project)
    git(project, "init", "--quiet")


def answers_not_committed(project: Path) -> None:
    git(project, "rm", "--quiet", "--cached", ".copier-answers.yml")
    git(project, "commit", "--quiet", "-m", "Gone")


def changed(project: Path) -> None:
    (project / "text.txt").write_text("changed\n")


def staged(project: Path) -> None:
    (project / "mine.txt").write_text("mine\n")
    git(project, "add", "mine.txt")


def half_merged(project: Path) -> None:
    git(project, "switch", "--quiet", "--create", "other")
    (project / "text.txt").write_text("theirs\n")
    commit(project)
    git(project, "switch", "--quiet", "main")
    (project / "text.txt").write_text("ours\n")
    commit(project)
    with pytest.raises(subprocess.CalledProcessError):
        git(project, "merge", "other")


def at_work(project: Path) -> None:
    (project / ".git/index.lock").touch()


def no_answers_file(project: Path) -> None:
    git(project, "rm", "--quiet", ".copier-answers.yml")
    git(project, "commit", "--quiet", "-m", "Gone")


def answers(old: str, new: str) -> Callable[[Path], None]:
    def change(project: Path) -> None:
        file = project / ".copier-answers.yml"
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
        commit(project)

    return change


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
        advice = refused.errors.partition("fix: ")[2].strip()
        subprocess.run(f"{advice} --quiet -m {message}", shell=True, check=True)  # noqa: S602
        assert tool("update", str(project), "--yes", "--dry-run").code == 0
        answers_not_committed(project)


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
        fix = refused.errors.partition("fix: ")[2]
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
    subprocess.run(shlex.split(refused.errors.partition("fix: ")[2]), check=True)
    run = tool("update", str(project), "--yes")
    assert run.code == 0, run.errors
    assert "the newer one" in (project / "text.txt").read_text()
    assert not (project / "[a] *").exists()


def with_a_submodule(project: Path, path: str) -> None:
    module = project.parent / "module"
    git(project.parent, "init", "--quiet", "module")
    (module / "file.txt").write_text("committed\n")
    commit(module)
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(module), path)
    git(project, *add)
    commit(project)


def in_a_subfolder(versions: Versions, work: Path) -> Path:
    """A project inside a larger repository, with unusual names on the way."""
    git(work, "init", "--quiet", "--initial-branch", "main")
    (work / "kept.txt").write_text("kept\n")
    project = work / "Dienste (öffentlich)" / "my-app"
    with versions.before():
        made = tool("new", str(project), "--yes", "--quiet", "--no-git", "--deploy", "none")
        assert made.code == 0, made.errors
    commit(work)
    return project


def plain(project: Path) -> Path:
    return project


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


def test_the_current_folder_is_the_default(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    assert tool("update", "--yes").code == 0
    assert (project / "brand new.txt").exists()


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


def test_without_git_it_says_so(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    run = tool("update", str(project), "--yes")
    assert run.code == 4
    assert "install git" in run.errors


FIRST = "Start from genai-scaffold"


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
        pytest.param(("switch", "flsk"), "did you mean flask?", id="switch-misspelt"),
        pytest.param(("add", "metrcs", "--project"), "did you mean metrics?", id="add-misspelt"),
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
            ("remove", "metrics", "fly", "--project"), "has no metrics, fly already", id="remove"
        ),
    ],
)
def test_what_is_so_already_is_said_and_changes_nothing(
    arguments: tuple[str, ...], words: str, versions: Versions, made: Path
) -> None:
    before = state(made)
    with versions.before():
        run = tool(*arguments, str(made))
    assert (run.code, run.output) == (0, "✓ The project is up to date.\n")
    assert words in run.errors
    assert state(made) == before


def test_several_features_and_targets_come_and_go_at_once(versions: Versions, made: Path) -> None:
    there = ("--project", str(made), "--dry-run", "--json")
    with versions.before():
        added = json.loads(tool("add", "metrics", "ci", "fly", *there).output)
        removed = json.loads(tool("remove", "ci", "pre-commit", *there).output)
    assert added["answers"]["feature"]["after"] == ["ci", "pre-commit", "metrics"]
    assert added["answers"]["deploy"]["after"] == ["fly"]
    assert added["notes"] == ["The project has ci already."]
    assert removed["answers"]["feature"]["after"] == []


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


def out_of_space(self: Merge) -> None:
    (self.here.project / "brand new.txt").write_text("half of it")
    raise OSError(28, "No space left on device")


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


def test_a_dry_run_finds_what_is_in_the_way(project: Path) -> None:
    in_the_way(project)
    run = tool("update", str(project), "--yes", "--dry-run")
    assert (run.code, run.output) == (3, "")
    assert "brand new.txt in the way" in run.errors


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


@pytest.mark.skipif(sys.platform == "win32", reason="Windows takes no such names")
def test_temporary_files_may_be_anywhere(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project.parent / 'a:b "c" ü'
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    run = tool("update", str(project), "--yes")
    assert run.code == 0, run.errors
    assert list(folder.iterdir()) == []


def test_a_plain_copier_project_stays_one(project: Path) -> None:
    answers("_src_path: ''", "_src_path: https://example.org/genai-scaffold.git")(project)
    assert tool("update", str(project), "--yes").code == 0
    recorded = (project / ".copier-answers.yml").read_text()
    assert "_src_path: https://example.org/genai-scaffold.git" in recorded


def test_the_template_of_the_fixture_is_the_one_installed(versions: Versions) -> None:
    with versions.after():
        assert template_version() == "0.0.2"


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


def moved_into_a_larger_repository(project: Path) -> None:
    (project / "services").mkdir()
    for path in git(project, "ls-files", "-z").rstrip("\0").split("\0"):
        (project / "services" / path).parent.mkdir(exist_ok=True, parents=True)
        git(project, "mv", path, f"services/{path}")
    git(project, "commit", "--quiet", "-m", "Moved")


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
    assert "--base COMMIT; look for it with: git -C" in said


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


@pytest.mark.parametrize("key", ["framework", "features", "description", "_commit", "unheard_of"])
def test_lists_without_end_are_no_answer(key: str, project: Path) -> None:
    file = project / ".copier-answers.yml"
    kept = re.sub(rf"^{key}:.*\n(?:- .*\n)*", "", file.read_text(), flags=re.MULTILINE)
    lists = "".join(f"x{n + 1}: &x{n + 1} [{', '.join([f'*x{n}'] * 9)}]\n" for n in range(12))
    file.write_text(f"x0: &x0 [lol]\n{lists}{kept}{key}: *x12\n")
    commit(project)
    assert tool("update", str(project), "--yes").code == (0 if key == "unheard_of" else 2)


def test_settings_that_come_through_a_pipe_are_left_alone(project: Path) -> None:
    os.mkfifo(project / ".env")
    assert tool("update", str(project), "--yes").code == 0


def test_a_path_may_have_what_python_takes_for_a_line_break(versions: Versions, made: Path) -> None:
    project = Path.cwd() / "a\u2028b"
    shutil.copytree(made, project)
    with versions.after():
        assert tool("update", str(project), "--yes").code == 0


def test_what_the_system_refuses_is_no_bug(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(project / ".git"))

    before = state(project)
    monkeypatch.setattr(Merge, "bring_objects", refuse)
    run = tool("update", str(project), "--yes")
    assert run.code == 4
    assert "Permission denied" in run.errors
    assert state(project) == before


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
    subprocess.run(shlex.split(said.partition(RESCUE)[2]), check=True, cwd="/")
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
    subprocess.run(shlex.split(said.partition(RESCUE)[2]), check=True, cwd="/")
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
