"""The archive of released templates: what is recorded stays as it is, and renders as it did."""

import shutil
from pathlib import Path

import matrix
import pytest
import release
from conftest import REPOSITORY

from genai_scaffold import __version__
from genai_scaffold.template import history
from genai_scaffold.template.history import append_release, files_of_release, releases
from genai_scaffold.template.packaged import digest_of_files, template_files, template_version

# The newest with the fast tests: about ten seconds for each.
VERSIONS = [
    pytest.param(version, marks=pytest.mark.slow if older else ())
    for older, version in enumerate(reversed(releases()))
]


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive of the test's own, which is empty."""
    path = tmp_path / "history.zip"
    monkeypatch.setattr(history, "archive", lambda: path)
    return path


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_template: Path) -> Path:
    """A checkout that can be released."""
    root = tmp_path / "checkout"
    shutil.copytree(small_template, root)
    (root / "CHANGELOG.md").write_text("# Changelog\n\n## 0.3.0 (not yet released)\n\n- News.\n")
    package = root / "src" / "genai_scaffold"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('"""A package."""\n\n__version__ = "0.3.0.dev0"\n')
    monkeypatch.setattr(release, "ROOT", root)
    monkeypatch.setattr(release, "CHANGELOG", root / "CHANGELOG.md")
    monkeypatch.setattr(release, "VERSION_FILE", package / "__init__.py")
    monkeypatch.setattr(history, "archive", lambda: package / "history.zip")
    return root


def test_a_released_template_does_not_change() -> None:
    assert release.against(__version__, template_files(REPOSITORY)) == ""


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize(
    ("version", "contents", "forbidden"),
    [
        pytest.param("0.2.0", {"a": b"1", "b": b"2"}, "", id="as it was released"),
        pytest.param("0.2.0", {"a": b"1", "b": b"3"}, "a changed template", id="changed"),
        pytest.param("0.2.0", {"a": b"1", "c": b"2"}, "a changed template", id="renamed"),
        pytest.param("0.2.0", {"a": b"1"}, "a changed template", id="a file less"),
        pytest.param("0.1.0", {"a": b"1", "b": b"2"}, "a changed template", id="another version's"),
        pytest.param("0.3.0.dev0", {"a": b"3"}, "", id="in development"),
        pytest.param("0.3.0", {"a": b"3"}, "not recorded", id="past the release script"),
    ],
)
def test_what_a_version_may_be(version: str, contents: dict[str, bytes], forbidden: str) -> None:
    append_release("0.1.0", {"a": b"1"}, {})
    append_release("0.2.0", {"a": b"1", "b": b"2"}, {})
    found = release.against(version, contents)
    assert forbidden in found
    assert bool(forbidden) == bool(found)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_released_template_renders_what_it_did(version: str) -> None:
    assert release.differing(version) == []


@pytest.mark.usefixtures("archive")
def test_a_rendering_that_differs_is_found(small_template: Path) -> None:
    contents = template_files(small_template)
    first, second, *_ = recorded = dict(release.renderings("0.1.0", contents))
    append_release("0.1.0", contents, recorded | {second: recorded[first]})
    assert release.differing("0.1.0") == [second]


@pytest.mark.parametrize("framework", matrix.choices("framework"))
def test_every_answer_is_recorded_with_each_framework(framework: str) -> None:
    rows = [row for row in matrix.SAMPLE if row["framework"] == framework]
    for key, values in matrix.FACTORS.items():
        if key == "framework":
            continue
        possible = {v for v in values if matrix.allowed({key: v, "framework": framework})}
        assert {row[key] for row in rows} == possible


@pytest.mark.usefixtures("archive")
def test_every_release_can_be_had_again() -> None:
    first = {"copier.yml": b"a\n", "templates/x": b"\0\xff", "templates/y": b"same"}
    second = {"copier.yml": b"b\n", "templates/y": b"same"}
    append_release("0.1.0", first, {"fastapi service": "1"})
    append_release("0.2.0", second, {"fastapi service": "2"})
    assert list(releases()) == ["0.1.0", "0.2.0"]
    assert files_of_release("0.1.0") == first
    assert files_of_release("0.2.0") == second
    assert releases()["0.2.0"].renderings == {"fastapi service": "2"}


def test_what_did_not_change_is_kept_once(archive: Path) -> None:
    large = bytes(range(256)) * 400
    append_release("0.1.0", {"a": large}, {})
    before = archive.stat().st_size
    append_release("0.2.0", {"a": large, "b": large}, {})
    assert archive.stat().st_size - before < 1000


def test_the_same_releases_make_the_same_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archives = [tmp_path / "one.zip", tmp_path / "two.zip"]
    for path in archives:
        monkeypatch.setattr(history, "archive", lambda path=path: path)
        append_release("0.1.0", {"b": b"1", "a": b"2"}, {})
    assert archives[0].read_bytes() == archives[1].read_bytes()


@pytest.mark.usefixtures("checkout")
def test_a_package_of_elsewhere_records_no_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "archive", lambda: tmp_path / "site-packages.zip")
    with pytest.raises(ValueError, match="is not in this checkout"):
        release.release("0.3.0")
    assert not history.archive().exists()
    assert "not yet released" in release.CHANGELOG.read_text()


def test_a_release_sets_the_version_and_dates_the_changelog(checkout: Path) -> None:
    release.release("0.3.0")
    assert history.archive().is_file()
    assert '__version__ = "0.3.0"\n' in (checkout / "src/genai_scaffold/__init__.py").read_text()
    assert "(not yet released)" not in (checkout / "CHANGELOG.md").read_text()
    assert files_of_release("0.3.0") == template_files(checkout)
    assert len(releases()["0.3.0"].renderings) == len(matrix.SAMPLE) + len(matrix.WORKSPACES)
    assert release.differing("0.3.0") == []


@pytest.mark.usefixtures("archive", "checkout")
@pytest.mark.parametrize(
    ("version", "words"),
    [
        pytest.param("0.3", "CHANGELOG.md has no section", id="not in the changelog"),
        pytest.param("0.3.0.dev1", "is no version of a release", id="in development"),
        pytest.param("0.3.0rc1", "is no version of a release", id="a candidate"),
        pytest.param("v0.3.0", "is no version of a release", id="spelled otherwise"),
        pytest.param("next", "is no version", id="a word"),
        pytest.param("0.2.0", "is not newer than 0.2.0", id="again"),
        pytest.param("0.1.9", "is not newer than 0.2.0", id="older"),
    ],
)
def test_what_is_no_release(version: str, words: str) -> None:
    append_release("0.2.0", {"a": b""}, {})
    with pytest.raises(ValueError, match=words):
        release.release(version)
    assert list(releases()) == ["0.2.0"]


@pytest.mark.usefixtures("archive")
def test_a_version_is_recorded_once() -> None:
    append_release("0.2.0", {"a": b"1"}, {})
    with pytest.raises(ValueError, match="its template cannot change"):
        append_release("0.2.0", {"a": b"2"}, {})
    assert files_of_release("0.2.0") == {"a": b"1"}


def test_a_development_version_names_its_template(small_template: Path, tmp_path: Path) -> None:
    before = template_version()
    assert before.startswith(f"{__version__}+")
    assert before == template_version()
    changed = tmp_path / "changed"
    shutil.copytree(small_template, changed)
    (changed / "templates/project/requirements.txt").write_text("other\n")
    assert digest_of_files(template_files(changed)) != digest_of_files(
        template_files(small_template)
    )
