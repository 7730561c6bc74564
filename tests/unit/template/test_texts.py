"""What a user writes reaches every file unchanged, whatever it looks like to that file's format."""

import ast
import itertools
import json
import random
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import copier
import matrix
import pytest
import yaml
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from genai_scaffold.answers.fields import free_texts
from genai_scaffold.answers.names import UNWRITABLE, check_text
from genai_scaffold.answers.sources import from_flags
from genai_scaffold.create.plan import plan_project
from genai_scaffold.create.project import create_project
from genai_scaffold.errors import UsageError
from genai_scaffold.project.record import ANSWERS_FILE
from genai_scaffold.template import packaged
from genai_scaffold.template.render import generated_files, render_from

TEXTS = [
    pytest.param("A thing", id="plain"),
    pytest.param('say "hi"', id="double-quotes"),
    pytest.param("it's 'so'", id="single-quotes"),
    pytest.param('"""x"""', id="triple-quotes"),
    pytest.param(r"C:\new\table", id="backslashes"),
    pytest.param("ends with \\", id="ends-with-a-backslash"),
    pytest.param("a # b: c", id="hash-and-colon"),
    pytest.param("rocket 🚀 é \u200dx", id="emoji"),
    pytest.param("{{ 7*7 }}{% raw %}{# c #}${{ github.token }}", id="template-tags"),
    pytest.param("${{ secrets.X }} ${{ github.event.issue.title }} {{{", id="github-expression"),
    pytest.param("{{ x | to_json }} {%- set a = 1 -%} {# c #} # line %} }}", id="jinja"),
    pytest.param("[a] b = \"c\" ''' # d", id="toml"),
    pytest.param("a: b\\n- c ? | > %TAG ---", id="yaml-document"),
    pytest.param("'; rm -rf / #\" && $(id) | tee > /dev/null \\", id="shell-injection"),
    pytest.param("<b>&amp;</b> <!-- x --> </script>", id="html"),
    pytest.param("<img src=x onerror=alert(1)> &lt;", id="html-injection"),
    pytest.param('");import os;os.system("x")#', id="python"),
    pytest.param("$HOME ${X} %(a)s $(ls) `ls` !x", id="shell"),
    pytest.param("*a* _b_ __c__ ~~d~~ `e`", id="emphasis"),
    pytest.param("[a](b) ![c](d) <https://example.org> [e]: f", id="links"),
    pytest.param("# A heading", id="heading"),
    pytest.param("> quoted", id="quote"),
    pytest.param("- an item", id="bullet"),
    pytest.param("+ an item", id="plus"),
    pytest.param("12. an item", id="number"),
    pytest.param("12) an item", id="number-and-parenthesis"),
    pytest.param("===", id="underline"),
    pytest.param("---", id="rule"),
    pytest.param("| a | b |", id="table"),
    pytest.param("~~~", id="fence"),
    pytest.param("a  b", id="two-blanks"),
    pytest.param("true", id="boolean"),
    pytest.param("null", id="null"),
    pytest.param("2024-01-01", id="date"),
    pytest.param("0x1F", id="number-alone"),
    pytest.param("- [ ] {a: b} @x %y", id="yaml"),
    pytest.param("&anchor *alias !tag", id="anchor"),
    pytest.param("\u00a0a\u2003b\u3000", id="strange-blanks"),
    pytest.param("a" * 200, id="long"),
]
# What may stand in a text, so chosen that accidents happen.
ALPHABET = "\\`*_[]<>&~|#$-+=!(){}:;.,'\"%^@/ 019ax éß🚀"


@pytest.fixture(scope="session")
def source() -> Path:
    return packaged.template_root()


def shown(markdown: str) -> list[str]:
    """The paragraphs that a reader of Markdown sees, as plain text."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    return [
        "".join(child.content for child in token.children or ())
        for before, token in itertools.pairwise(tokens)
        if before.type == "paragraph_open"
        and {child.type for child in token.children or ()} <= {"text", "text_special"}
    ]


@pytest.mark.parametrize("text", TEXTS)
def test_reads_back_from_every_file(text: str, source: Path, tmp_path: Path) -> None:
    assert check_text(text, "description") == text
    assert_reads_back(text, source, tmp_path / "my-app")


def test_a_text_may_look_like_a_tag(tmp_path: Path) -> None:
    flags = {"description": "Fills {{ placeholders }} and {% blocks %}", "preset": "prototype"}
    created = create_project(plan_project(from_flags(flags), str(tmp_path / "my-app")))
    assert str(flags["description"]) in (tmp_path / "my-app/pyproject.toml").read_text("utf-8")
    assert created.files


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=200))
def test_any_accepted_text_reads_back_from_every_file(source: Path, text: str) -> None:
    try:
        accepted = check_text(text, "description")
    except UsageError:
        reject()
    assume(accepted)
    with tempfile.TemporaryDirectory() as folder:
        assert_reads_back(accepted, source, Path(folder) / "my-app")


def assert_reads_back(text: str, source: Path, root: Path) -> None:
    flags = {"description": text, "author": text, "preset": "prototype"}
    planned = plan_project(from_flags(flags), "my-app")
    reasons = {"recommendation": planned.recommendation.as_dict()}
    render_from(source, root, {**planned.answers.for_template(), **reasons})
    metadata = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    assert metadata["description"] == text
    assert metadata["authors"] == [{"name": text}]
    recorded = yaml.safe_load((root / ANSWERS_FILE).read_text("utf-8"))
    assert (recorded["description"], recorded["author"]) == (text, text)
    # Markdown leaves out the blanks around a paragraph.
    assert shown((root / "README.md").read_text("utf-8"))[0] == text.strip()
    assert f"Copyright (c) {text}\n" in (root / "LICENSE").read_text("utf-8")


def test_plain_copier_refuses_the_same_characters(source: Path) -> None:
    questions = yaml.safe_load((source / "copier.yml").read_text("utf-8"))
    for key in free_texts():
        assert f"regex_search('{UNWRITABLE.pattern}')" in questions[key]["validator"]


@pytest.mark.parametrize("row", matrix.EVERYTHING, ids=matrix.name)
def test_no_other_file_holds_a_text(row: matrix.Row, source: Path, tmp_path: Path) -> None:
    flags = {**matrix.given(row), "description": "zyx d", "author": "zyx a", "license": "mit"}
    planned = plan_project(from_flags(flags), "my-app")
    render_from(source, tmp_path, planned.answers.for_template())
    holding = {
        path for path in generated_files(tmp_path) if b"zyx" in (tmp_path / path).read_bytes()
    }
    described = {
        ("fastapi", "service"): "backend/application.py",
        ("flask", "service"): "backend/api/docs.py",
        ("fastapi", "prototype"): "main.py",
        ("flask", "prototype"): "app.py",
    }
    known = {"pyproject.toml", "README.md", "LICENSE", ANSWERS_FILE}
    if row["preset"] != "workspace":
        known.add(described[row["framework"], row["preset"]])
    assert holding == known


@pytest.mark.parametrize("framework", ["fastapi", "flask"])
@pytest.mark.parametrize("preset", ["service", "prototype"])
@pytest.mark.parametrize("text", ["word " * 39 + "end", 'rocket 🚀 é — \\ "so"'])
def test_code_that_holds_a_text_is_as_its_formatter_leaves_it(
    framework: str, preset: str, text: str, source: Path, tmp_path: Path
) -> None:
    flags = {"framework": framework, "preset": preset, "description": text}
    planned = plan_project(from_flags(flags), "my-app")
    render_from(source, tmp_path, planned.answers.for_template())
    ruff = (sys.executable, "-m", "ruff")
    subprocess.run((*ruff, "check", "--no-cache", "."), cwd=tmp_path, check=True)
    subprocess.run((*ruff, "format", "--no-cache", "--check", "."), cwd=tmp_path, check=True)


def test_a_proprietary_licence_names_the_author_too(source: Path, tmp_path: Path) -> None:
    flags = {"author": "A & B's \\ <c>", "license": "proprietary", "preset": "prototype"}
    planned = plan_project(from_flags(flags), "my-app")
    render_from(source, tmp_path / "my-app", planned.answers.for_template())
    text = (tmp_path / "my-app" / "LICENSE").read_text("utf-8")
    assert text.startswith("Copyright (c) A & B's \\ <c>. All rights reserved.\n")


def test_any_text_reads_back_from_each_format(source: Path, tmp_path: Path) -> None:
    dice = random.Random(0)  # noqa: S311 - the same texts in every run
    drawn = ("".join(dice.choices(ALPHABET, k=dice.randint(1, 12))) for _ in range(4000))
    texts = sorted({text.strip() for text in drawn} - {""})
    small = tmp_path / "small"
    small.mkdir()
    (small / "copier.yml").write_text("texts: {type: json}\n")
    (small / "templates").mkdir()
    (small / "templates/text.jinja").write_bytes((source / "templates/text.jinja").read_bytes())
    (small / "texts.md.jinja").write_text(
        "{% from 'templates/text.jinja' import markdown %}"
        "{% for text in texts %}{{ markdown(text) }}\n\n{% endfor %}"
    )
    (small / "texts.py.jinja").write_text(
        "{% from 'templates/text.jinja' import python %}"
        "{% for text in texts %}{{ python('', text, '') }}\n{% endfor %}"
    )
    (small / "texts.toml.jinja").write_text(
        "{% for text in texts %}t{{ loop.index }} = {{ text | to_json(ensure_ascii=False) }}\n"
        "{% endfor %}"
    )
    (small / "texts.yml.jinja").write_text("{{ texts | to_nice_yaml(width=1000) }}")
    data = {"texts": json.dumps(texts)}
    settings = copier.Settings()
    copier.run_copy(str(small), tmp_path / "out", data=data, quiet=True, settings=settings)
    assert shown((tmp_path / "out/texts.md").read_text("utf-8")) == texts
    code = ast.parse((tmp_path / "out/texts.py").read_text("utf-8")).body
    assert [ast.literal_eval(line.value) for line in code if isinstance(line, ast.Expr)] == texts
    read = tomllib.loads((tmp_path / "out/texts.toml").read_text("utf-8"))
    assert list(read.values()) == texts
    assert yaml.safe_load((tmp_path / "out/texts.yml").read_text("utf-8")) == texts
