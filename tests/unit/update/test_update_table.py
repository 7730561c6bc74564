"""What a merge does with a file: whatever the user did to it, against whatever the template did."""

import json
import shlex
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import REPOSITORY
from repositories import Versions, commit, copied, git, new, tool

LINES = 30
USER, TEMPLATE = "by the user", "by the template"
BYTES = b"\0the user's own bytes" * 40
FRAMEWORKS = ("fastapi", "flask")


def text(row: str, changed: Mapping[int, str] | None = None) -> str:
    """A file that no other row has anything like, with some lines changed."""
    changed = changed or {}
    lines = [f"{row}, line {number} {changed.get(number, '')}" for number in range(LINES)]
    return "".join(f"{line.rstrip()}\n" for line in lines)


class Row(NamedTuple):
    """A file: what both sides do to it, and what is to come of it, where."""

    user: str
    template: str
    outcome: str
    where: str = "{}.txt"

    @property
    def name(self) -> str:
        return f"{self.user}-{self.template}".replace(" ", "-")

    @property
    def path(self) -> str:
        return f"planted/{self.name}.txt"

    @property
    def is_moved(self) -> bool:
        return self.template == "moved"

    @property
    def moved(self) -> str:
        return f"planted/{self.name}-moved/inside.txt"

    @property
    def result(self) -> str:
        folder = "" if "/" in self.where else "planted/"
        return folder + self.where.format(self.name)


ROWS = [
    Row("nothing", "edited", "the template's"),
    Row("nothing", "deleted", "gone"),
    Row("nothing", "renamed", "the template's", "{}-renamed.txt"),
    Row("nothing", "added", "the template's"),
    Row("nothing", "made a program", "the template's program"),
    Row("edited elsewhere", "left alone", "the user's"),
    Row("edited elsewhere", "edited", "both"),
    Row("edited elsewhere", "deleted", "kept, in conflict"),
    Row("edited elsewhere", "renamed", "both", "{}-renamed.txt"),
    Row("edited elsewhere", "made a program", "both, a program"),
    Row("edited the same line", "edited", "in conflict"),
    Row("edited the same line", "deleted", "kept, in conflict"),
    Row("edited the same line", "renamed", "both", "{}-renamed.txt"),
    Row("deleted", "left alone", "gone"),
    Row("deleted", "edited", "stays deleted"),
    Row("deleted", "deleted", "gone"),
    Row("deleted", "renamed", "the template's", "{}-renamed.txt"),
    Row("deleted", "made a program", "stays deleted"),
    Row("renamed", "left alone", "the user's", "{}-mine.txt"),
    Row("renamed", "edited", "the template's", "{}-mine.txt"),
    Row("renamed", "deleted", "kept, in conflict", "{}-mine.txt"),
    Row("renamed", "renamed", "somewhere, in conflict", "{}-mine.txt"),
    Row("renamed", "made a program", "the template's program", "{}-mine.txt"),
    Row("moved and edited", "left alone", "the user's", "mine/{}.txt"),
    Row("moved and edited", "edited", "both", "mine/{}.txt"),
    Row("moved and edited", "deleted", "kept, in conflict", "mine/{}.txt"),
    Row("moved and edited", "renamed", "somewhere, in conflict", "mine/{}.txt"),
    Row("made a program", "left alone", "the user's"),
    Row("made a program", "edited", "the template's program"),
    Row("made a program", "deleted", "kept, in conflict"),
    Row("replaced by bytes", "left alone", "the user's"),
    Row("replaced by bytes", "edited", "the user's, in conflict"),
    Row("replaced by bytes", "deleted", "kept, in conflict"),
    Row("replaced by bytes", "renamed", "the user's, in conflict", "{}-renamed.txt"),
    Row("replaced by a link", "edited", "the user's link, in conflict"),
    Row("ignored", "left alone", "the user's"),
    Row("ignored", "edited", "left alone"),
    Row("ignored", "deleted", "left alone"),
    Row("ignored", "renamed", "left alone"),
    Row("ignored beforehand", "added", "the template's, though ignored"),
    Row("ignored beforehand", "renamed", "both, though ignored", "{}-renamed.txt"),
    Row("made a folder", "added", "beside the user's folder"),
    Row("made a folder", "edited", "stays a folder"),
    Row("nothing", "moved", "the template's", "planted/{}-moved/inside.txt"),
    Row("edited elsewhere", "moved", "both", "planted/{}-moved/inside.txt"),
    Row("deleted", "moved", "stays deleted", "planted/{}-moved/inside.txt"),
    Row("replaced by a link", "moved", "where it was, and the template's, too"),
    Row("made a folder", "moved", "a folder, and the template's elsewhere"),
    Row("put a file for its folder", "moved", "beside the new folder"),
    Row("put a link for its folder", "moved", "the link beside the new folder"),
    Row("put a link to nowhere there", "moved", "that link, in conflict"),
    Row("added", "added a folder", "beside the template's folder"),
    Row("added", "added", "in conflict"),
    Row("added the same", "added", "the user's"),
]


def by_the_template(row: Row) -> tuple[str | None, str | None, str]:  # noqa: PLR0911 - a table
    """The file in the older template, in the newer one, and the newer one's path."""
    old = text(row.name)
    match row.template:
        case "left alone":
            return old, old, row.path
        case "edited":
            return old, text(row.name, {10: TEMPLATE}), row.path
        case "deleted":
            return old, None, row.path
        case "renamed":
            path = row.path.replace(".txt", "-renamed.txt")
            return old, text(row.name, {20: TEMPLATE}), path
        case "added":
            return None, text(row.name, {10: TEMPLATE}), row.path
        case "added a folder":
            return None, text(row.name), f"{row.path}/inside.txt"
        case "moved":
            return old, text(row.name, {20: TEMPLATE}), row.moved
        case "made a program":
            return old, f"#!/bin/sh\n{text(row.name, {10: TEMPLATE})}", row.path
    raise AssertionError(row.template)


def by_the_user(row: Row, project: Path) -> None:  # noqa: C901, PLR0912 - a table, too
    file = project / row.path
    match row.user:
        case "edited elsewhere" | "ignored":
            file.write_text(text(row.name, {3: USER}))
        case "ignored beforehand" if file.exists():
            file.write_text(text(row.name, {3: USER}))
        case "edited the same line":
            file.write_text(text(row.name, {10: USER}))
        case "deleted":
            file.unlink()
        case "renamed":
            file.rename(project / row.path.replace(".txt", "-mine.txt"))
        case "moved and edited":
            (project / "mine").mkdir(exist_ok=True)
            file.rename(project / "mine" / file.name)
            (project / "mine" / file.name).write_text(text(row.name, {3: USER}))
        case "made a program":
            file.chmod(0o755)
        case "made a folder":
            file.unlink(missing_ok=True)
            file.mkdir()
            (file / "mine.txt").write_text(USER)
        case "replaced by bytes":
            file.write_bytes(BYTES)
        case "replaced by a link":
            file.unlink()
            file.symlink_to("../README.md")
        case "put a file for its folder":
            (project / row.moved).parent.write_text(USER)
        case "put a link for its folder":
            (project / row.moved).parent.symlink_to("../README.md")
        case "put a link to nowhere there":
            (project / row.moved).parent.mkdir()
            (project / row.moved).symlink_to("/not/on/this/machine")
        case "added":
            file.parent.mkdir(exist_ok=True)
            file.write_text(text(row.name, {10: USER}))
        case "added the same":
            file.parent.mkdir(exist_ok=True)
            file.write_text(text(row.name, {10: TEMPLATE}))
        case _:
            assert row.user in {"nothing", "ignored beforehand"}


class Merged(NamedTuple):
    """A project after a merge, its files as the user had left them, and what was said."""

    project: Path
    before: Mapping[str, bytes]
    said: Mapping[str, Any]
    code: int

    def read(self, path: str) -> str:
        return (self.project / path).read_text("utf-8")

    @property
    def conflicts(self) -> dict[str, str]:
        return {conflict["path"]: conflict["kind"] for conflict in self.said["conflicts"]}


def merged(project: Path, command: str, *arguments: str) -> Merged:
    before = {
        path: (project / path).read_bytes()
        for path in git(project, "ls-files", "--cached", "--others").splitlines()
        if (project / path).is_file()
    }
    run = tool(command, *arguments, str(project), "--json")
    assert run.code in (0, 3), run.errors
    return Merged(project, before, json.loads(run.output), run.code)


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Versions:
    """The real templates, where every row plants its file in the older, the newer, or both."""
    two = copied(REPOSITORY, tmp_path_factory.mktemp("versions"))
    for row in ROWS:
        old, newer, path = by_the_template(row)
        for root, content, place in ((two.old, old, row.path), (two.new, newer, path)):
            file = root / "templates" / "project" / place
            file.parent.mkdir(parents=True, exist_ok=True)
            if content is not None:
                file.write_text(content)
    with (two.new / "templates" / "moved.toml").open("a") as moves:
        moves.writelines(f'"{row.path}" = "{row.moved}"\n' for row in ROWS if row.is_moved)
    shared = two.old / "templates" / "project" / "README.md.jinja"
    shared.write_text(shared.read_text("utf-8").replace("\n## ", "\n\nIt was new once.\n\n## ", 1))
    two.record()
    return two


@pytest.fixture(scope="module", params=FRAMEWORKS)
def updated(
    request: pytest.FixtureRequest, versions: Versions, tmp_path_factory: pytest.TempPathFactory
) -> Merged:
    """A project in which the user did something to every row's file, updated once."""
    with versions.before():
        folder = tmp_path_factory.mktemp("updated") / "my-app"
        project = new(folder, "--framework", request.param)
    for row in ROWS:
        by_the_user(row, project)
    ignored = [row.path for row in ROWS if row.user == "ignored"]
    git(project, "rm", "--quiet", "--cached", "--", *ignored)
    ignored += [row.result for row in ROWS if row.user == "ignored beforehand"]
    with (project / ".gitignore").open("a") as file:
        file.writelines(f"{path}\n" for path in ignored)
    commit(project)
    with versions.after():
        return merged(project, "update")


def the_users(done: Merged, path: str) -> None:
    assert (done.project / path).read_bytes() == done.before[path]
    assert path not in done.conflicts


def the_templates(done: Merged, path: str) -> None:
    assert TEMPLATE in done.read(path)
    assert path not in done.conflicts


def a_program(done: Merged, path: str) -> None:
    assert (done.project / path).stat().st_mode & 0o100


def the_templates_program(done: Merged, path: str) -> None:
    the_templates(done, path)
    a_program(done, path)


def both(done: Merged, path: str) -> None:
    assert USER in done.read(path)
    assert TEMPLATE in done.read(path)
    assert "<<<<<<<" not in done.read(path)
    assert path not in done.conflicts


def both_a_program(done: Merged, path: str) -> None:
    both(done, path)
    a_program(done, path)


def in_conflict(done: Merged, path: str) -> None:
    assert path in done.conflicts
    written = done.read(path)
    ours, theirs = written.split("=======\n")
    assert "<<<<<<< HEAD\n" in ours
    assert USER in ours
    assert ">>>>>>> genai-scaffold-0.0.2\n" in theirs
    assert TEMPLATE in theirs


def kept_in_conflict(done: Merged, path: str) -> None:
    assert done.conflicts[path] == "changed by you, dropped by the template"
    assert (done.project / path).read_bytes() == done.before[path]


def the_users_in_conflict(done: Merged, path: str) -> None:
    assert path in done.conflicts
    assert BYTES in (done.project / path).read_bytes()


def the_users_link_in_conflict(done: Merged, path: str) -> None:
    assert done.conflicts[path] == "a link of yours, where the template has a file"
    assert (done.project / path).readlink() == Path("../README.md")
    beside = f"{path}~genai-scaffold-0.0.2"
    assert done.conflicts[beside] == "the template's, where you have a link"
    assert TEMPLATE in done.read(beside)
    assert path not in done.said["kept_deleted"]


def where_it_was(done: Merged, path: str) -> None:
    assert (done.project / path).readlink() == Path("../README.md")
    the_templates(done, path.replace(".txt", "-moved/inside.txt"))


def a_folder(done: Merged, path: str) -> None:
    the_users(done, f"{path}/mine.txt")
    the_templates(done, path.replace(".txt", "-moved/inside.txt"))


def beside_the_new_folder(done: Merged, path: str) -> None:
    folder = path.replace(".txt", "-moved")
    assert done.conflicts[f"{folder}~HEAD"] == "yours, where the template has a folder"
    assert done.read(f"{folder}~HEAD") == USER
    the_templates(done, f"{folder}/inside.txt")


def the_link_beside_the_new_folder(done: Merged, path: str) -> None:
    folder = path.replace(".txt", "-moved")
    assert done.conflicts[f"{folder}~HEAD"] == "yours, where the template has a folder"
    assert (done.project / f"{folder}~HEAD").readlink() == Path("../README.md")
    the_templates(done, f"{folder}/inside.txt")


def that_link_in_conflict(done: Merged, path: str) -> None:
    link = path.replace(".txt", "-moved/inside.txt")
    assert done.conflicts[link] == "a link of yours, where the template has a file"
    assert (done.project / link).readlink() == Path("/not/on/this/machine")
    beside = f"{link}~genai-scaffold-0.0.2"
    assert done.conflicts[beside] == "the template's, where you have a link"
    assert TEMPLATE in done.read(beside)


def somewhere_in_conflict(done: Merged, path: str) -> None:
    row = path.rpartition("/")[2].removesuffix(".txt").removesuffix("-mine")
    found = [name for name in done.conflicts if row in name]
    assert found
    assert done.before[path].splitlines()[3] in b"".join(
        (done.project / name).read_bytes() for name in found if (done.project / name).exists()
    )


def gone(done: Merged, path: str) -> None:
    assert not (done.project / path).exists()
    assert path not in done.conflicts
    assert path not in done.said["kept_deleted"]


def stays_deleted(done: Merged, path: str) -> None:
    assert not (done.project / path).exists()
    assert path in done.said["kept_deleted"]


def left_alone(done: Merged, path: str) -> None:
    assert (done.project / path).read_bytes() == done.before[path]
    assert path in done.said["ignored"]


def beside_the_users_folder(done: Merged, path: str) -> None:
    beside = f"{path}~genai-scaffold-0.0.2"
    assert done.conflicts[beside] == "the template's, where you have a folder"
    assert TEMPLATE in done.read(beside)
    the_users(done, f"{path}/mine.txt")


def stays_a_folder(done: Merged, path: str) -> None:
    assert path in done.said["kept_deleted"]
    the_users(done, f"{path}/mine.txt")
    assert not (done.project / f"{path}~genai-scaffold-0.0.2").exists()


def beside_the_templates_folder(done: Merged, path: str) -> None:
    assert done.conflicts[f"{path}~HEAD"] == "yours, where the template has a folder"
    assert (done.project / f"{path}~HEAD").read_bytes() == done.before[path]
    assert (done.project / path / "inside.txt").exists()


def the_templates_though_ignored(done: Merged, path: str) -> None:
    the_templates(done, path)
    assert done.said["ignored_by"][path].endswith(f" {path}")
    assert path not in done.said["ignored"]


def both_though_ignored(done: Merged, path: str) -> None:
    both(done, path)
    the_templates_though_ignored(done, path)


OUTCOMES: Mapping[str, Callable[[Merged, str], None]] = {
    "the user's": the_users,
    "the template's": the_templates,
    "the template's program": the_templates_program,
    "both": both,
    "both, a program": both_a_program,
    "in conflict": in_conflict,
    "kept, in conflict": kept_in_conflict,
    "the user's, in conflict": the_users_in_conflict,
    "the user's link, in conflict": the_users_link_in_conflict,
    "somewhere, in conflict": somewhere_in_conflict,
    "where it was, and the template's, too": where_it_was,
    "a folder, and the template's elsewhere": a_folder,
    "beside the new folder": beside_the_new_folder,
    "the link beside the new folder": the_link_beside_the_new_folder,
    "that link, in conflict": that_link_in_conflict,
    "gone": gone,
    "stays deleted": stays_deleted,
    "left alone": left_alone,
    "beside the user's folder": beside_the_users_folder,
    "stays a folder": stays_a_folder,
    "beside the template's folder": beside_the_templates_folder,
    "the template's, though ignored": the_templates_though_ignored,
    "both, though ignored": both_though_ignored,
}


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])
def test_update(row: Row, updated: Merged) -> None:
    OUTCOMES[row.outcome](updated, row.result)
    if row.result != row.path and row.user != "ignored":
        assert not (updated.project / row.path).exists()


def test_a_real_file_is_merged_too(updated: Merged) -> None:
    assert "It was new once." not in updated.read("README.md")
    assert "README.md" in [change["path"] for change in updated.said["changes"]]


def test_conflicts_are_as_git_leaves_them(updated: Merged) -> None:
    assert updated.code == 3
    listed = git(updated.project, "diff", "--name-only", "--diff-filter=U", "-z")
    assert set(listed.split("\0")) - {""} == set(updated.conflicts)
    untracked = git(updated.project, "status", "--porcelain", "--untracked-files=all")
    assert "??" not in untracked


def test_the_undo_command_takes_every_kind_of_conflict_back(
    updated: Merged, tmp_path: Path
) -> None:
    project = tmp_path / "my-app"
    shutil.copytree(updated.project, project, symlinks=True)
    # The copy has other times than the index says, as nobody's own project would.
    git(project, "status")
    *_, reset, mode = shlex.split(updated.said["undo"])
    git(project, reset, mode)
    assert git(project, "status", "--porcelain") == ""
    for path, content in updated.before.items():
        assert (project / path).read_bytes() == content


def test_the_new_version_is_recorded(updated: Merged) -> None:
    assert "_commit: v0.0.2\n" in updated.read(".copier-answers.yml")
    assert (updated.said["from"], updated.said["to"]) == ("0.0.1", "0.0.2")
