"""The laws of the template tree: twins with the same slots, each filled in at one place."""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import REPOSITORY
from jinja2 import Environment, nodes

from genai_scaffold.template.questions import template_questions

TEMPLATES = REPOSITORY / "templates"
PROJECT = TEMPLATES / "project"
WORKSPACE = TEMPLATES / "workspace"
FRAMEWORKS = tuple(choice.value for choice in template_questions()["framework"].choices)


def files(folder: Path) -> list[str]:
    """The files below a folder, but for what Python and file managers leave."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != ".DS_Store"
    )


def test_there_is_nothing_but_the_project_its_slots_and_what_they_share() -> None:
    folders = {path.name for path in TEMPLATES.iterdir() if path.is_dir()}
    assert folders == {"project", "workspace", "licenses", "deploy", *FRAMEWORKS}


def test_every_deploy_target_says_how() -> None:
    targets = [f"{choice.value}.md" for choice in template_questions()["deploy"].choices]
    assert files(TEMPLATES / "deploy") == sorted(targets)


def test_the_twins_have_the_same_slots() -> None:
    slots = {framework: files(TEMPLATES / framework) for framework in FRAMEWORKS}
    first, *others = slots.values()
    assert others == [first] * len(others)


def test_every_slot_is_included_from_one_place() -> None:
    places = defaultdict(set)
    for place, expression, answers in includes():
        included = Environment(autoescape=False).compile_expression(expression)(**answers)  # noqa: S701
        places[included].add(f"{place}: {expression}")
    slots = {
        f"templates/{folder}/{path}"
        for folder in (*FRAMEWORKS, "licenses")
        for path in files(TEMPLATES / folder)
    }
    assert slots <= places.keys()
    for slot in slots:
        # What a project runs with is part of what its checks need; a licence is a root's, too.
        twice = slot.endswith("/requirements.txt") or slot.startswith("templates/licenses/")
        assert len(places[slot]) == (2 if twice else 1), slot


def of(root: Path) -> list[tuple[Path, str]]:
    return [(root, path) for path in files(root)]


def includes() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Each include of the project, with every set of answers that its path may depend on."""
    questions = template_questions()
    keys = ("framework", "preset", "license")
    values = [[choice.value for choice in questions[key].choices] for key in keys]
    for root, path in (*of(PROJECT), *of(WORKSPACE)):
        text = (root / path).read_text("utf-8")
        for chunk in text.split("{% include ")[1:]:
            expression = chunk.partition("%}")[0].strip().removesuffix("-").strip()
            for chosen in itertools.product(*values):
                yield f"{root.name}/{path}", expression, dict(zip(keys, chosen, strict=True))


@pytest.mark.parametrize("folder", [*FRAMEWORKS, "licenses"])
def test_a_slot_includes_no_other(folder: str) -> None:
    for path in files(TEMPLATES / folder):
        tree = parsed(TEMPLATES / folder / path)
        assert not list(tree.find_all((nodes.Include, nodes.Import))), path
        # How a text is quoted is written once, for slots too.
        for taken in tree.find_all(nodes.FromImport):
            assert taken.template.as_const() == "templates/text.jinja", path


def test_no_one_sided_condition_where_the_name_has_a_quote() -> None:
    # Jinja writes the template's name into the message of the missing `else`, in single quotes,
    # and the program it makes of such a template does not compile.
    for root, path in (*of(PROJECT), *of(WORKSPACE)):
        if "'" in path and path.endswith(".jinja"):
            for condition in parsed(root / path).find_all(nodes.CondExpr):
                assert condition.expr2 is not None, f"{path}, line {condition.lineno}"


def test_no_name_is_illegal_on_windows() -> None:
    for path in files(TEMPLATES):
        assert not set('<>:"|?*\\') & set(path), path


def parsed(path: Path) -> nodes.Template:
    return Environment(autoescape=False).parse(path.read_text("utf-8"))  # noqa: S701
