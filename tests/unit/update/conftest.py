"""A project of an older template, where a newer one is installed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from repositories import Versions, copied, new

from update.situations import LEFT, state

QUESTION = """
log_format:
  type: str
  help: How logs are written
  choices: {JSON: json, Text: text}
  default: json
"""


@pytest.fixture(scope="session")
def versions(small_template_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Versions:
    """The newer template asks one thing more; it changed, added and dropped a file."""
    two = copied(small_template_root, tmp_path_factory.mktemp("versions"))
    for root in (two.old, two.new):
        (root / "templates/project" / LEFT).parent.mkdir(parents=True)
        (root / "templates/project" / LEFT).write_text(f"# of {root.name}\n")
    for root, line in ((two.old, "older"), (two.new, "newer")):
        project = root / "templates" / "project"
        lines = [f"line {number}\n" for number in range(20)]
        (project / "text.txt").write_text("".join([*lines, f"the {line} one\n", *lines]))
    (two.old / "templates/project/dropped.txt").write_text("of the older one\n")
    (two.new / "templates/project/brand new.txt").write_text("of the newer one\n")
    with (two.new / "copier.yml").open("a") as questions:
        questions.write(QUESTION)
    (two.new / "templates/project/logs.txt.jinja").write_text("{{ log_format }}\n")
    two.record()
    return two


@pytest.fixture(scope="session")
def made(versions: Versions, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project of the older version that all tests of a run share, so that none may change it."""
    with versions.before():
        project = new(tmp_path_factory.mktemp("made") / "my-app", "--deploy", "none")
    before = state(project)
    yield project
    assert state(project) == before


@pytest.fixture
def project(versions: Versions, made: Path, work: Path) -> Iterator[Path]:
    """A project of the older version, where the newer one is installed."""
    shutil.copytree(made, work / "my-app")
    with versions.after():
        yield work / "my-app"
