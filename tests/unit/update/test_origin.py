"""What an update merges from: a release, a template that the repository keeps, or a commit."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from repositories import commit, contents, git, installed, tool

from genai_scaffold.project.answers_file import merge_answers_files
from genai_scaffold.project.record import ANSWERS_FILE
from genai_scaffold.system import git as our_git
from genai_scaffold.template.history import append_release
from genai_scaffold.template.packaged import lay_out, template_files

DEVELOPMENT = "0.0.3.dev0"
LINES = "".join(f"line {number}\n" for number in range(20))


class Builds:
    """Unreleased builds, each with a template of its own."""

    def __init__(self, source: Path, folder: Path) -> None:
        self.folder, self.archive = folder, folder / "history.zip"
        for name in "ABC":
            lay_out(template_files(source), folder / name)
            text = f"{LINES}of build {name}\n{LINES}{{{{ description }}}}\n"
            (folder / name / "templates/project/text.txt.jinja").write_text(text)

    def build(self, name: str, version: str = DEVELOPMENT) -> AbstractContextManager[None]:
        return installed(self.folder / name, version, self.archive)

    def release(self, name: str, version: str) -> None:
        with self.build(name):
            append_release(version, template_files(self.folder / name), {})


@pytest.fixture
def builds(small_template_root: Path, tmp_path: Path) -> Builds:
    return Builds(small_template_root, tmp_path / "builds")


@pytest.fixture
def project(builds: Builds, work: Path) -> Iterator[Path]:
    """A project of build A with the user's work, where build B is installed."""
    with builds.build("A"):
        assert tool("new", str(work / "my-app"), "--yes", "--quiet").code == 0
    text = work / "my-app/text.txt"
    text.write_text(text.read_text().replace("line 0\n", "line 0, and mine\n", 1))
    commit(work / "my-app")
    with builds.build("B"):
        yield work / "my-app"


def cloned(project: Path) -> Path:
    clone = project.with_name("clone")
    git(project.parent, "clone", "--quiet", str(project), str(clone))
    return clone


def written(project: Path) -> tuple[dict[str, bytes], str]:
    return contents(project), git(project, "status", "--porcelain")


def test_builds_in_a_row_keep_the_user_s_lines(project: Path, builds: Builds) -> None:
    for name in "BC":
        git(project, "gc", "--quiet", "--prune=now")
        with builds.build(name):
            run = tool("update", str(project), "--yes")
            assert run.code == 0, run.errors
        commit(project)
    text = (project / "text.txt").read_text()
    assert "line 0, and mine\n" in text
    assert "of build C\n" in text


def test_a_clone_asks_for_the_version_that_made_it(project: Path, builds: Builds) -> None:
    clone = cloned(project)
    before = written(clone)
    run = tool("update", str(clone), "--yes")
    made = (clone / ANSWERS_FILE).read_text().partition("_commit: v")[2].split()[0]
    assert run.code == 2
    assert made in run.errors
    assert "--base" in run.errors
    assert written(clone) == before
    with builds.build("A"):
        assert tool("update", str(clone), "--yes").code == 0
    run = tool("update", str(clone), "--yes")
    assert run.code == 0, run.errors
    assert "line 0, and mine\n" in (clone / "text.txt").read_text()


def test_no_base_is_taken_where_the_template_is_at_hand(project: Path) -> None:
    before = written(project)
    run = tool("update", str(project), "--yes", "--base", "HEAD")
    assert run.code == 2
    assert "--base HEAD is not needed" in run.errors
    assert written(project) == before


def test_a_base_with_the_user_s_work_drops_none_of_it(project: Path) -> None:
    clone = cloned(project)
    run = tool("update", str(clone), "--yes", "--base", "HEAD")
    assert run.code == 3, run.errors
    assert "line 0, and mine\n" in (clone / "text.txt").read_text()


@pytest.mark.parametrize(
    ("name", "version"),
    [pytest.param("A", "0.0.3", id="that-release"), pytest.param("C", "0.0.4", id="a-later-one")],
)
def test_a_build_is_known_by_the_release_of_its_template(
    name: str, version: str, project: Path, builds: Builds
) -> None:
    builds.release("A", "0.0.3")
    clone = cloned(project)
    with builds.build(name, version):
        run = tool("update", str(clone), "--yes")
    assert run.code == 0, run.errors
    assert f"_commit: v{version}\n" in (clone / ANSWERS_FILE).read_text()
    text = (clone / "text.txt").read_text()
    assert "line 0, and mine\n" in text
    assert f"of build {name}\n" in text


def test_another_run_may_be_faster_to_keep_a_template(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = our_git.run_git

    def lose(directory: Path, *arguments: str, **options: Any) -> Any:
        done = real(directory, *arguments, **options)
        return done._replace(code=128) if arguments[0] == "update-ref" else done

    monkeypatch.setattr(our_git, "run_git", lose)
    run = tool("update", str(project), "--yes")
    assert run.code == 0, run.errors


def test_a_released_template_is_not_kept(builds: Builds, work: Path) -> None:
    builds.release("A", "0.0.3")
    with builds.build("A", "0.0.3"):
        assert tool("new", str(work / "my-app"), "--yes", "--quiet").code == 0
    assert git(work / "my-app", "for-each-ref", "refs/genai-scaffold") == ""


def test_an_answer_that_was_changed_by_hand_is_merged(project: Path) -> None:
    file = project / ANSWERS_FILE
    assert "description: A GenAI backend\n" in file.read_text()
    file.write_text(file.read_text().replace("A GenAI backend", "By hand"))
    commit(project)
    run = tool("update", str(project), "--yes")
    assert run.code == 0, run.errors
    assert "Changed by hand in .copier-answers.yml" in run.errors
    assert (project / "text.txt").read_text().endswith("By hand\n")


def test_comments_and_keys_of_others_stay_in_the_answers_file(project: Path) -> None:
    file = project / ANSWERS_FILE
    own = file.read_text().replace("description:", "# agreed on 3 May\ndescription:")
    file.write_text(f"{own}owner_team: '#platform'\n")
    commit(project)
    run = tool("update", str(project), "--yes", "--set", "description=Ours")
    assert run.code == 0, run.errors
    assert "# agreed on 3 May\ndescription: Ours\n" in file.read_text()
    assert file.read_text().endswith("owner_team: '#platform'\n")


@pytest.mark.parametrize(
    ("own", "merged"),
    [
        pytest.param("a: 1\nb: 2\n", "a: 1\nb: 3\nd: 4\n", id="nothing-of-the-user-s"),
        pytest.param("b: 2  # why\na: 1\n", "b: 3 # why\nd: 4\na: 1\n", id="order-and-comment"),
        pytest.param("# top\na: 1\nb: 2", "# top\na: 1\nb: 3\nd: 4\n", id="no-last-line-end"),
        pytest.param("a: 1\nx: [1,\n  2]\nb: 2\n", "a: 1\nx: [1,\n  2]\nb: 3\nd: 4\n", id="key"),
        pytest.param("a: 1\nb: 2\nc: 0\n# end\n", "a: 1\nb: 3\nd: 4\n# end\n", id="dropped-key"),
        pytest.param("{a: 1, b: 2}\n", "a: 1\nb: 3\nd: 4\n", id="all-in-one-line"),
    ],
)
def test_an_answers_file_is_merged_key_by_key(own: str, merged: str) -> None:
    assert merge_answers_files(own, "a: 1\nb: 2\nc: 0\n", "a: 1\nb: 3\nd: 4\n") == merged
