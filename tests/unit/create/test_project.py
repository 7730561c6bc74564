"""All of a project, or nothing: destinations, staging, git, and what is left after a failure."""

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Run

from genai_scaffold.answers.sources import from_flags
from genai_scaffold.create.install import install_dependencies
from genai_scaffold.create.moving import move_entries
from genai_scaffold.create.plan import Plan, plan_project
from genai_scaffold.create.project import Created, create_project, planned_files
from genai_scaffold.create.repository import THIS_FILE
from genai_scaffold.errors import DestinationError, InstallError
from genai_scaffold.system import process
from genai_scaffold.system.process import Completed, find_program
from genai_scaffold.system.staging import CONTENT, MARKER, sweep_stages

pytestmark = pytest.mark.usefixtures("small_template")

Command = Callable[..., Run]

FILES = {
    ".copier-answers.yml",
    "docs/decision.md",
    "main.py",
    "pyproject.toml",
    "render.yaml",
    "requirements-dev.txt",
    "requirements.txt",
    "start",
}


def tree(directory: Path) -> set[str]:
    """Every path below a directory, except what belongs to git."""
    return {
        path.relative_to(directory).as_posix()
        for path in directory.rglob("*")
        if ".git" not in path.parts
    }


def test_a_project_is_created_with_its_first_commit(run: Command, work: Path) -> None:
    document = run("new", "bot", "--yes", "--json").document
    assert set(document["files"]) == FILES
    assert tree(work / "bot") == FILES | {"docs"}
    assert document["path"] == str(work / "bot")
    assert document["repository"] is True
    assert document["next"][0] == "cd bot"
    log = process.run_program(["git", "log", "--format=%an %D"], directory=work / "bot")
    assert log.output.strip() == "A Tester HEAD -> main"
    assert (
        process.run_program(["git", "status", "--porcelain"], directory=work / "bot").output == ""
    )
    assert os.access(work / "bot/start", os.X_OK)


def file(path: Path) -> None:
    path.write_text("mine")


def full(path: Path) -> None:
    path.mkdir()
    for number in range(12):
        (path / f"{number:02}").touch()


def linked(path: Path) -> None:
    (path.parent / "real").mkdir()
    path.symlink_to("real")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(file, "it is a file", id="file"),
        pytest.param(full, "09, and 2 more", id="not-empty"),
        pytest.param(lambda path: (path.mkdir(), (path / ".x").touch()), ".x", id="hidden-file"),
        pytest.param(linked, "symbolic link", id="link-to-an-empty-directory"),
        pytest.param(lambda path: path.symlink_to("nowhere"), "symbolic link", id="dangling-link"),
        pytest.param(lambda path: path.symlink_to(path), "symbolic link", id="link-to-itself"),
    ],
)
@pytest.mark.parametrize("dry", [[], ["--dry-run"]], ids=["real", "dry-run"])
def test_a_destination_in_the_way_stays_as_it_is(
    make: Callable[[Path], object], words: str, dry: list[str], run: Command, work: Path
) -> None:
    make(work / "bot")
    before = tree(work)
    ended = run("new", "bot", "--yes", *dry)
    assert ended.code == 3
    assert words in ended.errors
    assert len(ended.errors.splitlines()) == 3
    assert tree(work) == before


def cloned(work: Path, *holds: str) -> Path:
    """A fresh clone of a repository with one commit, whose files are these."""
    process.run_program(["git", "init", "-q", "-b", "main", "origin"], directory=work)
    for name in holds:
        (work / "origin" / name).write_text(f"{name} of theirs\n")
    for command in (["add", "--all"], ["commit", "-q", "--allow-empty", "-m", "Theirs"]):
        process.run_program(["git", *command], directory=work / "origin")
    process.run_program(["git", "clone", "-q", "origin", "bot"], directory=work)
    return work / "bot"


def told(repository: Path, *command: str) -> list[str]:
    return process.run_program(["git", *command], directory=repository).output.splitlines()


@pytest.mark.parametrize("flags", [[], ["--git"], ["--no-git"]], ids=["", "git", "no-git"])
@pytest.mark.parametrize("here", [True, False], ids=["here", "named"])
def test_a_fresh_clone_is_taken_with_its_history(
    here: bool, flags: list[str], run: Command, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = cloned(work, "README.rst", "license.txt")
    if here:
        monkeypatch.chdir(clone)
    ended = run("new", "." if here else "bot", "--yes", *flags)
    assert ended.code == 0, ended.errors
    assert "in the repository that was there, and not yet committed" in ended.errors
    assert told(clone, "log", "--format=%s") == ["Theirs"]
    assert told(clone, "remote") == ["origin"]
    assert told(clone, "diff", "HEAD") == []
    new = told(clone, "ls-files", "--others", "--exclude-standard")
    assert set(new) == FILES
    assert (clone / "README.rst").read_text() == "README.rst of theirs\n"
    assert {path.name for path in work.iterdir()} == {"origin", "bot"}


@pytest.fixture
def read_me(small_template: Path) -> Iterator[None]:
    added = [small_template / "templates/project" / name for name in ("README.md", ".gitignore")]
    for file in added:
        file.write_text("Ours.\n")
    yield
    for file in added:
        file.unlink()


@pytest.mark.usefixtures("read_me")
@pytest.mark.parametrize("name", ["README.md", ".gitignore", "Readme.MD", "main.py", "readme-not"])
@pytest.mark.parametrize("dry", [[], ["--dry-run"]], ids=["real", "dry-run"])
def test_a_clone_that_holds_what_the_project_would_is_refused(
    name: str, dry: list[str], run: Command, work: Path
) -> None:
    clone = cloned(work, name)
    before = tree(work)
    ended = run("new", "bot", "--yes", *dry)
    assert (ended.code, f"it holds {name}\n" in ended.errors) == (3, True), ended.errors
    assert tree(work) == before
    assert (clone / name).read_text() == f"{name} of theirs\n"
    assert told(clone, "status", "--porcelain") == []


def test_a_failure_leaves_a_clone_as_it_was(
    run: Command, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = cloned(work, "README.rst")
    before = tree(work)
    rename, count = Path.rename, iter(range(9))

    def failing(path: Path, target: Path) -> Path:
        if next(count) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    assert run("new", "bot", "--yes").code in (3, 4)
    assert tree(work) == before
    assert told(clone, "status", "--porcelain") == []


def test_a_twin_that_differs_by_case_is_another_project_or_in_the_way(
    run: Command, work: Path
) -> None:
    assert run("new", "bot", "--yes", "--no-git").code == 0
    same = (work / "BOT").exists()  # as on most disks of macOS and Windows
    assert run("new", "BOT", "--yes", "--no-git").code == (3 if same else 0)
    assert len(list(work.iterdir())) == (1 if same else 2)


@pytest.mark.parametrize("link", [False, True], ids=["itself", "through a link"])
def test_a_destination_in_the_template_is_refused(
    run: Command, small_template: Path, work: Path, *, link: bool
) -> None:
    before = sorted(small_template.rglob("*"))
    inside = small_template / "templates/project"
    if link:
        (work / "link").symlink_to(inside)
    refused = run("new", str((work / "link" if link else inside) / "bot"), "--yes")
    assert refused.code == 3
    assert "is inside genai-scaffold's own template" in refused.errors
    assert sorted(small_template.rglob("*")) == before


def test_a_parent_that_is_a_file_is_in_the_way(run: Command, work: Path) -> None:
    file(work / "parent")
    ended = run("new", "parent/deep/bot", "--yes")
    assert (ended.code, "not a directory" in ended.errors) == (3, True)
    assert tree(work) == {"parent"}


@pytest.mark.parametrize(
    ("directory", "here"),
    [
        pytest.param("deep/er/bot", "deep/er/bot", id="missing-parents"),
        pytest.param("bot/", "bot", id="trailing-slash"),
        pytest.param("./x/../bot", "bot", id="up-and-down"),
        pytest.param("with space/bot", "with space/bot", id="space"),
        pytest.param("ünïcode/bot", "ünïcode/bot", id="unicode"),
        pytest.param("My.Bot__x", "My.Bot__x", id="normalized-name"),
    ],
)
def test_a_destination_may_be_written_in_many_ways(
    directory: str, here: str, run: Command, work: Path
) -> None:
    (work / "x").mkdir()
    assert run("new", directory, "--yes", "--no-git").code == 0
    assert tree(work / here) >= FILES


def test_an_empty_directory_is_filled_and_keeps_its_mode(run: Command, work: Path) -> None:
    (work / "bot").mkdir(mode=0o750)
    (work / "bot").chmod(0o750)
    assert run("new", "bot", "--yes").code == 0
    assert tree(work / "bot") == FILES | {"docs"}
    assert (work / "bot").stat().st_mode & 0o777 == 0o750


def test_the_working_directory_is_filled_and_stays_itself(run: Command, work: Path) -> None:
    (work / "bot").mkdir()
    os.chdir(work / "bot")
    before = (work / "bot").stat().st_ino
    document = run("new", ".", "--yes", "--json").document
    assert document["answers"]["name"] == {"value": "bot", "source": "directory"}
    assert document["next"][0].startswith("python3 -m venv")
    assert tree(Path.cwd()) == FILES | {"docs"}
    assert (work / "bot").stat().st_ino == before
    assert (work / "bot/.git").is_dir()
    assert [path.name for path in work.iterdir()] == ["bot"]


def test_the_working_directory_is_filled_where_its_parent_cannot_be_written(work: Path) -> None:
    (work / "bot").mkdir()
    work.chmod(0o555)
    ended = as_anyone("new", ".", "--yes", directory=work / "bot")
    work.chmod(0o755)
    assert ended.returncode == 0, ended.stderr
    assert (work / "bot/.git").is_dir()
    assert not [path.name for path in (work / "bot").iterdir() if path.name.startswith(".bot.")]


def test_what_fails_half_way_is_moved_back(work: Path) -> None:
    stage, destination = work / ".stage", work / "bot"
    project = stage / "bot"
    project.mkdir(parents=True)
    destination.mkdir()
    for name in ("a", "b", "c"):
        (project / name).write_text(name)

    class Full(type(project)):  # type: ignore[misc]
        """A directory on a disk that is full after two entries."""

        def rename(self, target: Path) -> Path:
            if self.name == "c":
                raise OSError(28, "No space left on device")
            return Path(super().rename(target))

    with pytest.raises(OSError, match="No space left"):
        move_entries(Full(project), destination)
    assert tree(destination) == set()
    assert tree(project) == {"a", "b", "c"}


def test_what_another_run_is_filling_is_left_to_it(work: Path) -> None:
    project, destination = work / ".stage/bot", work / "bot"
    project.mkdir(parents=True)
    (project / "file").touch()
    (destination / MARKER).mkdir(parents=True)
    with pytest.raises(FileExistsError):
        move_entries(project, destination)
    assert tree(destination) == {MARKER}
    assert tree(project) == {"file"}


def test_missing_parents_go_again_when_it_fails(run: Command, work: Path) -> None:
    (work / ".git").mkdir()
    ended = run("new", "deep/er/bot", "--yes", "--git")
    assert ended.code == 4
    assert "inside the git repository" in ended.errors
    assert "choose a directory outside of it" in ended.errors
    assert {path.name for path in work.iterdir()} == {".git"}


# What the machine may lack.


def test_without_git_the_project_is_made_and_that_is_said(
    run: Command, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    ended = run("new", "bot", "--yes")
    assert ended.code == 0
    assert "git is not installed" in ended.errors
    assert tree(work / "bot") == FILES | {"docs"}
    assert not (work / "bot/.git").exists()


def test_git_that_was_asked_for_and_is_missing_is_an_error(
    run: Command, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert run("new", "bot", "--yes", "--git").code == 4
    assert tree(work) == set()


def test_without_an_identity_nothing_is_committed(run: Command, work: Path) -> None:
    (Path.home() / ".gitconfig").write_text("")
    ended = run("new", "bot", "--yes")
    assert ended.code == 0
    assert "git config --global user.name" in ended.errors
    assert "git config --global user.email" in ended.errors
    status = process.run_program(["git", "status", "--porcelain"], directory=work / "bot").output
    assert "A  main.py" in status


def test_hooks_and_signing_of_the_user_s_do_not_reach_the_first_commit(
    run: Command, work: Path
) -> None:
    hooks = Path.home() / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    # The one that --no-verify does not keep from running.
    (hooks / "prepare-commit-msg").symlink_to("pre-commit")
    with (Path.home() / ".gitconfig").open("a") as config:
        config.write(f"[core]\nhooksPath = {hooks}\nexcludesFile = {hooks}/ignore\n")
        config.write("[commit]\ngpgSign = true\n[gpg]\nprogram = false\n")
        config.write(f"[init]\ntemplateDir = {hooks}\ndefaultBranch = trunk\n")
    (hooks / "ignore").write_text("start\n")
    assert run("new", "bot", "--yes").code == 0
    committed = process.run_program(
        ["git", "ls-tree", "-r", "--name-only", "main"], directory=work / "bot"
    )
    assert set(committed.output.splitlines()) == FILES


def test_a_git_hook_that_runs_us_keeps_its_repository(
    run: Command, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "other").mkdir()
    process.run_program(["git", "init", "-q"], directory=work / "other")
    monkeypatch.setenv("GIT_DIR", str(work / "other/.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(work / "other/.git/index"))
    assert run("new", "bot", "--yes").code == 0
    assert not (work / "other/.git/index").exists()
    assert (work / "bot/.git/index").exists()


def test_there_is_no_repository_inside_a_repository(run: Command, work: Path) -> None:
    process.run_program(["git", "init", "-q"], directory=work)
    ended = run("new", "services/bot", "--yes")
    assert ended.code == 0
    assert f"inside the git repository {work}. Commit it there, or move it out" in ended.errors
    assert not (work / "services/bot/.git").exists()


@pytest.mark.parametrize("directory", ["services/bot", "."], ids=["below the root", "a clone"])
def test_what_a_repository_ignores_of_the_project_is_counted_and_its_rules_named(
    directory: str, run: Command, work: Path
) -> None:
    process.run_program(["git", "init", "-q"], directory=work)
    (work / ".git/info").mkdir(exist_ok=True)
    (work / ".git/info/exclude").write_text("docs/\n*.toml\n")
    ended = run("new", directory, "--name", "bot", "--yes")
    assert ended.code == 0
    process.run_program(["git", "add", "--all"], directory=work)
    kept = process.run_program(["git", "ls-files"], directory=work / directory).output.split()
    made = {path for path in tree(work / directory) if (work / directory / path).is_file()}
    every = {path for path in made if not path.startswith(".git/")}
    assert f"ignores {len(every) - len(kept)} of the project's {len(every)} files" in ended.errors
    assert ".git/info/exclude:1 docs/, .git/info/exclude:2 *.toml" in ended.errors


def test_strict_line_ends_are_no_obstacle(run: Command, work: Path) -> None:
    for name, value in (("core.autocrlf", "true"), ("core.safecrlf", "true")):
        process.run_program(["git", "config", "--global", name, value])
    ended = run("new", "bot", "--yes")
    assert (ended.code, ended.errors) == (0, "")
    assert process.run_program(["git", "log", "--format=%s"], directory=work / "bot").output


def test_a_project_in_our_own_checkout_stays_out_of_our_history(run: Command, work: Path) -> None:
    checkout = work / "genai-scaffold"
    (checkout / THIS_FILE).parent.mkdir(parents=True)
    (checkout / THIS_FILE).touch()
    process.run_program(["git", "init", "-q"], directory=checkout)
    ended = run("new", str(checkout / "bot"), "--yes")
    assert ended.code == 0
    move = f"`mv {checkout}/bot {work}`\n"
    assert f"keep it elsewhere (a .venv has to be made anew there): {move}" in ended.errors
    assert (checkout / "bot/.git").is_dir()
    shutil.move(checkout / "bot", work)
    added = run("add", "docker", "--project", str(work / "bot"))
    assert added.code == 0, added.errors


def as_anyone(*arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run the program as a user whom permissions bind."""
    if sys.platform == "win32":
        pytest.skip("permissions are those of POSIX")
    command = [sys.executable, "-m", "genai_scaffold", *arguments]
    if os.geteuid() == 0:
        # Root may write everywhere, unless it gives its capabilities away.
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *command]
        if not find_program("setpriv"):
            pytest.skip("root needs util-linux's setpriv to be refused anything")
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=directory)


def test_a_parent_that_cannot_be_written_is_an_error_of_the_machine(work: Path) -> None:
    closed = work / "closed"
    closed.mkdir(mode=0o555)
    ended = as_anyone("new", "closed/bot", "--yes", directory=work)
    assert ended.returncode == 4, ended.stderr
    assert f"{closed} cannot be written" in ended.stderr
    assert tree(work) == {"closed"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["--save-answers", "no/saved.yml"], 4, id="no-such-directory"),
        pytest.param(["--save-answers", "saved.yml", "--git"], 4, id="create-fails"),
    ],
)
def test_answers_are_saved_with_the_project_or_not_at_all(
    arguments: list[str], code: int, run: Command, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert run("new", "bot", "--yes", *arguments).code == code
    assert tree(work) == set()


# Left-overs.


@pytest.mark.parametrize(
    ("age", "content", "gone"),
    [
        pytest.param(7200, CONTENT, True, id="old-and-ours"),
        pytest.param(60, CONTENT, False, id="at-work"),
        pytest.param(7200, "something else", False, id="not-ours"),
        pytest.param(7200, None, False, id="no-marker"),
    ],
)
def test_what_a_killed_run_left_is_swept(
    age: int,
    content: str | None,
    gone: bool,
    run: Command,
    work: Path,
) -> None:
    stage = work / ".bot.0123456789abcdef"
    (stage / "bot").mkdir(parents=True)
    if content is not None:
        marker = stage / MARKER
        marker.write_text(content)
        os.utime(marker, (time.time() - age,) * 2)
    assert run("new", "other", "--yes", "--no-git").code == 0
    assert stage.exists() is not gone


def test_a_link_to_a_stage_is_no_stage(work: Path) -> None:
    real = work / "real"
    real.mkdir()
    (real / MARKER).write_text(CONTENT)
    os.utime(real / MARKER, (0, 0))
    (work / ".bot.0123").symlink_to(real)
    sweep_stages(work)
    assert (work / ".bot.0123").is_symlink()
    assert (real / MARKER).exists()


@pytest.mark.parametrize("existing", [False, True], ids=["new", "working-directory"])
def test_of_two_runs_at_once_one_wins_and_nothing_mixes(
    existing: bool,
    work: Path,
) -> None:
    destination = work / "bot"
    if existing:
        destination.mkdir()
        os.chdir(destination)
    plans = [
        plan_project(from_flags({"description": text}), str(destination)) for text in ("one", "two")
    ]
    planned_files(plans[0])
    together = threading.Barrier(2)
    outcomes: list[object] = []

    def create(planned: Plan) -> None:
        def wait(step: str) -> None:
            if step.startswith("Moving"):
                together.wait(timeout=20)

        try:
            outcomes.append(create_project(planned, git=False, progress=wait))
        except DestinationError as refused:
            outcomes.append(refused)

    threads = [threading.Thread(target=create, args=[planned]) for planned in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [outcome for outcome in outcomes if isinstance(outcome, Created)]
    assert len(winners) == 1, outcomes
    text = str(winners[0].plan.answers["description"])
    for name in ("pyproject.toml", "render.yaml", "main.py"):
        assert text in (destination / name).read_text()
    assert tree(destination) == FILES | {"docs"}
    assert [path.name for path in work.iterdir()] == ["bot"]


# The installation.


def test_a_project_is_installed(run: Command, work: Path) -> None:
    document = run("new", "bot", "--yes", "--json", "--install").document
    assert document["installed"] is True
    assert (work / "bot/.venv/bin/python").exists()
    assert not any("venv .venv" in step for step in document["next"])


def test_a_failed_installation_keeps_the_project(
    run: Command, small_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(small_template, broken)
    requirements = broken / "templates/project/requirements-dev.txt"
    requirements.write_text("-r missing.txt\n")
    monkeypatch.setattr("genai_scaffold.template.packaged.template_root", lambda: broken)
    ended = run("new", "bot", "--yes", "--json", "--install")
    assert ended.code == 6
    assert json.loads(ended.output)["installed"] is False
    assert "cd bot && python3 -m venv .venv" in ended.errors
    assert Path("bot/main.py").exists()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        pytest.param(
            "WARNING: Retrying after connection broken by 'NewConnectionError(…)'\n"
            "ERROR: No matching distribution found for fastapi==1.0",
            "the package index could not be reached",
            id="pip",
        ),
        pytest.param(
            "WARNING: Retrying after connection broken by 'NameResolutionError(…)'\n"
            "ERROR: No matching distribution found for fastapi==1.0",
            "the package index could not be reached",
            id="a-newer-pip",
        ),
        pytest.param(
            "ERROR: Could not find a version that satisfies the requirement fastapi==1.0"
            " (from versions: none)\nERROR: No matching distribution found for fastapi==1.0",
            "could not be reached, or has no fastapi==1.0",
            id="pip-without-retries",
        ),
        pytest.param(
            "error: Request failed\n  cause: client error (Connect)",
            "the package index could not be reached",
            id="uv",
        ),
        pytest.param(
            "error: No solution found\n\nhint: … because the network was disabled.",
            "the package index could not be reached",
            id="uv-offline",
        ),
        pytest.param("ERROR: No matching distribution found for a", "found for a", id="a-package"),
    ],
)
def test_a_network_that_is_not_there_is_said_to_be_so(
    said: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = Completed(1, "", said)
    monkeypatch.setattr(process, "run_program", lambda *_, **__: failed)
    with pytest.raises(InstallError) as raised:
        install_dependencies(tmp_path, "bot")
    assert raised.value.why.endswith(why)
