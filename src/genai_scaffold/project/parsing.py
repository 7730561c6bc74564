"""Parses a file of a project by its suffix."""

import json
import re
import tomllib
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from genai_scaffold.project.files import TOO_MUCH, File
from genai_scaffold.project.finding import Fault

# Of JSON with comments: what to leave as it is, or what to leave out.
COMMENT = re.compile(r'("(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
TRAILING_COMMA = re.compile(r'("(?:\\.|[^"\\\n])*")|,(?=\s*[}\]])')
WITH_COMMENTS = re.compile(r"(devcontainer|[jt]sconfig(\..+)?)\.json")


def _is_python(file: File) -> Iterator[Fault]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what the user wrote, and who runs it is told
            compile(file.content, file.path, "exec", dont_inherit=True)
    except SyntaxError as error:
        yield Fault(error.lineno or 1, error.msg)
    except TOO_MUCH as error:
        yield Fault(1, str(error) or "it is nested too deeply")


def _is_toml(file: File) -> Iterator[Fault]:
    try:
        tomllib.loads(file.text or "")
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        yield Fault(int(line[1]) if line else 1, str(error))
    except TOO_MUCH as error:
        yield Fault(1, str(error))


def _is_json(file: File) -> Iterator[Fault]:
    try:
        json_document(file)
    except json.JSONDecodeError as error:
        yield Fault(error.lineno, error.msg)
    except RecursionError:
        yield Fault(1, "it is nested too deeply")
    except TOO_MUCH as error:
        yield Fault(1, str(error))


def json_document(file: File) -> Any:  # noqa: ANN401 - it may be anything
    """What a JSON file holds; who writes comments has a tool that reads them.

    Raises:
        ValueError: it is no JSON.
    """
    text = file.text or ""
    plain = COMMENT.sub(lambda found: found[1] or "\n" * found[0].count("\n"), text)
    if plain != text or WITH_COMMENTS.fullmatch(file.name):
        plain = TRAILING_COMMA.sub(r"\1", plain)
    return json.loads(plain)


def _is_yaml(file: File) -> Iterator[Fault]:
    import yaml  # only where something is verified

    try:
        yaml_documents(file)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        yield Fault(mark.line + 1 if mark else 1, error.problem or str(error))
    except (yaml.YAMLError, *TOO_MUCH) as error:
        yield Fault(1, str(error).partition("\n")[0])
    except (LookupError, AttributeError, TypeError):
        # So PyYAML says that `!!bool maybe` is none.
        yield Fault(1, "a value is not what its tag says")


def yaml_documents(file: File) -> list[Any]:
    """What a YAML file holds; a value with an application's own tag is None.

    Raises:
        Exception: it is no YAML, which PyYAML says in many ways; `parses` finds them all.
    """
    import yaml

    return list(yaml.load_all(file.text or "", _yaml_loader()))


@cache
def _yaml_loader() -> Any:  # noqa: ANN401 - a class of one of two bases, of which one is compiled
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    for theirs in ("!", "tag:yaml.org,2002:python/"):
        Loader.add_multi_constructor(theirs, lambda *_: None)
    return Loader


PARSERS: dict[str, Callable[[File], Iterator[Fault]]] = {
    ".py": _is_python,
    ".toml": _is_toml,
    ".json": _is_json,
    ".yaml": _is_yaml,
    ".yml": _is_yaml,
}


def parses(file: File) -> Iterator[Fault]:
    parser = PARSERS.get(file.suffix)
    if parser and parser is not _is_python and not file.is_utf8:
        yield Fault(1, "it is not text in UTF-8")
    elif parser:
        yield from parser(file)
