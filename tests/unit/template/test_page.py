"""The chat page's Markdown: what becomes of a model's text, and of a hostile one's."""

import json
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

PAGES = "{% if preset == 'service' %}backend{% endif %}/{% if 'page' in features %}pages{% endif %}"
SOURCE = Path(__file__).parents[3] / "templates/project" / PAGES / "chat.html.jinja"
# What shows a text, up to the line from which on the script needs a document.
RENDERER = re.search(r"<script>\n(.*?)\n// Elements", SOURCE.read_text("utf-8"), re.DOTALL)
READ = """
const said = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(said.map(text => split(text).map(parse))));
"""
SECONDS = 20  # far more than any text takes, far less than one that is tried in every way


def rendered(*texts: str) -> list[list[Any]]:
    """The elements that each text becomes, as lists of a tag, attributes and children."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    assert RENDERER
    run = subprocess.run(
        (node, "-e", RENDERER[1] + READ),
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    )
    shown: list[list[Any]] = json.loads(run.stdout)
    return shown


def p(*children: Any) -> list[Any]:
    return ["p", {"dir": "auto"}, *children]


def li(*children: Any) -> list[Any]:
    return ["li", {"dir": "auto"}, *children]


def pre(code: str) -> list[Any]:
    return ["pre", {"tabIndex": 0}, ["code", {}, code]]


def link(label: str, href: str) -> list[Any]:
    return ["a", {"href": href, "rel": "noreferrer nofollow", "target": "_blank"}, label]


def led(label: str, href: str, place: str) -> list[Any]:
    """A link whose words do not say where it leads, so that the page does."""
    return ["bdi", {}, link(label, href), ["small", {}, f" ({place})"]]


SHOWN: dict[str, tuple[str, list[Any]]] = {
    "nothing": ("", []),
    "blanks": (" \n\t\n", []),
    "paragraphs": ("a\nb\n\n\nc", [p("a\nb"), p("c")]),
    "bold": ("a **b c** d", [p("a ", ["strong", {}, "b c"], " d")]),
    "no bold": ("2 ** 3 ** 4, **", [p("2 ** 3 ** 4, **")]),
    "code in bold": ("**a `b`**", [p(["strong", {}, "a ", ["code", {}, "b"]])]),
    "code": ("a `**b**` c", [p("a ", ["code", {}, "**b**"], " c")]),
    "code with a backtick": ("`` a`b ``", [p(["code", {}, "a`b"])]),
    "a backtick": ("a ` b", [p("a ` b")]),
    "a heading": ("# a **b**\n\nc", [p(["strong", {}, "a ", ["strong", {}, "b"]]), p("c")]),
    "a block of code": (
        "a\n```py\nx = **1**\n\ny\n```\nb",
        [p("a"), pre("x = **1**\n\ny"), p("b")],
    ),
    "a block that goes on": ("```\n<b>\n", [pre("<b>\n")]),
    "a block in a block": ("````\n```\na\n```\n````", [pre("```\na\n```")]),
    "tildes": ("~~~\n```\n~~~", [pre("```")]),
    "a list": ("- a\n- **b**", [["ul", {}, li("a"), li(["strong", {}, "b"])]]),
    "numbers": ("3. a\n4) b", [["ol", {"start": 3}, li("a"), li("b")]]),
    "a list after words": ("a:\n* b\n\nc", [p("a:"), ["ul", {}, li("b")], p("c")]),
    "a loose list": ("1. a\n\n2. b\n\n   c", [["ol", {"start": 1}, li("a"), li("b\nc")]]),
    "a list in a list": (
        "1. a\n   - b\n   - c\n2. d",
        [["ol", {"start": 1}, li("a", ["ul", {}, li("b"), li("c")]), li("d")]],
    ),
    "code in a list": (
        "1. a\n   ```\n   b\n     c\n   ```\n2. d",
        [["ol", {"start": 1}, li("a")], pre("b\n  c"), ["ol", {"start": 2}, li("d")]],
    ),
    "a link": ("[a](https://b.example/c)", [p(led("a", "https://b.example/c", "b.example"))]),
    "an address": (
        "See https://a.example/b_(c).",
        [p("See ", link("https://a.example/b_(c)", "https://a.example/b_(c)"), ".")],
    ),
    "a mail address": (
        "[m](mailto:a@b.example)",
        [p(led("m", "mailto:a@b.example", "a@b.example"))],
    ),
    "an address in code": ("`https://a.example`", [p(["code", {}, "https://a.example"])]),
    "lines of Windows": ("a\r\nb\r\n\r\nc", [p("a\nb"), p("c")]),
    # What is not understood is shown as it was written.
    "a table": ("| a | b |\n|---|---|", [p("| a | b |\n|---|---|")]),
    "emphasis": ("*a* _b_ __c__ ~~d~~", [p("*a* _b_ __c__ ~~d~~")]),
    "a rule": ("---", [p("---")]),
    "an image": (
        "![a](https://b.example/c.png)",
        [p("!", led("a", "https://b.example/c.png", "b.example"))],
    ),
    "HTML": ("<img src=x onerror=alert(1)>", [p("<img src=x onerror=alert(1)>")]),
}
HOSTILE: dict[str, tuple[str, list[Any]]] = {
    "script": ("[a](javascript:alert(1))", [p("[a](javascript:alert(1))")]),
    "script in capitals": ("[a](JaVaScRiPt:alert(1))", [p("[a](JaVaScRiPt:alert(1))")]),
    "a script that is cut": ("[a](java\tscript:alert)", [p("[a](java\tscript:alert)")]),
    "data": ("[a](data:text/html,<b>)", [p("[a](data:text/html,<b>)")]),
    "a file": ("[a](file:///etc/passwd)", [p("[a](file:///etc/passwd)")]),
    "of this service": ("[a](/v1) [b](//c.example)", [p("[a](/v1) [b](//c.example)")]),
    "under another name": (
        "[https://bank.example](https://thief.example/?bank.example)",
        [
            p(
                led(
                    "https://bank.example",
                    "https://thief.example/?bank.example",
                    "thief.example",
                )
            )
        ],
    ),
    "another's name before it": (
        "[a](https://bank.example@thief.example/)",
        [p(led("a", "https://bank.example@thief.example/", "thief.example"))],
    ),
    "letters that look alike": (
        "[a](https://b\u0430nk.example)",
        [p(led("a", "https://xn--bnk-6cd.example/", "xn--bnk-6cd.example"))],
    ),
    "another order": ("a\u202eb\u2066c\u2069", [p("abc")]),
    "right to left": ("שלום **a**", [p("שלום ", ["strong", {}, "a"])]),
    "names of properties": ("__proto__ constructor", [p("__proto__ constructor")]),
}


def test_shows_what_it_knows_and_all_else_as_it_was_written() -> None:
    cases = SHOWN | HOSTILE
    shown = rendered(*(text for text, _ in cases.values()))
    assert dict(zip(cases, shown, strict=True)) == {name: made for name, (_, made) in cases.items()}


def test_takes_any_text_in_little_time() -> None:
    endless = ["a", " ", "\n", "`", "``` ", "` ", "**", "**a ", "[", "[a](", "[a](b", "- ", "- a\n"]
    endless += (
        "1. a\n\n",
        "(",
        "https://a.example/(",
        "```\n",
        "\n ",
        "*",
        "# ",
        "\u202e",
        "- a\n ",
    )
    texts = [piece * (100_000 // len(piece)) for piece in endless]
    nested = "\n".join(f"{'  ' * depth}- a" for depth in range(300))
    shown = rendered(*texts, nested)
    assert len(shown) == len(texts) + 1
    assert json.dumps(shown[-1]).count('"ul"') == 6


def test_makes_anew_only_what_has_grown() -> None:
    text = "a **b**\n\n- c\n- d\n\n```\ne\n```\n\nf"
    starts = [text[:length] for length in range(len(text) + 1)]
    shown = rendered(*starts)
    for before, after in pairwise(shown):
        assert after[: len(before) - 1] == before[:-1]
