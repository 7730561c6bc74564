"""Finds what a merge cannot do: code that uses what is gone, and settings nobody reads any more."""

import ast
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from genai_scaffold import render, verify
from genai_scaffold.merge import Conflict

# A variable with the comment above it: what it means stands there.
SETTING = re.compile(
    r"(?P<about>(?:^#(?! ?[A-Z0-9_]+=).*\n)*)^#? ?(?P<name>[A-Z][A-Z0-9_]+)=.*", re.MULTILINE
)
# A variable as a file sets it, perhaps for a shell; what it is set to is nobody's business.
SET = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Z][A-Z0-9_]*)[ \t]*=", re.MULTILINE)
VARIABLE = re.compile(r"\b[A-Z][A-Z0-9_]+\b")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
# Of a conflict: the markers, the base if it is shown, and the template's side.
NOT_OURS = re.compile(
    rb"^<{7} .*\n|^(?:\|{7}.*\n(?:.*\n)*?)?={7}\r?\n(?:.*\n)*?>{7} .*\n?", re.MULTILINE
)
# A name as `mock.patch` and `uvicorn.run` take it, and a module as a command does.
QUALIFIED = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*[.:]\w+")
RUN = re.compile(rb"(?<![\w-])-m[ \t]+([\w.]+)|(?<![\w./-])([\w.]+):(\w+)")
WORD = re.compile(rb"\w+")
EXAMPLE, OWN = ".env.example", ".env"


class Use(NamedTuple):
    """A line of the user's that uses something which is gone."""

    path: str
    line: int
    problem: str


class Setting(NamedTuple):
    """A variable that does not mean what it did, and whether the user's .env sets it."""

    name: str
    problem: str
    is_set: bool


class Handwork(NamedTuple):
    """What is left for the user to do."""

    uses: tuple[Use, ...]
    settings: tuple[Setting, ...]


class Import(NamedTuple):
    """A module that a line imports, or names otherwise, and the name that it takes from it."""

    line: int
    module: str
    name: str | None
    alias: str | None = None
    verb: str = "imports"


def find(old: Path, new: Path, merged: Path, project: Path) -> Handwork:
    """Compare what a project was generated from, what it would be, and what came of it.

    Args:
        old: the rendering that the project was made from.
        new: the rendering that was merged.
        merged: the merged project; of a conflict in it, the user's side is looked at.
        project: the user's directory.
    """
    uses = [*_uses(old, new, merged), *_runs(old, merged), *_hidden(old, new, merged)]
    return Handwork(tuple(_by_place(uses)), tuple(_settings(old, new, project)))


def find_variables(
    prefixes: tuple[str, ...],
    new: Path,
    merged: Path,
    project: Path,
    conflicts: Collection[Conflict],
) -> Handwork:
    """Look for variables that only the server of before has read.

    Args:
        prefixes: how they begin.
        new: the rendering that was merged.
        merged: the merged project.
        project: the user's directory.
        conflicts: files that the user has to look at anyway.
    """
    left = {OWN, *(conflict.path for conflict in conflicts)}
    return Handwork(
        tuple(use for use in _mentions(prefixes, new, merged) if use.path not in left),
        tuple(_own_settings(prefixes, project)),
    )


def _by_place(uses: Iterable[Use]) -> Iterator[Use]:
    """One use for each line, which says all that is wrong with it."""
    problems: dict[tuple[str, int], list[str]] = {}
    for use in uses:
        problems.setdefault(use[:2], []).append(use.problem)
    for (path, line), found in sorted(problems.items()):
        yield Use(path, line, "; ".join(dict.fromkeys(found)))


def _uses(old: Path, new: Path, merged: Path) -> Iterator[Use]:
    paths = _code(merged)
    users = [path for path in paths if not _same(new / path, merged / path)]
    if not users:
        return
    packages = _packages(old) - _packages(new) - _installed(new) - sys.stdlib_module_names
    turned = _turned(old, new)
    changed = packages | _changed_words(old, new, merged) | turned.keys()
    words = frozenset(word.encode() for word in changed)
    for path in users:
        if not _mentions_any(words, merged / path):
            continue
        own = _own_lines(old, new, merged, path)
        tree = _parse(merged / path)
        yield from _changed_names(old, new, tree, path, own)
        imports = list(_imports(tree, path))
        for used in (*imports, *_references(tree, imports, old, merged)):
            if used.line not in own:
                continue
            package = used.module.partition(".")[0]
            if package in packages:
                yield Use(path, used.line, f"imports {package}, which is not installed any more")
            elif problem := _lost(used, old, merged):
                yield Use(path, used.line, problem)
        for line, name in _calls(tree, imports, old, turned):
            if line in own:
                how = "async now" if turned[name] else "not async any more"
                yield Use(path, line, f"calls {name}, which is {how}")


def _runs(old: Path, merged: Path) -> Iterator[Use]:
    """The user's lines of other files that run a module which is gone."""
    modules = {_dotted_path(path) for path in _code(old) if not (merged / path).exists()}
    for path in render.files(merged) if modules else ():
        file = merged / path
        large = file.is_symlink() or file.stat().st_size > verify.LARGEST
        if path.endswith(".py") or large or not RUN.search(_source(file)):
            continue
        generated = set(_source(old / path).splitlines())
        for number, line in enumerate(_source(file).splitlines(), 1):
            for option, module, attribute in () if line in generated else RUN.findall(line):
                name = (option or module).decode("ascii", "replace")
                served = not option and _module(old, name)
                known = not served or attribute.decode("ascii", "replace") in _defined(served)
                if name in modules and known:
                    yield Use(path, number, f"runs {name}, which is gone")


def _hidden(old: Path, new: Path, merged: Path) -> Iterator[Use]:
    """The user's modules with the name of one that the template adds: Python finds one of them."""
    for path in _code(new):
        if (old / path).exists() or not (merged / path).is_file():
            continue
        name = path.removesuffix(".py").removesuffix("/__init__")
        package = f"{name}/__init__.py"
        others = [f"{name}.py"] if path == package else [package, *_code_in(merged, name)]
        for other in others:
            if (merged / other).is_file() and not (new / other).exists():
                verb = "hides" if other == package else "is hidden by"
                yield Use(other, 1, f"{verb} {path}, which the template adds")
                break


def _dotted_path(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _changed_words(old: Path, new: Path, merged: Path) -> set[str]:
    """The modules that are gone, and the names that are gone from one or different there.

    A file without any of these words uses nothing that changed: it need not be parsed.
    """
    words: set[str] = set()
    for path in _code(old):
        before, after = old / path, merged / path
        if after.is_file():
            words |= _changed_between(before, new / path) | _changed_between(before, after)
            words |= _defined(before) - _defined(after)
        else:
            words.add(_dotted_path(path).rpartition(".")[2])
    return words


def _turned(old: Path, new: Path) -> dict[str, bool]:
    """The functions and methods that are async in only one rendering, and whether it is the new."""
    turned = {}
    for path in _code(old):
        before, after = _kinds(old / path), _kinds(new / path)
        for name, kind in before.items():
            if after.get(name, kind) != kind:
                turned[name.rpartition(".")[2]] = after[name]
    return turned


def _kinds(file: Path) -> dict[str, bool]:
    """The functions of a module and its classes, and whether they are async."""
    body = _parse(file).body
    scopes = {f"{node.name}.": node.body for node in body if isinstance(node, ast.ClassDef)}
    return {
        f"{scope}{node.name}": isinstance(node, ast.AsyncFunctionDef)
        for scope, nodes in {"": body, **scopes}.items()
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _mentions_any(words: frozenset[bytes], file: Path) -> bool:
    return bool(words) and not words.isdisjoint(WORD.findall(_source(file)))


def _mentions(prefixes: tuple[str, ...], new: Path, merged: Path) -> Iterator[Use]:
    for path in render.files(merged) if prefixes else ():
        file = merged / path
        if file.is_symlink() or _same(new / path, file):
            continue
        for number, line in enumerate(_text(file).splitlines(), 1):
            for name in dict.fromkeys(VARIABLE.findall(line)):
                if name.startswith(prefixes):
                    yield Use(path, number, f"names {name}, which is not read any more")


def _own_settings(prefixes: tuple[str, ...], project: Path) -> Iterator[Setting]:
    for name in dict.fromkeys(SET.findall(_text(project / OWN))):
        if name.startswith(prefixes):
            yield Setting(name, "is not read any more", is_set=True)


def _own_lines(old: Path, new: Path, merged: Path, path: str) -> set[int]:
    """The numbers of the lines that no rendering of this file has."""
    generated = {line for root in (old, new) for line in _source(root / path).splitlines()}
    lines = enumerate(_source(merged / path).splitlines(), 1)
    return {number for number, line in lines if line not in generated}


def _changed_names(
    old: Path, new: Path, tree: ast.Module, path: str, own: Collection[int]
) -> Iterator[Use]:
    """The user's lines that use a name of this file which the template drops or changes."""
    changed = _changed_between(old / path, new / path)
    used = {
        (node.lineno, node.id)
        for node in (ast.walk(tree) if changed else ())
        if isinstance(node, ast.Name) and node.id in changed and node.lineno in own
    }
    for line, name in sorted(used):
        yield Use(path, line, f"uses {name}, which is gone or different now")


def _changed_between(one: Path, other: Path) -> set[str]:
    """The names that a module gives, and another one does not give so."""
    before, after = _given(one), _given(other)
    return {name for name, meaning in before.items() if after.get(name) != meaning}


@cache
def _given(file: Path) -> dict[str, str]:
    """What a module imports, assigns and defines: by its name, what its users rely on."""
    given = {}
    for node in _parse(file).body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                given[name] = ast.dump(value)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                returned = ast.dump(node.returns) if node.returns else ""
                given[name] = f"{type(node).__name__} {ast.dump(node.args)} {returned}"
            case ast.ClassDef(name=name):
                given[name] = "class"
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                module = getattr(node, "module", None)
                given |= {alias.asname or alias.name: f"{module} {alias.name}" for alias in names}
            case _:
                pass
    return given


def _code_in(root: Path, folder: str) -> list[str]:
    return [f"{folder}/{file.name}" for file in sorted((root / folder).glob("*.py"))]


def _code(root: Path) -> list[str]:
    """The Python files; a link may lead to where nothing is."""
    paths = [path for path in render.files(root) if path.endswith(".py")]
    return [path for path in paths if not (root / path).is_symlink()]


def _same(one: Path, other: Path) -> bool:
    return one.is_file() and one.read_bytes() == other.read_bytes()


def _lost(used: Import, old: Path, merged: Path) -> str | None:
    """Say what an import took from the old rendering that the merged project has not so."""
    before, after = _module(old, used.module), _module(merged, used.module)
    if before and not after:
        return f"{used.verb} {used.module}, which is gone"
    if not (before and after and used.name):
        return None
    inner = f"{used.module}.{used.name}"
    had = used.name in _defined(before) or _module(old, inner)
    has = used.name in _defined(after) or _module(merged, inner)
    if had and not has:
        return f"{used.verb} {used.name} from {used.module}, where it is gone"
    meaning = _given(before).get(used.name)
    if meaning and meaning != _given(after).get(used.name, meaning):
        return f"{used.verb} {used.name} from {used.module}, where it is different now"
    return None


def _references(
    tree: ast.Module, imports: Iterable[Import], old: Path, merged: Path
) -> Iterator[Import]:
    """What code names through a module that it imported, or in a text, as `mock.patch` does."""
    bound = _bound(imports)
    for node in ast.walk(tree):
        match node:
            case ast.Attribute():
                first, _, rest = _dotted(node).partition(".")
                used = _resolved(old, f"{bound.get(first, '')}.{rest}", node.lineno, "uses")
                # Of a module that is gone its import is named.
                if used and _module(merged, used.module):
                    yield used
            case ast.Constant(value=str(text)) if QUALIFIED.fullmatch(text):
                used = _resolved(old, text.replace(":", "."), node.lineno, "names")
                if used:
                    yield used
            case _:
                pass


def _calls(
    tree: ast.Module, imports: Iterable[Import], old: Path, names: Collection[str]
) -> Iterator[tuple[int, str]]:
    """The calls of these functions and methods; whose a method is, only a type checker knows."""
    ours = [used for used in imports if _module(old, used.module)]
    bound = _bound(ours)
    for node in ast.walk(tree) if ours else ():
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name in names:
                yield node.lineno, name
            case ast.Call(func=ast.Name(id=alias)):
                name = bound.get(alias, "").rpartition(".")[2]
                if name in names:
                    yield node.lineno, name
            case _:
                pass


def _bound(imports: Iterable[Import]) -> dict[str, str]:
    """What the names that code imported stand for."""
    bound = {}
    for used in imports:
        if used.name:
            bound[used.alias or used.name] = f"{used.module}.{used.name}"
        else:
            first = used.module.partition(".")[0]
            bound[used.alias or first] = used.module if used.alias else first
    return bound


def _dotted(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            return f"{_dotted(value)}.{name}"
        case _:
            return ""


def _resolved(root: Path, dotted: str, line: int, verb: str) -> Import | None:
    """The module of a dotted name, and what the name takes from it."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        module = ".".join(parts[:end])
        if all(parts) and _module(root, module):
            name = parts[end] if end < len(parts) else None
            return Import(line, module, name, verb=verb)
    return None


def _module(root: Path, name: str) -> Path | None:
    place = root.joinpath(*name.split("."))
    files = (place.with_suffix(".py"), place / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def _packages(root: Path) -> set[str]:
    """The top-level packages that a rendering's code imports, its own left out."""
    modules = {used.module for path in _code(root) for used in _imports(_parse(root / path), path)}
    names = {module.partition(".")[0] for module in modules}
    return {name for name in names if not _module(root, name)}


def _installed(root: Path) -> set[str]:
    file = root / "requirements.txt"
    text = file.read_text("utf-8") if file.is_file() else ""
    return {name.lower().replace("-", "_") for name in PINNED.findall(text)}


def _imports(tree: ast.Module, path: str) -> Iterator[Import]:
    package = PurePosixPath(path).parts[:-1]
    for node in ast.walk(tree):
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
def _defined(file: Path) -> set[str]:
    """The names that a module gives to something."""
    names: set[str] = set()
    for node in ast.walk(_parse(file)):
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


def _source(file: Path) -> bytes:
    """A file, without what of a conflict is not the user's; its lines keep their numbers."""
    if not file.is_file():
        return b""
    return NOT_OURS.sub(lambda found: b"\n" * found[0].count(b"\n"), file.read_bytes())


def _parse(file: Path) -> ast.Module:
    """A file's code; nothing where it is none."""
    try:
        return ast.parse(_source(file))
    except (OSError, SyntaxError, *verify.TOO_MUCH):
        return ast.Module([], [])


def _settings(old: Path, new: Path, project: Path) -> Iterator[Setting]:
    before, after, own = (_variables(f) for f in (old / EXAMPLE, new / EXAMPLE, project / OWN))
    for name, about in before.items():
        if name not in after:
            yield Setting(name, "is not read any more", name in own)
        elif after[name] != about:
            yield Setting(name, f"works differently: {EXAMPLE} says how", name in own)


def _variables(file: Path) -> dict[str, str]:
    """The variables of an environment file, each with the comment above it."""
    return {found["name"]: found["about"] for found in SETTING.finditer(_text(file))}


def _text(file: Path) -> str:
    if not file.is_file():  # it may be a pipe, which somebody would have to fill
        return ""
    try:
        return file.read_text("utf-8", errors="replace")
    except OSError:
        return ""
