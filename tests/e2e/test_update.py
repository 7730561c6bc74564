"""Two releases of the tool, made by the release script, and projects that live through both."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest
from repositories import commit, contents, git

from e2e import walkthrough
from e2e.conftest import REPOSITORY
from e2e.machine import Machine
from e2e.projects import Project
from e2e.servers import serving
from genai_scaffold import __version__
from genai_scaffold.project.record import ANSWERS_FILE
from genai_scaffold.system.git import FIRST_COMMIT

pytestmark = pytest.mark.slow

FIRST, SECOND = "90.0.0", "90.1.0"
FRAMEWORKS = ("fastapi", "flask")
SERVICE = "templates/project/{% if preset == 'service' %}backend{% endif %}"
VERSIONS = f"{SERVICE}/{{% if database %}}migrations{{% endif %}}/versions"
NEWS = "Of the second release."
NAMED = "def version() -> str:\n    return 'the second one'\n"
LATER = """import sqlalchemy as sa
from alembic import op

revision = "history_2"
down_revision = "history_1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("later", sa.Column("id", sa.Integer(), primary_key=True))


def downgrade() -> None:
    op.drop_table("later")
"""
# A feature with a table, in a module that its router imports.
FEATURE = """from sqlalchemy.orm import Mapped, mapped_column

from backend.tables import Base


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
"""


class Releases(NamedTuple):
    """A repository with two releases, and the installed tool of each."""

    repository: Path
    first: Path
    second: Path


@pytest.fixture(scope="session")
def releases(machine: Machine) -> Releases:
    """The checkout released as it is, then with a change to templates that are released."""
    repository = machine.folder / "releases"
    listed = git(REPOSITORY, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for path in filter(None, listed.split("\0")):
        if (REPOSITORY / path).exists():
            (repository / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / path, repository / path)
    git(repository, "init", "--quiet", "--initial-branch", "main")
    first = released(machine, repository, FIRST)
    (repository / SERVICE / "version.py").write_text(NAMED)
    errors = repository / SERVICE / "errors.py.jinja"
    agents = repository / "templates/workspace/AGENTS.md.jinja"
    agents.write_text(f"{agents.read_text()}- {NEWS}\n")
    errors.write_text(errors.read_text().replace('"""', '"""Of the second release. ', 1))
    (repository / VERSIONS / "history_2.py").write_text(LATER)
    (repository / SERVICE / "api/sse.py").rename(repository / SERVICE / "api/events.py")
    for file in (repository / "templates").rglob("*.py*"):
        text = file.read_text("utf-8").replace("backend.api.sse", "backend.api.events")
        file.write_text(text.replace("api import sse", "api import events as sse"))
    return Releases(repository, first, released(machine, repository, SECOND))


def released(machine: Machine, repository: Path, version: str) -> Path:
    """Releases the repository as it is; the installed tool."""
    changelog = repository / "CHANGELOG.md"
    heading = f"# Changelog\n\n## {version} (not yet released)\n"
    changelog.write_text(changelog.read_text().replace("# Changelog\n", heading, 1))
    machine.run(
        *(sys.executable, "scripts/release.py", version),
        directory=repository,
        PYTHONPATH=str(repository / "src"),
    )
    commit(repository, version)
    git(repository, "tag", f"v{version}")
    wheels = machine.folder / f"wheel-{version}"
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(repository))
    machine.run(sys.executable, *build)
    [wheel] = wheels.glob("*.whl")
    return machine.environment(f"tool-{version}", str(wheel)) / "genai-scaffold"


def made(machine: Machine, tool: Path, folder: Path, *flags: str) -> Path:
    machine.run(str(tool), "new", str(folder), "--yes", "--no-git", *flags)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder, FIRST_COMMIT)
    return folder


def without_network(*command: str) -> tuple[str, ...]:
    """The same command where there is no network, which takes the rights to cut it off."""
    return ("unshare", "--net", *command) if os.geteuid() == 0 else command


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_update_comes_out_as_a_new_project_with_the_user_s_work(
    machine: Machine, releases: Releases, framework: str, tmp_path: Path
) -> None:
    flags = ("--framework", framework, "--feature", "metrics")
    project = made(machine, releases.first, tmp_path / "my-app", *flags)
    fresh = made(machine, releases.second, tmp_path / "fresh" / "my-app", *flags)
    moved = project / "backend/api/sse.py"
    moved.write_text(f"{moved.read_text()}\n\nMINE = 1\n")
    (project / "backend/mine.py").write_text("MINE = 2\n")
    (project / ".env").write_text("LOG_LEVEL=DEBUG\n")
    commit(project)
    update = without_network(str(releases.second), "update", str(project))
    assert f"Merged {FIRST} → {SECOND}" in machine.run(*update)
    expected = contents(fresh)
    expected["backend/api/events.py"] += b"\n\nMINE = 1\n"
    expected |= {"backend/mine.py": b"MINE = 2\n", ".env": b"LOG_LEVEL=DEBUG\n"}
    assert contents(project) == expected
    commit(project)
    assert "up to date" in machine.run(*update)


def test_a_workspace_and_each_of_its_services_are_updated_by_themselves(
    machine: Machine, releases: Releases, tmp_path: Path
) -> None:
    shop = made(machine, releases.first, tmp_path / "shop", "--preset", "workspace")
    for name, framework in zip(("chat", "ingest"), FRAMEWORKS, strict=True):
        flags = ("--yes", "--quiet", "--framework", framework)
        machine.run(str(releases.first), "new", str(shop / "services" / name), *flags)
    machine.run(str(releases.first), "update", str(shop))
    commit(shop)
    with (shop / "compose.yaml").open("a", encoding="utf-8") as compose:
        compose.write("services:\n  mail:\n    image: mailpit\n")
    commit(shop)
    started = contents(shop)
    parts = {"": {ANSWERS_FILE, "AGENTS.md"}}
    for name in ("chat", "ingest"):
        code = ("version.py", "errors.py", "api/sse.py", "api/events.py")
        parts[f"services/{name}/"] = {ANSWERS_FILE, *(f"backend/{path}" for path in code)}
    for part, expected in parts.items():
        before = contents(shop)
        said = machine.run(str(releases.second), "update", str(shop / part))
        assert (f"Merged {FIRST} → {SECOND}" in said, "0 in conflict" in said) == (True, True)
        changed = {path for path, _ in before.items() ^ contents(shop).items()}
        assert {part + path for path in expected} <= changed
        assert all(path.startswith(part) for path in changed)
        assert part or changed == expected
        commit(shop)
    assert NEWS in (shop / "AGENTS.md").read_text()
    assert contents(shop)["compose.yaml"] == started["compose.yaml"]
    for part in parts:
        assert "up to date" in machine.run(str(releases.second), "update", str(shop / part))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_feature_as_the_readme_has_it_lives_through_all(
    machine: Machine,
    releases: Releases,
    framework: str,
    tmp_path: Path,
    project: Callable[[str], Project],
) -> None:
    folder = made(machine, releases.first, tmp_path / "my-app", "--framework", framework)
    files, commands = walkthrough.change_it(folder)
    walkthrough.write(folder, files)
    here = project(f"{framework}-azure")._replace(folder=folder, name=framework)  # with metrics
    (folder / ".venv").symlink_to(here.programs.parent)
    assert "1 passed" in here.run("bash", "-c", commands[0])
    here.run("bash", "-c", commands[1].removesuffix(" && .venv/bin/pytest\n"))
    with serving(here) as server, httpx2.Client(base_url=server.url) as client:
        assert "/tickets" in client.get("/openapi.json").json()["paths"]
        assert client.post("/tickets", json={"text": "Hello"}).json()["subject"] == "subject"
        assert "tickets" in client.get("/v1/usage").json()["by_operation"]
    commit(folder)

    for command in (["add", "metrics", "--project"], ["update"]):
        machine.run(str(releases.second), *command, str(folder))
        assert walkthrough.read(folder, files) == files
        assert "1 passed" in here.run("bash", "-c", commands[0])
        commit(folder)

    other = next(name for name in FRAMEWORKS if name != framework)
    said = machine.run(str(releases.second), "switch", other, str(folder))
    assert walkthrough.read(folder, files) == files
    to_look_at = said.partition("To look at")[2]
    assert "backend/api/routers/tickets.py" in to_look_at
    assert "backend/features/tickets.py" in to_look_at
    rewritten, commands = walkthrough.change_it(folder)
    assert rewritten["tests/test_tickets.py"] == files["tests/test_tickets.py"]
    walkthrough.write(folder, rewritten)
    there = project(f"{other}-azure")._replace(folder=folder)
    (folder / ".venv").unlink()
    (folder / ".venv").symlink_to(there.programs.parent)
    assert "1 passed" in there.run("bash", "-c", commands[0])


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_switch_comes_out_as_a_new_project_and_back_as_it_was(
    machine: Machine, releases: Releases, framework: str, tmp_path: Path
) -> None:
    folder = made(machine, releases.first, tmp_path / "my-app", "--framework", framework)
    other = next(name for name in FRAMEWORKS if name != framework)
    fresh = made(machine, releases.first, tmp_path / "fresh" / "my-app", "--framework", other)
    before = contents(folder)
    machine.run(str(releases.first), "switch", other, str(folder))
    assert contents(folder) == contents(fresh)
    commit(folder)
    machine.run(str(releases.first), "switch", framework, str(folder))
    assert contents(folder) == before


def test_what_is_kept_outlives_updates_and_switches(
    machine: Machine, releases: Releases, tmp_path: Path, project: Callable[[str], Project]
) -> None:
    url = f"sqlite:///{tmp_path / 'app.db'}"
    flags = ("--framework", "fastapi", "--deploy", "systemd")
    folder = made(machine, releases.first, tmp_path / "my-app", *flags)
    machine.run(str(releases.first), "add", "history", "--project", str(folder))
    commit(folder)
    here = project("fastapi-history")._replace(folder=folder)

    def run(*command: str) -> str:
        return machine.run(*command, directory=folder, **here.variables, DATABASE_URL=url)

    def said() -> list[str]:
        with (
            serving(here, DATABASE_URL=url) as server,
            httpx2.Client(base_url=server.url) as client,
        ):
            message = {"role": "user", "parts": [{"type": "text", "text": "Hello"}]}
            asked = client.post("/api/chat", json={"id": "c1", "message": message})
            assert asked.status_code == 200
            kept = client.get("/api/chats/c1").json()["messages"]
        return [each["role"] for each in kept]

    def tables() -> set[str]:
        with closing(sqlite3.connect(tmp_path / "app.db")) as database:
            found = database.execute("select name from sqlite_master where type = 'table'")
            return {name for (name,) in found}

    assert said() == ["user", "assistant"]
    (folder / "backend/features/notes.py").write_text(FEATURE)
    models = folder / "backend/api/routers/__init__.py"
    models.write_text(f"{models.read_text()}\nfrom backend.features import notes  # noqa: F401\n")
    own = ("alembic", "revision", "--autogenerate", "--head", "base", "--branch-label", "app")
    run(*own, "--message", "Notes")
    run("python", "-m", "backend.migrate")
    assert tables() >= {"notes", "items"}
    commit(folder)
    machine.run(str(releases.second), "update", str(folder))
    assert "later" not in tables()
    run("python", "-m", "backend.migrate")
    assert tables() >= {"notes", "items", "later"}
    assert said() == ["user", "assistant"] * 2
    commit(folder)
    machine.run(str(releases.second), "switch", "flask", str(folder))
    here = project("flask-history")._replace(folder=folder)
    run("python", "-m", "backend.migrate")
    assert said() == ["user", "assistant"] * 3
    commit(folder)
    removed = machine.run(str(releases.second), "remove", "history", "--project", str(folder))
    assert "its tables conversations, turns and items" in removed
    assert tables() >= {"notes", "items", "later"}
    assert (folder / "backend/features/notes.py").exists()


EXTRAS = [
    *(("fastapi", "service", name) for name in ("metrics", "tracing", "heroku", "kubernetes")),
    *(("flask", "service", name) for name in ("metrics", "tracing", "mod-wsgi", "fly")),
    *((each, "service", name) for each in FRAMEWORKS for name in ("tools", "history", "documents")),
    ("fastapi", "prototype", "ci"),
    ("flask", "prototype", "docker"),
]


@pytest.mark.parametrize(("framework", "preset", "name"), EXTRAS)
def test_what_is_added_and_removed_again_leaves_nothing(
    framework: str, preset: str, name: str, machine: Machine, scaffold: Path, tmp_path: Path
) -> None:
    flags = ("--framework", framework, "--preset", preset)
    project = made(machine, scaffold, tmp_path / "my-app", *flags)
    before = contents(project)
    machine.run(str(scaffold), "add", name, "--project", str(project))
    assert contents(project) != before
    commit(project)
    machine.run(str(scaffold), "remove", name, "--project", str(project))
    assert contents(project) == before


@pytest.mark.parametrize("preset", ["service", "prototype"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_there_and_back_is_where_it_was(
    framework: str, preset: str, machine: Machine, scaffold: Path, tmp_path: Path
) -> None:
    flags = ("--framework", framework, "--preset", preset)
    project = made(machine, scaffold, tmp_path / "my-app", *flags)
    before = contents(project)
    for name in (next(name for name in FRAMEWORKS if name != framework), framework):
        machine.run(str(scaffold), "switch", name, str(project))
        commit(project)
    assert contents(project) == before


def test_plain_copier_makes_and_updates_a_project(
    machine: Machine, releases: Releases, tmp_path: Path
) -> None:
    copier = (str(releases.second.with_name("copier")),)
    url = f"git+file://{releases.repository}"
    project = tmp_path / "my-app"
    machine.run(*copier, "copy", "--defaults", "--vcs-ref", f"v{FIRST}", url, str(project))
    recorded = (project / ANSWERS_FILE).read_text()
    assert f"_commit: v{FIRST}\n" in recorded
    assert f"_src_path: {url}\n" in recorded
    git(project, "init", "--quiet")
    (project / "backend/mine.py").write_text("MINE = 2\n")
    commit(project)
    ours = tmp_path / "ours"
    shutil.copytree(project, ours)
    machine.run(*copier, "update", "--defaults", directory=project, **identity(machine))
    assert (project / "backend/version.py").read_text() == NAMED
    # The same project is one of ours, too, and stays one of Copier's.
    machine.run(str(releases.second), "update", str(ours))
    assert contents(ours) == contents(project)


def identity(machine: Machine) -> Mapping[str, str]:
    """Copier commits on its way, and so needs to be somebody."""
    config = Path(machine.variables["HOME"]) / ".gitconfig"
    config.write_text("[user]\nname = A User\nemail = user@example.org\n")
    return {"GIT_CONFIG_GLOBAL": str(config)}


def test_the_release_script_says_what_is_wrong(machine: Machine, releases: Releases) -> None:
    program = (sys.executable, "scripts/release.py", FIRST)
    ended = subprocess.run(
        program,
        cwd=releases.repository,
        env={**machine.variables, "PYTHONPATH": str(releases.repository / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert f"{FIRST} is not newer than {SECOND}" in ended.stderr
    assert git(releases.repository, "status", "--porcelain") == ""


KILLS = 20


def test_killed_at_any_moment_the_project_is_one_command_from_where_it_was(
    machine: Machine, scaffold: Path, tmp_path: Path
) -> None:
    project = made(machine, scaffold, tmp_path / "my-app", "--framework", "fastapi")
    before = contents(project)
    switch = (str(scaffold), "switch", "flask", str(project), "--yes")
    started = time.monotonic()
    machine.run(*switch)
    duration = time.monotonic() - started
    undo = ("git", "-C", str(project), "restore", "--source=HEAD", "--staged", "--worktree", "--")
    machine.run(*undo, ".")
    assert contents(project) == before
    moments = random.Random(20)  # noqa: S311 - no secret
    for number in range(KILLS):
        with subprocess.Popen(
            switch,
            env=machine.variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            if number % 2:
                # The moments in which the user's files are written are few: they are sought.
                wait_until_it_writes(process, project)
                time.sleep(moments.uniform(0, 0.1))
            else:
                time.sleep(moments.uniform(0, duration))
            # With every git that it started.
            os.killpg(process.pid, signal.SIGKILL)
        lock = project / ".git/index.lock"
        if lock.exists():  # as any git leaves it that is killed
            refused = subprocess.run(
                switch, env=machine.variables, capture_output=True, text=True, check=False
            )
            assert f"remove {lock}" in refused.stderr
            lock.unlink()
        if git(project, "status", "--porcelain"):
            machine.run(*undo, ".")
        assert contents(project) == before, number
        assert git(project, "status", "--porcelain") == ""
        git(project, "fsck", "--strict")
    machine.run(*switch)
    assert (project / "app.py").exists()


def wait_until_it_writes(process: subprocess.Popen[bytes], project: Path) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if list((project / ".git").glob(".genai-scaffold*")):
            return
        time.sleep(0.001)


def test_a_development_version_is_known_by_the_release_of_its_template(
    machine: Machine, scaffold: Path, releases: Releases, tmp_path: Path
) -> None:
    project = made(machine, scaffold, tmp_path / "my-app")
    assert f"_commit: v{__version__}+" in (project / ANSWERS_FILE).read_text()
    machine.run(str(releases.second), "update", str(project))
    assert (project / "backend/version.py").read_text() == NAMED
