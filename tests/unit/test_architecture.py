"""One name for one thing: what a module offers is called so nowhere else."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import genai_scaffold

ROOT = Path(genai_scaffold.__file__).parent
PRIVATE = re.compile(r"genai_scaffold(?:\.\w+)*(?:\.| import )(_[a-z]\w*)")

# Two things that share a name on purpose, and why.
SHARED = {
    "recommend": "the command is named as it is typed; the function is what it calls",
}


def offered(module: Path) -> Iterator[str]:
    """The names that a module defines at its top level, for others."""
    for statement in ast.parse(module.read_text("utf-8")).body:
        match statement:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found = [name]
            case ast.Assign(targets=targets):
                found = [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name)):
                found = [name]
            case _:
                found = []
        yield from (name for name in found if not name.startswith("_"))


def test_no_two_things_have_one_name() -> None:
    places = defaultdict(set)
    for module in ROOT.rglob("*.py"):
        for name in offered(module):
            places[name].add(module.relative_to(ROOT).as_posix())
    twice = {name: sorted(found) for name, found in places.items() if len(found) > 1}
    assert set(twice) == set(SHARED), twice


def test_no_module_is_long() -> None:
    lines = {
        p.relative_to(ROOT).as_posix(): len(p.read_text("utf-8").splitlines())
        for p in ROOT.rglob("*.py")
    }
    assert {path: count for path, count in lines.items() if count > 300} == {}


def test_no_function_is_long() -> None:
    """Its signature aside: that of a command names all of its flags."""
    lines = {
        f"{p.relative_to(ROOT).as_posix()}: {node.name}": node.end_lineno - node.body[0].lineno + 1
        for p in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(p.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.end_lineno
    }
    assert {name: count for name, count in lines.items() if count > 50} == {}


def test_folders_offer_nothing_themselves() -> None:
    """What a folder's own file imported, `--help` would have to import, too."""
    assert [p for p in ROOT.glob("*/__init__.py") if p.stat().st_size] == []


def private_uses(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.ImportFrom(module=str(module), names=names) if module.startswith(
                "genai_scaffold"
            ):
                yield from (f"{path.name}: {a.name}" for a in names if a.name.startswith("_"))
            case ast.Constant(value=str(text)):  # a program, or what a test replaces
                yield from (f"{path.name}: {name}" for name in PRIVATE.findall(text))


def test_no_private_name_is_used_from_elsewhere() -> None:
    tests = Path(__file__).parents[1]
    own = [
        *ROOT.rglob("*.py"),
        *tests.glob("*.py"),
        *tests.glob("unit/**/*.py"),
        *tests.glob("e2e/*.py"),
    ]
    own += [*tests.parent.glob("scripts/**/*.py"), *tests.parent.glob("benchmarks/*.py")]
    assert [use for path in own for use in private_uses(path) if not use.endswith("__")] == []
