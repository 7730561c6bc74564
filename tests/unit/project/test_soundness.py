"""What is found in a project that was rendered badly."""

import os
from pathlib import Path

import pytest

from genai_scaffold.errors import EnvironmentFailure
from genai_scaffold.project.files import Project, project_at
from genai_scaffold.project.record import ANSWERS_FILE
from genai_scaffold.project.soundness import (
    CHECKS_OF_RENDERING,
    CHECKS_OF_TEXT,
    faults_of_rendering,
    in_files,
)
from genai_scaffold.system import git
from genai_scaffold.system.git import git_output

FAULTS = [
    pytest.param("a.py", b"x = 1\ndef\n", "parses", 2, id="python"),
    pytest.param("a.py", b"x = '\xff'\n", "parses", 1, id="python-encoding"),
    pytest.param("a.toml", b"x = 1\ny =\n", "parses", 2, id="toml"),
    pytest.param("a.yaml", b"x: 1\ny: [\n", "parses", 3, id="yaml"),
    pytest.param("d/a.yml", b"x: 1\n\ty: 2\n", "parses", 2, id="yml"),
    pytest.param("a.json", b'{"x": 1,\n"y" 2}\n', "parses", 2, id="json"),
    pytest.param("a.py", b"-" * 200_000 + b"1\n", "parses", 1, id="python-too-deep"),
    pytest.param("a.py", b"+".join([b"1"] * 200_000) + b"\n", "parses", 1, id="python-too-long"),
    pytest.param("a.toml", b"x = " + b"1" * 5000 + b"\n", "parses", 1, id="toml-too-long"),
    pytest.param("a.toml", b"x = " + b"[" * 20_000 + b"\n", "parses", 1, id="toml-too-deep"),
    pytest.param("a.json", b"1" * 5000 + b"\n", "parses", 1, id="json-too-long"),
    pytest.param("a.yaml", b'x: !!int ""\n', "parses", 1, id="yaml-no-number"),
    pytest.param("a.yaml", b"x: !!bool maybe\n", "parses", 1, id="yaml-no-truth"),
    pytest.param("a.yaml", b"x: !!timestamp now\n", "parses", 1, id="yaml-no-time"),
    pytest.param("a.toml", b'x = "\xe9"\n', "parses", 1, id="toml-encoding"),
    pytest.param("a.yml", "x: 1\n".encode("utf-16"), "parses", 1, id="yaml-encoding"),
    pytest.param("a.json", b'"\xe9"\n', "parses", 1, id="json-encoding"),
    pytest.param("a.md", b"fine\n{{ name }}\n", "rendered", 2, id="tag"),
    pytest.param("a.md", b"fine\n{% if x %}\n", "rendered", 2, id="block"),
    pytest.param("a.md", b"{%- include 'x' -%}\n", "rendered", 1, id="trimming-block"),
    pytest.param("a.md", b"a\n<<<<<<< HEAD\nb\n", "no-conflict", 2, id="conflict-ours"),
    pytest.param("a.md", b"=======\nb\n>>>>>>> new\n", "no-conflict", 1, id="conflict-middle"),
    pytest.param("a.md", b"a\n>>>>>>> new\n", "no-conflict", 2, id="conflict-theirs"),
    pytest.param("a.md", b"\xe9\n>>>>>>> new\n", "no-conflict", 2, id="conflict-not-in-utf8"),
    pytest.param("a.md", b"", "not-empty", 1, id="empty"),
    pytest.param("a.md", b" \n", "not-empty", 1, id="blank"),
    pytest.param("a.md", b"a\nb", "newline", 2, id="no-newline"),
    pytest.param("a.md", b"a\nb\n\n", "newline", 2, id="two-newlines"),
    pytest.param("__pycache__/a.pyc", b"\0\n", "source", 1, id="compiled"),
]

FAULTS += [
    pytest.param("tsconfig.json", b"{\n// a\n1}\n", "parses", 3, id="not-even-with-comments"),
    pytest.param("package.json", b'{"a": 1,}\n', "parses", 1, id="trailing-comma"),
]

SOUND = [
    pytest.param("a.py", b"x = f'{{{1}}} {0.5:.0%}'\n", id="f-string"),
    pytest.param("ci.yml", b"x: ${{ matrix.python }}\n", id="workflow"),
    pytest.param("a.md", b"Title\n========\n", id="underline"),
    pytest.param("a.rst", b"Heading\n=======\n", id="underline-of-seven"),
    pytest.param("mkdocs.yml", b"nav: !ENV X\nx: !!python/name:a.b\n", id="application-tags"),
    pytest.param("tsconfig.json", b"// why\n{}\n", id="comments"),
    pytest.param("tsconfig.build.json", b'{"a": [1,], "b": ",]",}\n', id="trailing-commas"),
    pytest.param(".devcontainer/devcontainer.json", b"{\n  /* a\n */ }\n", id="devcontainer"),
    pytest.param("a.json", b'{"url": "http://x", // why\n"a": "\\"//",}\n', id="any-comments"),
    pytest.param("p/__init__.py", b"", id="package"),
    pytest.param("p/py.typed", b"", id="typed"),
    pytest.param("logo.png", b"\x89PNG\0\xff", id="binary"),
    pytest.param("vendored.js", b"a={{b:{}}}", id="vendored"),
    pytest.param("all.yaml", b"a: 1\n---\nb: 2\n", id="two-documents"),
]


def write(root: Path, name: str, content: bytes) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(content)


@pytest.mark.parametrize(("name", "content", "check", "line"), FAULTS)
def test_a_fault_is_found_with_its_line(
    name: str, content: bytes, check: str, line: int, tmp_path: Path
) -> None:
    write(tmp_path / "project", name, content)
    found = faults_of_rendering(tmp_path / "project")
    assert (check, name, line) in [finding[:3] for finding in found]


@pytest.mark.parametrize(("name", "content"), SOUND)
def test_what_is_sound_is_left_alone(name: str, content: bytes, tmp_path: Path) -> None:
    write(tmp_path / "project", name, content)
    assert faults_of_rendering(tmp_path / "project") == []


def test_every_check_finds_something_in_the_table() -> None:
    found = {str(fault.values[2]) for fault in FAULTS}
    assert found == {check.title for check in CHECKS_OF_RENDERING}


def test_what_the_user_s_tools_made_is_not_the_project(tmp_path: Path) -> None:
    write(tmp_path / "project", "env/pyvenv.cfg", b"home = /usr/bin\n")
    foreign = (".venv/a.py", ".git/a.py", ".mypy_cache/a.json", "x/node_modules/x/a.json")
    for name in (*foreign, "env/lib/a.py", "build/a.py", "dist/a.json"):
        write(tmp_path / "project", name, b"{% broken\n")
    assert faults_of_rendering(tmp_path / "project") == []


@pytest.mark.parametrize("name", ["backend/build/a.py", "backend/dist/a.py", "env/a.py"])
def test_a_package_may_be_called_as_a_tool_calls_its_folder(name: str, tmp_path: Path) -> None:
    write(tmp_path / "project", name, b"def\n")
    assert [finding.path for finding in faults_of_rendering(tmp_path / "project")] == [name]


def test_a_warning_of_python_s_is_no_fault_and_not_shown(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    write(tmp_path, "a.py", b"same = 1 is 1\n")
    assert faults_of_rendering(tmp_path) == []
    assert list(recwarn) == []


@pytest.mark.parametrize("path", ["a" * 300, "a/" * 3000])
def test_a_path_that_cannot_be_is_the_machine_s_fault(path: str) -> None:
    with pytest.raises(EnvironmentFailure, match="cannot be checked"):
        project_at(Path(path))


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A project in git, of which a folder is ignored."""
    write(tmp_path, ANSWERS_FILE, b"framework: fastapi\n")
    write(tmp_path, ".gitignore", b"/data/\n")
    git_output(tmp_path, "init", "--quiet")
    return tmp_path


def test_what_git_ignores_is_not_read(kept: Path) -> None:
    for name in ("data/a.json", "mine.json"):
        write(kept, name, b"{")
    assert "mine.json" in project_at(kept).files
    assert "data/a.json" not in project_at(kept).files


def test_another_repository_within_is_not_read(kept: Path) -> None:
    write(kept, "worktree/a.md", b"<<<<<<< HEAD\n")
    git_output(kept / "worktree", "init", "--quiet")
    assert "worktree/a.md" not in project_at(kept).files


def test_a_project_that_git_ignores_is_read(kept: Path) -> None:
    write(kept, "data/inner/" + ANSWERS_FILE, b"framework: fastapi\n")
    write(kept, "data/inner/a.json", b"{")
    assert "a.json" in project_at(kept / "data/inner").files


def test_data_is_not_read_into_memory(kept: Path) -> None:
    write(kept, "model.gguf", b"")
    os.truncate(kept / "model.gguf", 2**36)  # of holes
    assert "model.gguf" not in project_at(kept).files


@pytest.mark.parametrize(
    ("name", "content", "is_read"),
    [
        ("charts/bot/templates/app.yaml", b"a:\n{{- if .Values.x }}\n  b: c\n{{- end }}\n", True),
        ("roles/app/site.yml", b"{% if x %}\na: b\n{% endif %}\n", True),
        ("templates/a.json", b'{"a": {{ x }}}\n', True),
        ("charts/bot/values.yaml", b"a: [\n", False),
        ("a.json", b'{"a": {{ x }}}\n', False),
    ],
)
def test_a_template_of_another_tool_is_not_parsed(
    name: str, content: bytes, is_read: bool, tmp_path: Path
) -> None:
    write(tmp_path, name, content)
    found = in_files(Project.read(tmp_path, [name]), CHECKS_OF_TEXT)
    assert [finding.check for finding in found] == ([] if is_read else ["parses"])


def test_a_marker_of_the_base_is_left_over_too(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("||||||| parent of 1a2b3c\n")
    assert [finding.check for finding in faults_of_rendering(tmp_path)] == ["no-conflict"]


def test_an_environment_that_git_does_not_ignore_is_not_read(tmp_path: Path) -> None:
    git.run_git(tmp_path, "init", "--quiet")
    for path in (ANSWERS_FILE, "env/pyvenv.cfg", "env/lib/broken.py", "main.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x: 1\n")
    found = set(project_at(tmp_path).files)
    assert found >= {ANSWERS_FILE, "main.py"}
    assert not any(path.startswith("env/") for path in found)
