"""What Python code imports, defines and calls."""

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from genai_scaffold.project.files import TOO_MUCH
from genai_scaffold.template.render import generated_files

PINNED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
# Of a conflict: the markers, the base if it is shown, and the template's side.
NOT_OURS = re.compile(
    rb"^<{7} .*\n|^(?:\|{7}.*\n(?:.*\n)*?)?={7}\r?\n(?:.*\n)*?>{7} .*\n?", re.MULTILINE
)
# A name as `mock.patch` and `uvicorn.run` take it, and a module as a command does.
QUALIFIED = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*[.:]\w+")
DEEPEST = 32  # parts of a module's name


class Import(NamedTuple):
    """A module that a line imports, or names otherwise, and the name that it takes from it."""

    line: int
    module: str
    name: str | None
    alias: str | None = None
    verb: str = "imports"


def dotted_path(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def given_names(file: Path) -> dict[str, str]:
    """What a module imports, assigns and defines: by its name, what its users rely on."""
    given = {}
    for node in tree_of(file).body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                given[name] = _written(value)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                returned = _written(node.returns) if node.returns else ""
                given[name] = f"{type(node).__name__} {_written(node.args)} {returned}"
            case ast.ClassDef(name=name):
                given[name] = "class"
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                module = getattr(node, "module", None)
                given |= {alias.asname or alias.name: f"{module} {alias.name}" for alias in names}
            case _:
                pass
    return given


def _written(node: ast.AST) -> str:
    """What tells a piece of code from another one, wherever it stands and however it is spaced."""
    try:
        return ast.dump(node)
    except RecursionError:  # as of a sum of a thousand terms
        return f"{type(node).__name__} of many parts"


def code_in(root: Path, folder: str) -> list[str]:
    return [f"{folder}/{file.name}" for file in sorted((root / folder).glob("*.py"))]


def code_files(root: Path) -> list[str]:
    """The Python files; a link may lead to where nothing is."""
    paths = [path for path in generated_files(root) if path.endswith(".py")]
    return [path for path in paths if not (root / path).is_symlink()]


def references_in(
    nodes: Iterable[ast.AST], imports: Iterable[Import], old: Path, merged: Path
) -> Iterator[Import]:
    """What code names through a module that it imported, or in a text, as `mock.patch` does."""
    bound = bound_names(imports)
    for node in nodes:
        match node:
            case ast.Attribute():
                first, _, rest = dotted_name(node).partition(".")
                if first not in bound:
                    continue
                used = _resolved(old, f"{bound[first]}.{rest}", node.lineno, "uses")
                # Of a module that is gone its import is named.
                if used and module_file(merged, used.module):
                    yield used
            case ast.Constant(value=str(text)) if QUALIFIED.fullmatch(text):
                used = _resolved(old, text.replace(":", "."), node.lineno, "names")
                if used:
                    yield used
            case _:
                pass


def calls_of(
    nodes: Iterable[ast.AST], imports: Iterable[Import], old: Path, names: Collection[str]
) -> Iterator[tuple[int, str]]:
    """The calls of these functions and methods; whose a method is, only a type checker knows."""
    ours = [used for used in imports if module_file(old, used.module)]
    bound = bound_names(ours)
    for node in nodes if ours else ():
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name in names:
                yield node.lineno, name
            case ast.Call(func=ast.Name(id=alias)):
                name = bound.get(alias, "").rpartition(".")[2]
                if name in names:
                    yield node.lineno, name
            case _:
                pass


def bound_names(imports: Iterable[Import]) -> dict[str, str]:
    """What the names that code imported stand for."""
    bound = {}
    for used in imports:
        if used.name:
            bound[used.alias or used.name] = f"{used.module}.{used.name}"
        else:
            first = used.module.partition(".")[0]
            bound[used.alias or first] = used.module if used.alias else first
    return bound


def dotted_name(node: ast.expr) -> str:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""


def _resolved(root: Path, dotted: str, line: int, verb: str) -> Import | None:
    """The module of a dotted name, and what the name takes from it."""
    parts = dotted.split(".")
    for end in range(min(len(parts), DEEPEST), 0, -1):
        module = ".".join(parts[:end])
        if all(parts) and module_file(root, module):
            name = parts[end] if end < len(parts) else None
            return Import(line, module, name, verb=verb)
    return None


def module_file(root: Path, name: str) -> Path | None:
    place = root.joinpath(*name.split("."))
    files = (place.with_suffix(".py"), place / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def packages_in(root: Path) -> set[str]:
    """The top-level packages that a rendering's code imports, its own left out."""
    names = {used.module.partition(".")[0] for used in _imports_in(root)}
    return {name for name in names if not module_file(root, name)}


def names_taken_from(root: Path, path: str) -> set[str]:
    """What the code of a rendering imports from one of its files."""
    return {
        used.name for used in _imports_in(root) if used.name and used.module == dotted_path(path)
    }


def _imports_in(root: Path) -> Iterator[Import]:
    for path in code_files(root):
        yield from imports_of(ast.walk(tree_of(root / path)), path)


def installed_packages(root: Path) -> set[str]:
    file = root / "requirements.txt"
    text = file.read_text("utf-8", errors="replace") if file.is_file() else ""
    return {name.lower().replace("-", "_") for name in PINNED.findall(text)}


def imports_of(nodes: Iterable[ast.AST], path: str) -> Iterator[Import]:
    package = PurePosixPath(path).parts[:-1]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name, None, alias.asname) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (
                Import(node.lineno, module, alias.name, alias.asname)
                for alias in node.names
                if module
            )


@cache
def defined_in(file: Path) -> set[str]:
    """The names that a module gives to something."""
    names: set[str] = set()
    for node in ast.walk(tree_of(file)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.alias():
                names.add((node.asname or node.name).partition(".")[0])
            case _:
                pass
    return names


def source_of(file: Path) -> bytes:
    """A file, without what of a conflict is not the user's; its lines keep their numbers."""
    if not file.is_file():
        return b""
    return NOT_OURS.sub(lambda found: b"\n" * found[0].count(b"\n"), file.read_bytes())


def tree_of(file: Path) -> ast.Module:
    """A file's code; nothing where it is none."""
    try:
        return ast.parse(source_of(file))
    except (OSError, SyntaxError, *TOO_MUCH):
        return ast.Module([], [])
