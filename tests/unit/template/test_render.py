"""Rendering: what comes out, and what is said when a template is broken or the disk refuses."""

import os
import shutil
import stat
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import CodeType
from typing import Any

import jinja2
import pytest
from conftest import REPOSITORY

from genai_scaffold.answers.sources import from_flags
from genai_scaffold.create.plan import Plan, plan_project
from genai_scaffold.create.project import create_project
from genai_scaffold.errors import EnvironmentFailure, RenderError
from genai_scaffold.system import process
from genai_scaffold.template import packaged
from genai_scaffold.template.packaged import template_version
from genai_scaffold.template.render import (
    generated_files,
    render_from,
    render_project,
    template_source,
)

pytestmark = [
    pytest.mark.usefixtures("small_template"),
    # Copier leaves a directory listing open when a template fails.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def plan(**flags: str) -> Plan:
    return plan_project(from_flags(flags))


def rendered(destination: Path, **flags: str) -> tuple[str, ...]:
    planned = plan(**flags)
    reasons = planned.recommendation.as_dict()
    return render_project(destination, planned.answers.for_template(), reasons)


def test_every_answer_and_the_recommendation_reach_the_template(work: Path) -> None:
    files = rendered(work / "bot", name="bot", description="It's 'odd' 🚀", framework="flask")
    assert "app.py" in files
    assert "It's 'odd' 🚀" in (work / "bot/app.py").read_text("utf-8")
    assert (work / "bot/docs/decision.md").read_text() == f"# fastapi\n\n{template_version()}\n"
    record = (work / "bot/.copier-answers.yml").read_text("utf-8")
    assert "framework: flask" in record
    assert "would_change" in record
    assert str(packaged.template_root()) not in record


def test_no_text_is_compiled_twice_nor_in_the_next_rendering(
    small_template: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: Counter[tuple[str, ...]] = Counter()
    compile_text = jinja2.Environment.compile

    def counted(environment: jinja2.Environment, *text: Any) -> CodeType:
        code: CodeType = compile_text(environment, *text)
        compiled[text] += 1
        return code

    planned = plan()
    data = planned.answers.for_template(), planned.recommendation.as_dict()
    fresh = shutil.copytree(small_template, work / "template")
    monkeypatch.setattr(packaged, "template_root", lambda: fresh)
    monkeypatch.setattr(jinja2.Environment, "compile", counted)
    first, second = (render_project(work / name, *data) for name in ("bot", "again"))
    assert first == second
    assert set(compiled.values()) == {1}
    assert jinja2.Environment.compile is counted


def test_a_template_with_other_settings_of_jinjas_is_compiled_for_itself(work: Path) -> None:
    for opening, expected in (("{{", "6 [[ 7 }}"), ("[[", "{{ 6 }} 7")):
        (source := work / expected).mkdir()
        (source / "copier.yml").write_text(f"_envops: {{variable_start_string: '{opening}'}}\n")
        (source / "{{ 6 }} [[ 7 }}").write_text("")
        assert render_from(source, work / "out" / opening, {}) == (expected,)


def test_renderings_at_once_leave_jinja_as_it_was(work: Path) -> None:
    before = jinja2.Environment.compile
    (source := work / "template").mkdir()
    for number in range(50):
        (source / f"{number}.txt.jinja").write_text("{{ 6 * 7 }}")
    with ThreadPoolExecutor(4) as threads:
        places = [work / str(number) for number in range(4)]
        assert len(set(threads.map(lambda to: render_from(source, to, {}), places))) == 1
    assert jinja2.Environment.compile is before


def test_a_text_that_has_changed_is_compiled_anew(work: Path) -> None:
    (source := work / "template").mkdir()
    for text in ("before", "after"):
        (source / "a.txt.jinja").write_text(text)
        render_from(source, work / text, {})
        assert (work / text / "a.txt").read_text() == text


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param("a.txt.jinja", "fine\n{{ nobody }}\n", "a.txt.jinja, line 2", id="undefined"),
        pytest.param("a.txt.jinja", "fine\n\n{% if %}\n", "a.txt.jinja, line 3", id="syntax"),
        pytest.param("a.txt.jinja", "{% include 'none' %}\n", "a.txt.jinja, line 1", id="include"),
        pytest.param("a.txt.jinja", "{{ 1 / 0 }}\n", "a.txt.jinja, line 1", id="arithmetic"),
        pytest.param("a.txt.jinja", b"\xff\xfe", "can't decode", id="binary"),
        pytest.param("{{ nobody }}.txt", "x\n", "nobody", id="file-name"),
    ],
)
def test_a_broken_template_is_named_with_its_line(
    name: str, content: str | bytes, words: str, small_template: Path, work: Path
) -> None:
    source = work / "source"
    shutil.copytree(small_template, work / "real")
    source.symlink_to("real")  # as a temporary folder's path can be
    text = content if isinstance(content, bytes) else content.encode()
    (source / "templates/project" / name).write_bytes(text)
    planned = plan()
    with pytest.raises(RenderError) as failed:
        render_from(source, work / "bot", planned.answers.for_template())
    assert words in failed.value.why
    assert "\n" not in failed.value.why


def test_a_line_of_ours_is_no_place_in_a_template(work: Path) -> None:
    with pytest.raises(RenderError) as failed:
        render_from(REPOSITORY, work / "bot", {"framework": "no such"})
    assert ", line " not in failed.value.why


def test_a_project_that_is_not_sound_is_not_written(
    small_template: Path, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    shutil.copytree(small_template, source)
    (source / "templates/project/broken.py").write_text("def\n")
    monkeypatch.setattr(packaged, "template_root", lambda: source)
    with pytest.raises(RenderError, match="not sound") as failed:
        create_project(plan(name="bot"))
    assert "broken.py, line 1" in failed.value.why
    assert list(work.iterdir()) == []


def test_a_full_disk_is_the_machine_s_failure(work: Path) -> None:
    (work / "file").touch()
    with pytest.raises(EnvironmentFailure):
        rendered(work / "file" / "bot")


def test_the_user_s_own_copier_settings_change_nothing(work: Path) -> None:
    settings = Path.home() / ".config/copier/settings.yml"
    settings.parent.mkdir(parents=True)
    settings.write_text("defaults: this would be an error\n")
    assert rendered(work / "bot")


def test_what_an_installer_did_to_the_template_stays_behind(
    small_template: Path, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "site-packages"
    shutil.copytree(small_template, source)
    project = source / "templates/project"
    (project / "__pycache__").mkdir()
    (project / "__pycache__/main.cpython-311.pyc").write_bytes(b"\0")
    for path in project.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    monkeypatch.setattr(packaged, "template_root", lambda: source)
    files = rendered(work / "bot")
    assert not [path for path in files if "__pycache__" in path]
    assert stat.S_IMODE((work / "bot/start").stat().st_mode) == 0o755
    assert os.access(work / "bot/main.py", os.W_OK)
    assert stat.S_IMODE((work / "bot/main.py").stat().st_mode) == 0o644


def test_a_template_is_rendered_where_it_is(small_template: Path) -> None:
    with template_source() as source:
        assert source == small_template


def test_of_a_template_made_of_links_a_copy_is_rendered(
    small_template: Path, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "site-packages"
    shutil.copytree(small_template, source, copy_function=os.symlink)
    monkeypatch.setattr(packaged, "template_root", lambda: source)
    assert "main.py" in rendered(work / "bot")
    assert not (work / "bot/main.py").is_symlink()


@pytest.mark.filterwarnings("ignore:Path permissions:UserWarning")
def test_a_disk_that_knows_no_modes_takes_a_project(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "chmod", refuse)
    assert "start" in rendered(work / "bot")


def test_a_template_inside_a_repository_is_rendered_as_it_is(
    small_template: Path, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "repository"
    shutil.copytree(small_template, source)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"], ["tag", "v0.0.1"]):
        assert process.run_program(["git", *command], directory=source).code == 0
    (source / "templates/project/newer.txt").write_text("newer than the tag\n")
    monkeypatch.setattr(packaged, "template_root", lambda: source)
    assert "newer.txt" in rendered(work / "bot")


def test_links_to_folders_and_what_belongs_to_git_are_no_files_of_a_project(work: Path) -> None:
    for path in (".git/HEAD", "module/.git", "deep/er/file.py", "file.py", "b.txt"):
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).touch()
    (work / "folder").symlink_to("deep")
    (work / "broken").symlink_to("nowhere")
    assert generated_files(work) == ("b.txt", "broken", "deep/er/file.py", "file.py")
