"""Answers in files: YAML or JSON, each refusal with its line."""

import contextlib
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genai_scaffold.answers.fields import (
    FALSE_WORDS,
    NONE,
    Field,
    accept_boolean,
    accept_value,
    fields,
    needs,
)
from genai_scaffold.answers.given import Answers, Given, Source, plain_value
from genai_scaffold.errors import (
    EnvironmentFailure,
    MisspeltError,
    SpareError,
    UsageError,
    closest,
)
from genai_scaffold.system.paths import mode_of

if TYPE_CHECKING:
    import yaml

LARGEST_FILE = 1_000_000
CORRECT_IT = "correct that line"


def from_file(path: str) -> dict[str, Given]:
    """The answers in a YAML or JSON file, or on the standard input where the path is `-`."""
    if path == "-":
        return _read_answers("the standard input", _standard_input, "answers file")
    if not path:
        what, spare = "--answers names no file", ("--answers", "")
        raise SpareError(what, why="nothing is behind it", fix="leave it out", spare=spare)
    return _read_answers(path, lambda: _beginning(Path(path)), "answers file")


def from_config(path: Path) -> dict[str, Given]:
    """The answers in the user's own file of preferences, if there is one."""
    try:
        present = stat.S_ISREG(mode_of(path))
    except OSError:
        present = True  # reading it says why
    return _read_answers(str(path), lambda: _beginning(path), "config file") if present else {}


def config_path() -> Path:
    """Where the user's own preferences are kept."""
    import platformdirs  # not needed where no answer is

    return platformdirs.user_config_path("genai-scaffold") / "config.yml"


def to_file(answers: Answers) -> str:
    """Write the answers as a file that `from_file` reads back.

    What was only assumed is left out: read back, it would count as said.
    """
    import yaml  # only where it is asked for

    assumed = [key for key in needs() if answers.by_key[key].source in ("default", "preset")]
    values = {
        key: plain_value(answer.value)
        for key, answer in answers.by_key.items()
        if key not in assumed
    }
    text: str = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=1000)
    return text


def _beginning(path: Path) -> bytes:
    """A file, or of one that is too large enough to see that it is: some have no end."""
    with path.open("rb") as file:
        return file.read(LARGEST_FILE + 1)


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise UsageError(
            "There are no answers to read", why="the standard input is closed", fix="pipe a file in"
        )
    return sys.stdin.buffer.read(LARGEST_FILE + 1)


def _read_answers(name: str, read: Callable[[], bytes], source: Source) -> dict[str, Given]:
    """Read answers, naming the line of whatever is wrong with them."""
    try:
        content = read()
    except FileNotFoundError:
        raise _another_file(
            name,
            f"There is no answers file {name}",
            why=f"nothing has that name in {_working_directory()}",
            fix="leave it out; --save-answers FILE writes one",
        ) from None
    except IsADirectoryError:
        raise _another_file(
            name,
            f"{name} is not an answers file",
            why="it is a directory",
            fix="name a file inside it, or leave it out",
        ) from None
    except (OSError, ValueError) as error:
        raise EnvironmentFailure(
            f"{name} cannot be read",
            why=getattr(error, "strerror", None) or str(error),
            fix="make it readable, or name another file",
        ) from error
    given = {}
    for key, raw, line in _pairs(_compose(content, name), name):
        place = f"line {line} of {name}"
        given[key] = Given(accept_value(fields()[key], raw, f"{key}, {place},"), source, place)
    return given


def _another_file(name: str, what: str, *, why: str, fix: str) -> UsageError:
    """Refuse what is no file of answers; one of a like name, or in that directory, was meant."""
    path = Path(name)
    folder = path if path.is_dir() else path.parent
    with contextlib.suppress(OSError):
        files = [p.name for p in sorted(folder.iterdir()) if p.suffix in (".yml", ".yaml", ".json")]
        near = closest(path.name, files) if folder != path else next(iter(files), None)
        if near:
            meant = str(folder / near)
            asking = f"did you mean {meant}?"
            return MisspeltError(what, why=why, fix=asking, said=name, meant=meant)
    return SpareError(what, why=why, fix=fix, spare=("--answers", name))


def _working_directory() -> str:
    try:
        return os.getcwd()  # noqa: PTH109
    except OSError:
        return "a directory that is gone"


def _compose(content: bytes, name: str) -> "yaml.Node | None":
    """Parse YAML, of which JSON is a part, into nodes that know their lines."""
    import yaml  # only where there is a file

    if len(content) > LARGEST_FILE:
        raise _fault(name, 1, "the file is too large for a list of answers")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _fault(name, line, "it is not UTF-8 text") from None
    if text.lstrip().startswith("{"):
        # JSON may be indented with tabs, which YAML refuses; no JSON string holds a real newline.
        text = re.sub(r"^[ \t]+", " ", text, flags=re.MULTILINE)
    try:
        return _nodes(text)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(name, error) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _fault(name, line, "it holds a character that YAML does not allow") from None
    except (RecursionError, ValueError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise _fault(name, 1, why) from None


def _nodes(text: str) -> "yaml.Node | None":
    """The nodes of a text: by the parser in C, which is ten times faster, if it is sound."""
    import yaml

    if loader := getattr(yaml, "CSafeLoader", None):
        with contextlib.suppress(yaml.YAMLError):  # the other one says better what is wrong
            return yaml.compose(text, loader)
    return yaml.compose(text, yaml.SafeLoader)


def mapping_in(content: bytes, name: str) -> dict[str, Any]:
    """Read a YAML file of keys and values; it may hold more than answers.

    Raises:
        UsageError: it is no such file; the line is named.
    """
    import yaml

    node = _compose(content, name)
    if not isinstance(node, yaml.MappingNode):
        raise _fault(name, 1, "it is not a list of `key: value` lines")
    try:
        document: dict[Any, Any] = yaml.SafeLoader("").construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(name, error) from None
    except (ValueError, RecursionError) as error:
        raise _fault(name, 1, str(error)) from None
    except (LookupError, AttributeError, TypeError):
        # So PyYAML says that `!!bool maybe` is none.
        raise _fault(name, 1, "a value is not what its tag says") from None
    return {str(key): value for key, value in document.items()}


def _pairs(
    document: "yaml.Node | None", name: str
) -> Iterable[tuple[str, str | bool | list[str], int]]:
    """Each key of the document, its raw value, and its line."""
    import yaml

    if document is None:
        return
    if not isinstance(document, yaml.MappingNode):
        raise _fault(
            name,
            document.start_mark.line + 1,
            "it is not a list of `key: value` lines",
            fix=f"write `{_as_pair(document)}`",
        )
    seen: dict[str, int] = {}
    for key_node, value_node in document.value:
        line = key_node.start_mark.line + 1
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else ""
        if key not in fields():
            what = f"{key!r} is not an answer's key" if key else "a key is not a word"
            raise _fault(name, line, what, fix=_key_meant(key))
        if key in seen:
            why = f"{key!r} stands on line {seen[key]} already"
            raise _fault(name, line, why, fix="leave one of the two out")
        seen[key] = line
        yield key, _raw(fields()[key], value_node, name), line


def _key_meant(key: str) -> str:
    denied = re.sub("^no[-_]", "", key.lower())
    if denied != key.lower() and denied in fields() and fields()[denied].kind == "boolean":
        return f"write `{denied}: false`"
    meant = closest(key, fields())
    return f"did you mean {meant}?" if meant else f"the keys are {', '.join(fields())}"


def _as_pair(document: "yaml.Node") -> str:
    """What a file begins with, as an answer; where it is none, an example."""
    said = re.match(r"([a-z]+)[\s=]+[\"']?([\w.-]+)", str(document.value))
    return f"{said[1]}: {said[2]}" if said and said[1] in fields() else "framework: fastapi"


def _raw(field: Field, node: "yaml.Node", name: str) -> str | bool | list[str]:
    """A node's value, if it is of the field's kind."""
    import yaml

    line = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and field.kind == "list":
        if not all(_is_word(item) for item in node.value):
            raise _fault(name, line, f"{field.key!r} takes a list of words")
        # As a list written by hand, `[]` asks for none.
        return [item.value for item in node.value] or [NONE]
    if not isinstance(node, yaml.ScalarNode):
        kind = "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
        first = node.value[0].value if kind == "a list" and node.value else None
        fix = f"write `{field.key}: {first}`" if isinstance(first, str) else CORRECT_IT
        raise _fault(name, line, f"{field.key!r} takes one value, and this is {kind}", fix=fix)
    if field.kind == "boolean":
        if not node.tag.endswith(":bool"):
            word = "false" if node.value.lower() in FALSE_WORDS else "true"
            fix = f"write `{field.key}: {word}`"
            raise _fault(name, line, f"{field.key!r} takes true or false", fix=fix)
        return accept_boolean(node.value, f"line {line} of {name}")
    if field.kind == "text" and not node.tag.endswith(":str"):
        raise _fault(name, line, f"{field.key!r} takes text", fix="put it in quotes")
    if not _is_word(node):
        raise _fault(
            name, line, f"{field.key!r} takes a word", fix=f"one of {', '.join(field.values)}"
        )
    return _paired(node.value)


def _is_word(node: "yaml.Node") -> bool:
    """Whether this is text, or a number, which a version such as 3.13 looks like."""
    return node.tag.rpartition(":")[2] in ("str", "int", "float", "bool")


def _paired(text: str) -> str:
    r"""JSON writes one character as two escapes, such as \ud83d\ude80: join them again."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _not_yaml(name: str, error: "yaml.MarkedYAMLError") -> UsageError:
    mark = error.problem_mark or error.context_mark
    line, problem = mark.line + 1 if mark else 1, error.problem or "it is not YAML"
    if "'\\t'" in problem:
        return _fault(name, line, "YAML takes no tab there", fix="put blanks in its place")
    return _fault(name, line, problem.replace("'<stream end>'", "the end of the file"))


def _fault(name: str, line: int, why: str, fix: str = CORRECT_IT) -> UsageError:
    return UsageError(f"Line {line} of {name} cannot be used", why=why, fix=fix)
