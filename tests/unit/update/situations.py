"""What a user's project and repository may be like."""

import shutil
from collections.abc import Callable
from pathlib import Path

from repositories import Versions, commit, contents, git, tool

from genai_scaffold.merge.landing import Merge

LEFT = "backend/api/routers/__init__.py"


def state(project: Path) -> tuple[dict[str, bytes], str, str]:
    """All that an update could change: files, index, history."""
    return (
        contents(project),
        git(project, "ls-files", "--stage"),
        git(project, "log", "--all", "--format=%H"),
    )


def no_repository(project: Path) -> None:
    shutil.rmtree(project / ".git")


def changed(project: Path) -> None:
    (project / "text.txt").write_text("changed\n")


def staged(project: Path) -> None:
    (project / "mine.txt").write_text("mine\n")
    git(project, "add", "mine.txt")


def at_work(project: Path) -> None:
    (project / ".git/index.lock").touch()


def answers(old: str, new: str) -> Callable[[Path], None]:
    def change(project: Path) -> None:
        file = project / ".copier-answers.yml"
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
        commit(project)

    return change


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


FIRST = "Start from genai-scaffold"


def out_of_space(self: Merge) -> None:
    (self.here.project / "brand new.txt").write_text("half of it")
    raise OSError(28, "No space left on device")


def moved_into_a_larger_repository(project: Path) -> None:
    (project / "services").mkdir()
    for path in git(project, "ls-files", "-z").rstrip("\0").split("\0"):
        (project / "services" / path).parent.mkdir(exist_ok=True, parents=True)
        git(project, "mv", path, f"services/{path}")
    git(project, "commit", "--quiet", "-m", "Moved")
