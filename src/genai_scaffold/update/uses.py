"""Finds code of the user's that uses what is gone, or has changed its kind."""

import ast
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from genai_scaffold.project.files import LARGEST
from genai_scaffold.template.render import generated_files
from genai_scaffold.update.code import (
    Import,
    calls_of,
    code_files,
    code_in,
    defined_in,
    dotted_path,
    given_names,
    imports_of,
    installed_packages,
    module_file,
    packages_in,
    references_in,
    source_of,
    tree_of,
)

STARTED_MODULE = re.compile(rb"(?<![\w-])-m[ \t]+([\w.]+)|(?<![\w./-])([\w.]+):(\w+)")
WORD = re.compile(rb"\w+")


class Use(NamedTuple):
    """A line of the user's that uses something which is gone."""

    path: str
    line: int
    problem: str


def uses_of_what_is_gone(old: Path, new: Path, merged: Path) -> Iterator[Use]:
    users = _modules_of_the_user(new, merged)
    if not users:
        return
    packages = (
        packages_in(old) - packages_in(new) - installed_packages(new) - sys.stdlib_module_names
    )
    turned = _turned(old, new)
    changed = packages | _changed_words(old, new, merged) | turned.keys()
    words = frozenset(word.encode() for word in changed)
    for path in users:
        if not mentions_any(words, merged / path):
            continue
        own = own_lines(old, new, merged, path)
        nodes = list(ast.walk(tree_of(merged / path)))
        yield from _changed_names(old, new, nodes, path, own)
        imports = list(imports_of(nodes, path))
        for used in (*imports, *references_in(nodes, imports, old, merged)):
            if used.line not in own:
                continue
            package = used.module.partition(".")[0]
            if package in packages:
                yield Use(path, used.line, f"imports {package}, which is not installed any more")
            elif problem := _lost(used, old, merged):
                yield Use(path, used.line, problem)
        for line, name in calls_of(nodes, imports, old, turned):
            if line in own:
                how = "async now" if turned[name] else "not async any more"
                yield Use(path, line, f"calls {name}, which is {how}")


def _modules_of_the_user(new: Path, merged: Path) -> list[str]:
    """The code that is not as it is generated."""
    generated = set(code_files(new))
    return [
        path
        for path in code_files(merged)
        if path not in generated or not same_content(new / path, merged / path)
    ]


def runs(old: Path, merged: Path) -> Iterator[Use]:
    """The user's lines of other files that run a module which is gone."""
    modules = {dotted_path(path) for path in code_files(old) if not (merged / path).exists()}
    for path in generated_files(merged) if modules else ():
        file = merged / path
        large = file.is_symlink() or file.stat().st_size > LARGEST
        if path.endswith(".py") or large or not STARTED_MODULE.search(source_of(file)):
            continue
        generated = set(source_of(old / path).splitlines())
        for number, line in enumerate(source_of(file).splitlines(), 1):
            for option, module, attribute in (
                () if line in generated else STARTED_MODULE.findall(line)
            ):
                name = (option or module).decode("ascii", "replace")
                served = not option and module_file(old, name)
                known = not served or attribute.decode("ascii", "replace") in defined_in(served)
                if name in modules and known:
                    yield Use(path, number, f"runs {name}, which is gone")


def hidden(old: Path, new: Path, merged: Path) -> Iterator[Use]:
    """The user's modules with the name of one that the template adds: Python finds one of them."""
    for path in code_files(new):
        if (old / path).exists() or not (merged / path).is_file():
            continue
        name = path.removesuffix(".py").removesuffix("/__init__")
        package = f"{name}/__init__.py"
        others = [f"{name}.py"] if path == package else [package, *code_in(merged, name)]
        for other in others:
            if (merged / other).is_file() and not (new / other).exists():
                verb = "hides" if other == package else "is hidden by"
                yield Use(other, 1, f"{verb} {path}, which the template adds")
                break


def _changed_words(old: Path, new: Path, merged: Path) -> set[str]:
    """The modules that are gone, and the names that are gone from one or different there.

    A file without any of these words uses nothing that changed: it need not be parsed.
    """
    words: set[str] = set()
    for path in code_files(old):
        before, after = old / path, merged / path
        if after.is_file():
            words |= _changed_between(before, new / path) | _changed_between(before, after)
            words |= defined_in(before) - defined_in(after)
        else:
            words.add(dotted_path(path).rpartition(".")[2])
    return words


def _turned(old: Path, new: Path) -> dict[str, bool]:
    """The functions and methods that are async in only one rendering, and whether it is the new."""
    turned = {}
    for path in code_files(old):
        before, after = _kinds(old / path), _kinds(new / path)
        for name, kind in before.items():
            if after.get(name, kind) != kind:
                turned[name.rpartition(".")[2]] = after[name]
    return turned


def _kinds(file: Path) -> dict[str, bool]:
    """The functions of a module and its classes, and whether they are async."""
    body = tree_of(file).body
    scopes = {f"{node.name}.": node.body for node in body if isinstance(node, ast.ClassDef)}
    return {
        f"{scope}{node.name}": isinstance(node, ast.AsyncFunctionDef)
        for scope, nodes in {"": body, **scopes}.items()
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def mentions_any(words: frozenset[bytes], file: Path) -> bool:
    return bool(words) and not words.isdisjoint(WORD.findall(source_of(file)))


def own_lines(old: Path, new: Path, merged: Path, path: str) -> set[int]:
    """The numbers of the lines that no rendering of this file has."""
    generated = {line for root in (old, new) for line in source_of(root / path).splitlines()}
    lines = enumerate(source_of(merged / path).splitlines(), 1)
    return {number for number, line in lines if line not in generated}


def _changed_names(
    old: Path, new: Path, nodes: Iterable[ast.AST], path: str, own: Collection[int]
) -> Iterator[Use]:
    """The user's lines that use a name of this file which the template drops or changes."""
    changed = _changed_between(old / path, new / path) if (old / path).is_file() else set()
    used = {
        (node.lineno, node.id)
        for node in (nodes if changed else ())
        if isinstance(node, ast.Name) and node.id in changed and node.lineno in own
    }
    for line, name in sorted(used):
        yield Use(path, line, f"uses {name}, which is gone or different now")


def _changed_between(one: Path, other: Path) -> set[str]:
    """The names that a module gives, and another one does not give so."""
    before, after = given_names(one), given_names(other)
    return {name for name, meaning in before.items() if after.get(name) != meaning}


def same_content(one: Path, other: Path) -> bool:
    return one.is_file() and one.read_bytes() == other.read_bytes()


def _lost(used: Import, old: Path, merged: Path) -> str | None:
    """Say what an import took from the old rendering that the merged project has not so."""
    before, after = module_file(old, used.module), module_file(merged, used.module)
    if before and not after:
        return f"{used.verb} {used.module}, which is gone"
    if not (before and after and used.name):
        return None
    inner = f"{used.module}.{used.name}"
    had = used.name in defined_in(before) or module_file(old, inner)
    has = used.name in defined_in(after) or module_file(merged, inner)
    if had and not has:
        return f"{used.verb} {used.name} from {used.module}, where it is gone"
    meaning = given_names(before).get(used.name)
    if meaning and meaning != given_names(after).get(used.name, meaning):
        return f"{used.verb} {used.name} from {used.module}, where it is different now"
    return None
