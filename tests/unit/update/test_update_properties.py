"""Whatever a user does to a real project: after `update` or `switch`, each of their lines is there.

Twenty seeded examples, about a minute in all: one that fails is run again by its name.
"""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import REPOSITORY
from repositories import Versions, commit, contents, copied, git, new, tool

from genai_scaffold.project.record import ANSWERS_FILE

pytestmark = pytest.mark.slow

FRAMEWORKS = ("fastapi", "flask")
OTHER = dict(zip(FRAMEWORKS, reversed(FRAMEWORKS), strict=True))
BACKEND = "templates/project/{% if preset == 'service' %}backend{% endif %}"
TESTS = "templates/project/{% if preset == 'service' %}tests{% endif %}"
# Where the newer template adds a file, and where it moves one to.
ADDED, MOVED = "backend/version.py", "backend/api/events.py"
IGNORED = [".env", "local/notes.txt", "backend/private.py"]
UNTRACKED = ["scratch.py", "backend/scratch.py", "notes/today.md"]
EDITS = 30


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Versions:
    """The real templates: the newer one edits every module, moves one, drops one and adds one."""
    two = copied(REPOSITORY, tmp_path_factory.mktemp("versions"))
    for module in (two.new / "templates").rglob("*.py"):
        lines = module.read_text("utf-8").splitlines(keepends=True)
        lines[len(lines) // 2 : len(lines) // 2] = ["# Said by the newer template.\n"]
        module.write_text("".join(["# Begun by the newer template.\n", *lines]), "utf-8")
    (two.new / BACKEND / "api/sse.py").rename(two.new / BACKEND / "api/events.py")
    (two.new / TESTS / "test_logs.py").unlink()
    (two.new / BACKEND / "version.py").write_text("VERSION = 2\n")
    two.record()
    return two


@pytest.fixture(scope="module", params=FRAMEWORKS)
def fresh(
    request: pytest.FixtureRequest, versions: Versions, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """A project of the older template, for each framework."""
    folder = tmp_path_factory.mktemp(request.param) / "my-app"
    with versions.before():
        return request.param, new(folder, "--framework", request.param)


class User:
    """Somebody who edits at random; each of their lines is told from all others."""

    def __init__(self, project: Path, seed: int) -> None:
        self.project = project
        self.dice = random.Random(seed)  # noqa: S311 - no secret
        self.lines = 0

    def works(self) -> None:
        for _ in range(EDITS):
            edit = self.dice.choice(
                [self.insert, self.insert, self.replace, self.move, self.delete]
            )
            edit(self.project / self.dice.choice(list(self.files())))
        for path in (ADDED, MOVED, "backend/mine.py", "mine/deep/notes.md"):
            if self.dice.random() < 0.5:
                self.write(path)

    def files(self) -> Iterator[str]:
        for path in git(self.project, "ls-files", "-z").rstrip("\0").split("\0"):
            if path != ANSWERS_FILE and (self.project / path).is_file():
                yield path

    def line(self) -> str:
        self.lines += 1
        return f"# written by the user: {self.lines} of them\n"

    def insert(self, file: Path, replaced: int = 0) -> None:
        lines = file.read_text("utf-8").splitlines(keepends=True)
        at = self.dice.randint(0, len(lines))
        lines[at : at + replaced] = [self.line()]
        file.write_text("".join(lines), "utf-8")

    def replace(self, file: Path) -> None:
        self.insert(file, replaced=self.dice.randint(1, 4))

    def move(self, file: Path) -> None:
        folder = self.dice.choice([file.parent, self.project / "moved"])
        folder.mkdir(exist_ok=True)
        file.rename(folder / f"{file.stem}-{self.lines}{file.suffix}")
        git(self.project, "add", "--all")

    def delete(self, file: Path) -> None:
        file.unlink()

    def write(self, path: str) -> None:
        (self.project / path).parent.mkdir(parents=True, exist_ok=True)
        (self.project / path).write_text(self.line() * 3)


def the_users_lines(files: dict[str, bytes]) -> set[bytes]:
    return {
        line
        for content in files.values()
        for line in content.splitlines()
        if line.startswith(b"# written by the user")
    }


@pytest.mark.parametrize("command", ["update", "switch"])
@pytest.mark.parametrize("seed", range(5))
def test_nothing_that_the_user_wrote_vanishes(
    versions: Versions, fresh: tuple[str, Path], command: str, seed: int, tmp_path: Path
) -> None:
    framework, made = fresh
    project = tmp_path / "my-app"
    shutil.copytree(made, project, symlinks=True)
    user = User(project, seed)
    user.works()
    with (project / ".gitignore").open("a") as file:
        file.writelines(f"/{path}\n" for path in IGNORED)
    commit(project)
    for path in [*IGNORED, *UNTRACKED]:
        user.write(path)
    before = contents(project)
    assert len(the_users_lines(before)) > EDITS / 3
    with versions.after():
        arguments = [OTHER[framework]] if command == "switch" else []
        run = tool(command, *arguments, str(project), "--yes", "--json")
    assert run.code in {0, 3}, run.errors
    said = json.loads(run.output)
    assert bool(said["conflicts"]) == (run.code == 3)
    after = contents(project)
    # In the working tree, that is: also what is in conflict is there.
    assert the_users_lines(before) - the_users_lines(after) == set()
    for path in [*IGNORED, *UNTRACKED]:
        assert after[path] == before[path], path
    assert ANSWERS_FILE not in [conflict["path"] for conflict in said["conflicts"]]
    assert before[ANSWERS_FILE] != after[ANSWERS_FILE]
