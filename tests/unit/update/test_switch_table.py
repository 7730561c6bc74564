"""What switch, add and remove do with the files of a project that its user has worked on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from repositories import commit, contents, git, new, tool

pytestmark = pytest.mark.slow

USER = "# by the user\n"


class Row(NamedTuple):
    """A file: what the user does to it, and what is to come of it, where."""

    path: str
    user: str
    outcome: str
    where: str = ""

    @property
    def result(self) -> str:
        return self.where or self.path


class Command(NamedTuple):
    """A command, the project that it is tried on, and what becomes of that project's files."""

    words: tuple[str, ...]
    flags: tuple[str, ...]
    rows: tuple[Row, ...]


OWN = "mine/module.py"
TO_FLASK = (
    Row("backend/ai/provider.py", "nothing", "as in a new project"),
    Row("backend/settings.py", "edited", "merged"),
    Row("README.md", "edited", "merged"),
    Row("pyproject.toml", "edited", "merged"),
    Row("backend/logs.py", "edited", "the user's"),
    Row("backend/ai/relay.py", "deleted", "gone"),
    Row("backend/limits.py", "deleted", "stays deleted"),
    Row("backend/api/routing.py", "replaced", "in conflict"),
    Row("backend/gateway/service.py", "moved", "merged", "mine/service.py"),
    Row("gunicorn.conf.py", "replaced", "in conflict"),
    Row("main.py", "nothing", "gone"),
    Row("app.py", "nothing", "as in a new project"),
    Row("tests/serving.py", "ignored", "left alone"),
    Row(OWN, "replaced", "the user's"),
    Row(".env", "replaced", "the user's"),
)
TO_FASTAPI = (
    Row("backend/ai/provider.py", "nothing", "as in a new project"),
    Row("backend/settings.py", "edited", "merged"),
    Row("backend/logs.py", "edited", "the user's"),
    Row("backend/limits.py", "deleted", "stays deleted"),
    Row("gunicorn.conf.py", "edited", "kept, in conflict"),
    Row("main.py", "replaced", "in conflict"),
    Row("backend/api/routing.py", "replaced", "in conflict"),
    Row(OWN, "replaced", "the user's"),
)
ADDED = (
    Row("backend/metrics.py", "replaced", "in conflict"),
    Row("tests/test_metrics.py", "nothing", "as in a new project"),
    Row("pyproject.toml", "edited", "merged"),
    Row("backend/api/routers/operations.py", "deleted", "stays deleted"),
    Row("backend/ai/call.py", "moved", "merged", "mine/call.py"),
    Row("README.md", "ignored", "left alone"),
    Row("backend/logs.py", "edited", "the user's"),
    Row(OWN, "replaced", "the user's"),
)
REMOVED = (
    Row("backend/metrics.py", "edited", "kept, in conflict"),
    Row("tests/test_metrics.py", "nothing", "gone"),
    Row("pyproject.toml", "edited", "merged"),
    Row("backend/api/routers/operations.py", "deleted", "stays deleted"),
    Row("README.md", "edited", "merged"),
    Row(OWN, "replaced", "the user's"),
)
TARGET_ADDED = (
    Row("Procfile", "replaced", "in conflict"),
    Row("render.yaml", "edited", "the user's"),
    Row("DEPLOY.md", "edited", "merged"),
)
TARGET_REMOVED = (
    Row("render.yaml", "edited", "kept, in conflict"),
    Row("Dockerfile", "edited", "the user's"),
)
COMMANDS = [
    Command(("switch", "flask"), ("--framework", "fastapi"), TO_FLASK),
    Command(("switch", "fastapi"), ("--framework", "flask"), TO_FASTAPI),
    *(
        Command(words, ("--framework", framework, *flags), rows)
        for framework in ("fastapi", "flask")
        for words, flags, rows in (
            (("add", "metrics", "--project"), (), ADDED),
            (
                ("remove", "metrics", "--project"),
                ("--feature", "metrics", "--feature", "ci"),
                REMOVED,
            ),
            (("add", "heroku", "--project"), ("--deploy", "render"), TARGET_ADDED),
            (
                ("remove", "render", "--project"),
                ("--deploy", "render", "--deploy", "docker"),
                TARGET_REMOVED,
            ),
        )
    ),
]


def name(command: Command) -> str:
    return " ".join((*command.words, *command.flags[:2]))


class Merged(NamedTuple):
    """A project after a command, its files as the user left them, and a new project's."""

    project: Path
    before: dict[str, bytes]
    fresh: dict[str, bytes]
    said: dict[str, Any]

    def read(self, path: str) -> str:
        return (self.project / path).read_text("utf-8")

    @property
    def conflicts(self) -> dict[str, str]:
        return {conflict["path"]: conflict["kind"] for conflict in self.said["conflicts"]}


def edited(file: Path) -> str:
    """The file with a line more, where the frameworks do not differ."""
    first, _, rest = file.read_text("utf-8").partition("\n")
    return f"{first}\n{USER}{rest}"


def edit(row: Row, project: Path) -> None:
    file = project / row.path
    file.parent.mkdir(exist_ok=True)
    match row.user:
        case "edited":
            file.write_text(edited(file))
        case "replaced":
            file.write_text(USER)
        case "deleted":
            file.unlink()
        case "moved":
            (project / row.where).parent.mkdir(exist_ok=True)
            (project / row.where).write_text(edited(file))
            file.unlink()
        case "ignored":
            git(project, "rm", "--quiet", "--cached", "--", row.path)
            with (project / ".gitignore").open("a") as ignored:
                ignored.write(f"/{row.path}\n")
            file.write_text(USER)


@pytest.fixture(scope="module", params=[pytest.param(c, id=name(c)) for c in COMMANDS])
def done(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Merged:
    command: Command = request.param
    folder = tmp_path_factory.mktemp("command")
    project = new(folder / "my-app", *command.flags)
    (folder / "fresh").mkdir()
    fresh = new(folder / "fresh" / "my-app", *command.flags)
    assert tool(*command.words, str(fresh)).code == 0
    for row in command.rows:
        edit(row, project)
    commit(project)
    before = contents(project)
    run = tool(*command.words, str(project), "--json")
    assert run.code in (0, 3), run.errors
    return Merged(project, before, contents(fresh), json.loads(run.output))


def as_in_a_new_project(done: Merged, path: str) -> None:
    assert (done.project / path).read_bytes() == done.fresh[path]


def merged(done: Merged, path: str) -> None:
    assert path not in done.conflicts
    assert done.read(path).count(USER) == 1
    assert (done.project / path).read_bytes() != done.before[path]


def the_users(done: Merged, path: str) -> None:
    assert path not in done.conflicts
    assert (done.project / path).read_bytes() == done.before[path]


def in_conflict(done: Merged, path: str) -> None:
    assert path in done.conflicts
    assert USER in done.read(path)
    assert "\n>>>>>>> genai-scaffold-" in done.read(path)


def kept_in_conflict(done: Merged, path: str) -> None:
    assert done.conflicts[path] == "changed by you, dropped by the template"
    assert (done.project / path).read_bytes() == done.before[path]


def gone(done: Merged, path: str) -> None:
    assert not (done.project / path).exists()
    assert path not in done.said["kept_deleted"]


def stays_deleted(done: Merged, path: str) -> None:
    assert not (done.project / path).exists()
    assert path in done.said["kept_deleted"]


def left_alone(done: Merged, path: str) -> None:
    assert done.read(path) == USER
    assert path in done.said["ignored"]


OUTCOMES: dict[str, Callable[[Merged, str], None]] = {
    "as in a new project": as_in_a_new_project,
    "merged": merged,
    "the user's": the_users,
    "in conflict": in_conflict,
    "kept, in conflict": kept_in_conflict,
    "gone": gone,
    "stays deleted": stays_deleted,
    "left alone": left_alone,
}


def test_every_file_comes_out_as_it_should(
    done: Merged, request: pytest.FixtureRequest, subtests: pytest.Subtests
) -> None:
    command: Command = request.node.callspec.params["done"]
    for row in command.rows:
        with subtests.test(file=row.path, user=row.user):
            OUTCOMES[row.outcome](done, row.result)


def test_nothing_else_of_the_project_changes(done: Merged) -> None:
    said = {change["path"] for change in done.said["changes"]} | set(done.conflicts)
    after = contents(done.project)
    paths = done.before.keys() | after.keys()
    assert {path for path in paths if done.before.get(path) != after.get(path)} <= said
