"""The documentation as its readers have it: every command run, every page built."""

import sys
from pathlib import Path

import pytest
from mentions import unknown
from pages.fences import DOCS, pages, steps
from pages.session import IN_A_CHECKOUT, place, transcribed
from pages.tables import deployed, tabled

from e2e.conftest import REPOSITORY, required
from e2e.machine import Machine

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=str(page.relative_to(REPOSITORY)))
        for page in pages()
        if any(step.kind != "elsewhere" for step in steps(page.read_text("utf-8")))
    ],
)
def test_a_page_says_what_its_commands_say(
    page: Path, scaffold: Path, machine: Machine, tmp_path: Path
) -> None:
    text = page.read_text("utf-8")
    ours = IN_A_CHECKOUT in text
    programs = Path(sys.executable) if ours else scaffold
    where = place(tmp_path / "page", text, str(programs.parent), machine.variables)
    assert transcribed(tabled(text), where) == text, "run `python -m scripts.pages`"


TARGETS = sorted(path.stem for path in (DOCS / "deploy").glob("*.md") if path.stem != "index")


@pytest.mark.parametrize("target", TARGETS)
def test_a_platform_is_told_of_what_the_project_has(target: str) -> None:
    page = (DOCS / "deploy" / f"{target}.md").read_text("utf-8")
    commands = [step.commands for step in steps(page) if step.kind == "elsewhere"]
    assert unknown("\n".join(commands), deployed(target)) == []


@pytest.fixture(scope="module")
def site(machine: Machine) -> Path:
    """The built documentation: a link that leads nowhere, or a page outside, fails the build."""
    folder = machine.folder / "site"
    build = (required("sphinx-build"), "-n", "-W", "--keep-going", "-b", "dirhtml")
    doctrees = str(machine.folder / "doctrees")
    machine.run(*build, "-d", doctrees, str(REPOSITORY / "docs"), str(folder))
    return folder


def test_every_page_is_built(site: Path) -> None:
    docs = REPOSITORY / "docs"
    written = {page.relative_to(docs).with_suffix("") for page in docs.rglob("*.md")}
    folders = {page.parent if page.name == "index" else page for page in written}
    assert all((site / folder / "index.html").is_file() for folder in folders)


def test_a_page_fetches_nothing_from_elsewhere(site: Path) -> None:
    for page in [*site.rglob("*.html"), *site.rglob("*.css")]:
        text = page.read_text("utf-8")
        for fetching in ('src="http', 'src="//', "url(http", "@import", 'rel="stylesheet" href="h'):
            assert fetching not in text, page
