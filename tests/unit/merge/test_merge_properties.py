"""Whatever both sides do, what the user wrote is in the working tree, or in a conflict there."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from repositories import commit, contents, git

from genai_scaffold.merge.landing import Merge
from genai_scaffold.merge.refusals import find_place
from genai_scaffold.merge.three_way import Template, three_way

pytestmark = pytest.mark.slow

ANSWERS = "answers.yml"
NAMES = [f"{folder}file-{number}.txt" for number in range(3) for folder in ("", "deep/er/")]
LINES = 12

Files = dict[str, bytes]
Edit = tuple[str, str, int]
LINK = b"-> "  # what a link has as its content here


def text(name: str) -> bytes:
    return "".join(f"{name}, line {number}\n" for number in range(LINES)).encode()


def edits(kinds: list[str]) -> st.SearchStrategy[list[Edit]]:
    """What one side does, step by step: to which file, and at which line."""
    return st.lists(
        st.tuples(st.sampled_from(kinds), st.sampled_from(NAMES), st.integers(0, LINES - 1)),
        max_size=8,
    )


def place(files: Files, path: str, content: bytes) -> None:
    """Put a file or a link somewhere, in place of all that would have to be a folder for it."""
    folders = {str(folder) for folder in Path(path).parents}
    for other in [other for other in files if other in folders or other.startswith(f"{path}/")]:
        del files[other]
    files[path] = content


def changed(files: Files, steps: list[Edit], author: str) -> tuple[Files, list[bytes]]:
    """The files after the steps, and every line that was written in them."""
    files, written = dict(files), []
    for number, (kind, name, line) in enumerate(steps):
        mark = f"{author} wrote this in step {number}\n".encode()
        if kind == "add":
            path = f"{Path(name).parent}/added-{line % 3}.txt".removeprefix("./")
            place(files, path, mark * 3)
        elif kind == "in the way":
            way = ("moved", f"moved/{Path(name).name}", "deep", name)[line % 4]
            place(files, way, (mark, LINK + mark.strip().replace(b" ", b"-"))[line % 2])
            mark = mark.strip() if line % 2 == 0 else mark.strip().replace(b" ", b"-")
        elif kind == "folder":
            place(files, f"{name}/inside.txt", mark)
        elif name not in files:
            continue
        elif kind == "delete":
            del files[name]
            continue
        elif kind == "rename":
            content = files.pop(name)
            place(files, f"moved/{Path(name).name}", content)
            continue
        elif kind == "replace":
            files[name] = b"\0" + mark
        else:
            lines = files[name].splitlines(keepends=True)
            at = min(line, len(lines))
            lines[at : at + (kind == "change")] = [mark]
            files[name] = b"".join(lines)
        written.append(mark)
    return files, [mark for mark in written if mark in b"".join(files.values())]


def write(folder: Path, files: Files) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if content.startswith(LINK):
            (folder / path).symlink_to(content.removeprefix(LINK).decode())
        else:
            (folder / path).write_bytes(content)


def links(folder: Path) -> bytes:
    return b"".join(str(p.readlink()).encode() for p in folder.rglob("*") if p.is_symlink())


def merged(base: Files, mine: Files, template: Files, look: Callable[[Path, Merge], None]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = folder / "project"
        for place, files in (("base", base), ("template", template), ("project", mine)):
            write(folder / place, {**files, ANSWERS: place.encode()})
        git(project, "init", "--quiet")
        commit(project)
        here = find_place(project, ANSWERS)
        moves = {name: f"moved/{Path(name).name}" for name in NAMES}
        theirs = Template(folder / "template", "new", ANSWERS, moves)
        with three_way(here, folder / "base", theirs) as result:
            result.apply()
            look(project, result)


KINDS = ["insert", "change", "delete", "rename", "replace", "add"]
OWN_KINDS = [*KINDS, "in the way", "folder"]  # the template has no links


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits(OWN_KINDS), edits([*KINDS, "folder"]))
def test_nothing_that_was_written_vanishes(users: list[Edit], templates: list[Edit]) -> None:
    base = {name: text(name) for name in NAMES}
    mine, written = changed(base, users, "user")
    template, _ = changed(base, templates, "template")

    def look(project: Path, result: Merge) -> None:
        after = contents(project)
        note(f"{result.changes}\n{result.conflicts}\n{result.kept_deleted}")
        everything = b"".join([*after.values(), links(project)])
        assert [mark for mark in written if mark not in everything] == []
        assert after[ANSWERS] == b"template"
        # What is not in conflict is what git shows, and nothing is left unstaged.
        conflicts = {conflict.path for conflict in result.conflicts}
        listed = git(project, "diff", "--name-only", "--diff-filter=U", "-z").split("\0")
        assert set(listed) - {""} == conflicts
        assert git(project, "ls-files", "--others") == ""

    merged(base, mine, template, look)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits(KINDS))
def test_without_a_change_by_the_user_it_becomes_the_template(templates: list[Edit]) -> None:
    base = {name: text(name) for name in NAMES}
    template, _ = changed(base, templates, "template")

    def look(project: Path, result: Merge) -> None:
        assert result.conflicts == ()
        assert contents(project) == {**template, ANSWERS: b"template"}

    merged(base, base, template, look)
