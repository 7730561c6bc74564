"""The answers that shape a project, and who gave them: sources in their order of precedence."""

import contextlib
import os
import re
import shlex
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from genai_scaffold import criteria, files, names, template
from genai_scaffold.errors import EnvironmentFailure, UsageError, closest
from genai_scaffold.template import Choice, Value

if TYPE_CHECKING:
    import yaml

Source: TypeAlias = Literal[
    "flag",
    "prompt",
    "answers file",
    "environment",
    "config file",
    "directory",
    "project",
    "preset",
    "recommendation",
    "default",
]

ENVIRONMENT_PREFIX = "GENAI_SCAFFOLD_"
WSGI_TARGETS = ("mod-wsgi",)  # what runs nothing but WSGI, and nothing more
AUTO = "auto"
NONE = "none"
LARGEST_FILE = 1_000_000

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})

# What copier.yml names for its readers, and flags name for theirs.
FLAG_NAMES = {"project_name": "name", "features": "feature"}


@dataclass(frozen=True)
class Field:
    """One thing that a user can answer, by flag, file, variable or prompt."""

    key: str
    help: str
    kind: Literal["choice", "list", "boolean", "text"]
    choices: tuple[Choice, ...]

    @property
    def flag(self) -> str:
        return f"--{self.key.replace('_', '-')}"

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(choice.value for choice in self.choices)


class Given(NamedTuple):
    """An answer that somebody gave, and where."""

    value: Value
    source: Source
    place: str


class Answer(NamedTuple):
    """An answer as it is used, and where it comes from."""

    value: Value
    source: Source


Givens: TypeAlias = Mapping[str, Given]


@dataclass(frozen=True)
class Answers:
    """Every answer, by the name of its flag."""

    by_key: Mapping[str, Answer]
    notes: tuple[str, ...]

    def __getitem__(self, key: str) -> Value:
        return self.by_key[key].value

    def text(self, key: str) -> str:
        return str(self[key])

    def texts(self) -> list[str]:
        """What is written as it was given, whatever it says."""
        return [self.text(key) for key in free_texts()]

    def for_template(self) -> dict[str, Value | list[str]]:
        """The answers that copier.yml asks for, under its keys."""
        values = {key: self[FLAG_NAMES.get(key, key)] for key in template.questions()}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


@cache
def needs() -> Mapping[str, Field]:
    """What the project may need; it takes none of the template's questions to know."""
    return {
        need.name: Field(
            need.name,
            need.help,
            need.kind,
            tuple(
                Choice(str(c.value), c.label, c.hint) for c in need.choices if need.kind == "choice"
            ),
        )
        for need in criteria.load().needs
    }


@cache
def fields() -> Mapping[str, Field]:
    """Everything that can be answered: what is asked about the project, then the other needs."""
    project = {}
    for question in template.questions().values():
        key = FLAG_NAMES.get(question.key, question.key)
        choices = question.choices
        if key == "framework":
            choices = (Choice(AUTO, "what is recommended"), *choices)
        elif question.kind == "list":
            choices = (*choices, Choice(NONE, "none of them"))
        project[key] = Field(key, question.help, question.kind, choices)
    return {**project, **needs()}


def field_of(key: str) -> Field:
    return needs().get(key) or fields()[key]


@cache
def defaults() -> Mapping[str, str]:
    """What each answer is if nobody gives it, in words."""
    service = resolve({}, AUTO)
    prototype = resolve({"preset": Given("prototype", "default", "")}, AUTO)
    words = {key: in_words(answer.value) or "empty" for key, answer in service.by_key.items()}
    for key in words.keys() - {"preset"}:
        if prototype[key] != service[key]:
            words[key] += f"; prototype: {in_words(prototype[key])}"
    return {**words, "framework": "the recommendation", "name": "the directory's name"}


def from_flags(flags: Mapping[str, str | bool | list[str] | None]) -> dict[str, Given]:
    """The answers on the command line; None is a flag that was not given."""
    return {
        key: Given(_accept(field_of(key), raw, field_of(key).flag), "flag", field_of(key).flag)
        for key, raw in flags.items()
        if raw is not None and raw != []
    }


def from_environment(environment: Mapping[str, str]) -> dict[str, Given]:
    """The answers in variables such as GENAI_SCAFFOLD_FRAMEWORK; an empty one is not set."""
    if not any(variable.startswith(ENVIRONMENT_PREFIX) for variable in environment):
        return {}  # nor are the template's questions read
    found = {}
    for key, field in fields().items():
        variable = ENVIRONMENT_PREFIX + key.upper()
        if raw := environment.get(variable):
            value: str | bool = raw
            if field.kind == "boolean":
                value = _boolean(raw, variable)
            found[key] = Given(_accept(field, value, variable), "environment", variable)
    return found


def misspelt_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables that look like ours and are not, each with the one that was probably meant."""
    misspelt = {}
    for variable in environment:
        key = variable.removeprefix(ENVIRONMENT_PREFIX).casefold()
        if not variable.startswith(ENVIRONMENT_PREFIX) or key in fields():
            continue
        if meant := closest(key, fields(), likeness=0.8):
            misspelt[variable] = ENVIRONMENT_PREFIX + meant.upper()
    return misspelt


def from_file(path: str) -> dict[str, Given]:
    """The answers in a YAML or JSON file, or on the standard input where the path is `-`."""
    if path == "-":
        return _read("the standard input", _standard_input, "answers file")
    return _read(path, lambda: _beginning(Path(path)), "answers file")


def from_settings(settings: Iterable[str], flag: str = "--set") -> dict[str, Given]:
    """The answers in words such as `deploy=docker,render`; each was given to a flag."""
    given = {}
    for setting in settings:
        key, equals, raw = setting.partition("=")
        if not equals or key not in project_fields():
            meant = closest(key, project_fields())
            raise UsageError(
                f"{flag} {setting} cannot be set",
                why=f"it takes KEY=VALUE, and the keys are {', '.join(project_fields())}",
                fix=f"did you mean {meant}{'' if equals else '=…'}?" if meant else "name one",
            )
        field, place = fields()[key], f"{flag} {key}"
        value: str | bool = _boolean(raw, place) if field.kind == "boolean" else raw
        given[key] = Given(_accept(field, value, place), "flag", f"{flag} {setting}")
    return given


def project_fields() -> dict[str, Field]:
    """What shapes a project, other than the needs that only decide the recommendation."""
    keys = [FLAG_NAMES.get(key, key) for key in template.questions()]
    return {key: fields()[key] for key in keys}


def free_texts() -> list[str]:
    """The keys of what may be any line of text, which a name may not."""
    texts = (key for key, field in project_fields().items() if field.kind == "text")
    return [key for key in texts if key != "name"]


def from_config(path: Path) -> dict[str, Given]:
    """The answers in the user's own file of preferences, if there is one."""
    try:
        present = stat.S_ISREG(files.mode(path))
    except OSError:
        present = True  # reading it says why
    return _read(str(path), lambda: _beginning(path), "config file") if present else {}


def config_path() -> Path:
    """Where the user's own preferences are kept."""
    import platformdirs  # not needed where no answer is

    return platformdirs.user_config_path("genai-scaffold") / "config.yml"


def combine(*sources: Givens) -> dict[str, Given]:
    """Join sources; the first one that answers, counts."""
    combined: dict[str, Given] = {}
    for source in reversed(sources):
        combined.update(source)
    return combined


def gathered(
    flags: Givens, answers_file: str | None, environment: Mapping[str, str]
) -> dict[str, Given]:
    """Everything that was given, each answer from the first source that has it."""
    return combine(
        flags,
        from_file(answers_file) if answers_file is not None else {},
        from_environment(environment),
        from_config(config_path()),
    )


def imply(given: Givens) -> dict[str, Given]:
    """Add what follows from what was given, and refuse what contradicts it.

    Raises:
        UsageError: two answers cannot both hold; both are named.
    """
    implied = dict(given)
    deploy, hosting = given.get("deploy"), given.get("hosting")
    if (
        deploy
        and isinstance(deploy.value, tuple)
        and not set(WSGI_TARGETS).isdisjoint(deploy.value)
    ):
        target = deploy._replace(value=WSGI_TARGETS)
        if hosting and hosting.value != "wsgi":
            raise _contradiction(
                ("deploy", target), ("hosting", hosting), "mod_wsgi is a WSGI server and no other"
            )
        implied["hosting"] = Given("wsgi", deploy.source, deploy.place)
    framework = given.get("framework")
    for criterion in criteria.load().criteria:
        need = implied.get(criterion.need)
        if not (criterion.decisive and need and need.value in criterion.values):
            continue
        if framework and framework.value not in (AUTO, criterion.favours):
            stated = given.get(criterion.need)
            other = (criterion.need, stated) if stated == need else ("deploy", target)
            why = criterion.because.partition(". ")[0]
            raise _contradiction(("framework", framework), other, why)
    return implied


def with_texts(given: Givens) -> dict[str, Given]:
    """The same answers, the free texts among them as they are accepted.

    Raises:
        UsageError: one is not.
    """
    checked = dict(given)
    for key in free_texts():
        if key in given:
            with placed(given[key]):
                text = names.check_text(str(given[key].value), key)
            checked[key] = given[key]._replace(value=text)
    return checked


@contextlib.contextmanager
def placed(given: Given) -> Iterator[None]:
    """Say where a refused answer stands, unless the user has just typed it."""
    try:
        yield
    except UsageError as refused:
        if given.source in ("flag", "prompt"):
            raise
        raise UsageError(
            refused.what, why=f"{given.place}: {refused.why}", fix=refused.fix
        ) from None


def stated(given: Givens) -> dict[str, criteria.Answer]:
    """What somebody said that the project needs; all else is assumed."""
    return {
        need.name: value
        for need in criteria.load().needs
        if need.name in given and not isinstance(value := given[need.name].value, tuple)
    }


def sources(given: Givens) -> dict[str, Source]:
    """Where the answer to each need comes from."""
    return {name: given[name].source if name in given else "default" for name in needs()}


def resolve(given: Givens, recommended: str) -> Answers:
    """Answer everything: with what was given, else what follows from it, else the default.

    Args:
        given: what was given, as `imply` returns it.
        recommended: the framework to use where none was asked for.

    Raises:
        UsageError: what was asked for cannot be had with the framework and the preset.
    """
    by_key: dict[str, Answer] = {}
    sourced = sources(given)
    for name, value in criteria.load().complete(stated(given)).items():
        by_key[name] = Answer(value, sourced[name])
    by_key["framework"] = _framework(given, recommended)
    # The defaults in copier.yml depend on the answers above them, so they are taken in its order.
    context: dict[str, object] = {}
    notes: list[str] = []
    for question in template.questions().values():
        key = FLAG_NAMES.get(question.key, question.key)
        default = _default(question, by_key, context)
        if key in given and key != "framework":
            by_key[key] = Answer(given[key].value, given[key].source)
            notes += _left_out(key, given[key], default)
        elif key not in by_key:
            source: Source = "preset" if question.depends_on_preset else "default"
            by_key[key] = Answer(default, source)
        context[question.key] = by_key[key].value
        if refusal := question.refusal(context):
            raise _refused(key, given, refusal)
    notes += _remarks(by_key)
    service = template.derived("service_name", context)
    if context["deploy"] and service != context["project_name"]:
        notes.append(
            f"On deploy platforms it is called {service}: "
            "a name there starts with a letter and has 3 to 30 characters."
        )
    return Answers(by_key, tuple(notes))


def _default(
    question: template.Question, by_key: Mapping[str, Answer], context: Mapping[str, object]
) -> Value:
    """What is taken where nothing was said; where only WSGI can run, that is what runs it."""
    if question.key == "deploy" and by_key["hosting"].value == "wsgi":
        return WSGI_TARGETS
    return question.default_for(context)


def command(directory: str, given: Givens) -> list[str]:
    """The command that gives the same answers again, as an argument list."""
    arguments = ["genai-scaffold", "new", directory]
    for key, answer in given.items():
        named_after_it = answer.source == "directory" or answer.value == Path(directory).name
        if not (key == "name" and named_after_it):
            arguments += spell(key, answer.value)
    return [*arguments, "--yes"]


def spell(key: str, value: Value) -> list[str]:
    """Write an answer as flags."""
    flag = field_of(key).flag
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    if isinstance(value, tuple):
        return [word for item in value or (NONE,) for word in (flag, item)]
    # A text that begins with a hyphen would be read as a flag.
    return [f"{flag}={value}"] if value.startswith("-") else [flag, value]


def shell_line(arguments: list[str]) -> str:
    """Write an argument list as a line that can be pasted into a shell."""
    return shlex.join(arguments)


def to_file(answers: Answers) -> str:
    """Write the answers as a file that `from_file` reads back.

    What was only assumed is left out: read back, it would count as said.
    """
    import yaml  # only where it is asked for

    assumed = [key for key in needs() if answers.by_key[key].source in ("default", "preset")]
    values = {
        key: list(answer.value) if isinstance(answer.value, tuple) else answer.value
        for key, answer in answers.by_key.items()
        if key not in assumed
    }
    text: str = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=1000)
    return text


def _framework(given: Givens, recommended: str) -> Answer:
    asked = given.get("framework")
    if asked is None or asked.value == AUTO:
        return Answer(recommended, "recommendation")
    return Answer(asked.value, asked.source)


def _left_out(key: str, given: Given, default: Value) -> list[str]:
    """Say what a flag of `new` leaves out of the default, which it replaces."""
    if not (given.value and isinstance(given.value, tuple) and isinstance(default, tuple)):
        return []
    left = [value for value in default if value not in given.value]
    if not left or given.place != fields()[key].flag:
        return []
    them = "them" if len(left) > 1 else "it"
    return [f"Left out: {', '.join(left)} (name {them} too to keep {them})."]


def _remarks(by_key: Mapping[str, Answer]) -> list[str]:
    remarks = []
    preset = by_key["preset"]
    if by_key["validation"].value is False and preset.value == "service":
        remarks.append(
            "A service always validates its requests; --no-validation shapes prototypes."
        )
    if by_key["scale"].value == "prototype" and preset == ("service", "default"):
        remarks.append("For something this small there is --preset prototype: one module.")
    if by_key["app"].value == "web":
        remarks.append(
            "That it is a web app counted for the framework alone: the project is an API, and its "
            "pages are yours to add."
        )
    if by_key["extensions"].value is True:
        remarks.append(
            "That it depends on Flask extensions counted for the framework alone: none is "
            "installed. Add yours to pyproject.toml."
        )
    return remarks


def _refused(key: str, given: Givens, refusal: str) -> UsageError:
    why, _, fix = refusal.partition("; ")
    if given[key].source == "project" and isinstance(given[key].value, tuple):
        fix += "; `genai-scaffold remove NAME` takes one out"
    return UsageError(f"{describe(key, given[key])} cannot be had", why=why, fix=fix)


def _contradiction(one: tuple[str, Given], other: tuple[str, Given], why: str) -> UsageError:
    first, second = describe(*one), describe(*other)
    return UsageError(f"{first} contradicts {second}", why=why, fix="drop one of the two")


def describe(key: str, given: Given) -> str:
    """Write an answer as its giver would recognize it."""
    if given.place == fields()[key].flag:
        return " ".join(spell(key, given.value))
    if given.source == "flag":  # of another command, which has its own words for it
        return given.place
    return f"{key} = {in_words(given.value)} ({given.place})"


def in_words(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) or NONE if isinstance(value, tuple) else value


def _accept(field: Field, raw: str | bool | list[str], place: str) -> Value:  # noqa: FBT001
    """Check a raw answer against its field."""
    if field.kind == "boolean":
        return bool(raw)
    if field.kind == "text":
        return str(raw)
    if field.kind == "choice":
        return _choice(field, str(raw), place)
    words = raw if isinstance(raw, list) else [str(raw)]
    items = [item.strip() for word in words for item in word.split(",")]
    chosen = tuple(dict.fromkeys(_choice(field, item, place) for item in items))
    if NONE in chosen and len(chosen) > 1:
        others = ", ".join(item for item in chosen if item != NONE)
        raise UsageError(
            f"{field.flag} {NONE} contradicts {others}",
            why=f"{place} asks for none and for some",
            fix=f"leave {NONE} out, or the others",
        )
    return () if chosen == (NONE,) else chosen


NOUNS = {"deploy": "deploy target", "python": "supported Python", "license": "known license"}


def _choice(field: Field, value: str, place: str) -> str:
    if value in field.values:
        return value
    noun = NOUNS.get(field.key, field.key)
    what = f"an answer to {field.key!r}" if field.key in needs() else f"a {noun}"
    meant = closest(value, field.values)
    advice = f"did you mean {meant}? " if meant else ""
    raise UsageError(
        f"{value!r} is not {what}",
        why=f"{place} takes {', '.join(field.values)}",
        fix=f"{advice}`genai-scaffold list` explains them all",
    )


def _boolean(raw: str, place: str) -> bool:
    if (word := raw.casefold()) in TRUE_WORDS | FALSE_WORDS:
        return word in TRUE_WORDS
    raise UsageError(
        f"{raw!r} is neither yes nor no", why=f"{place} takes yes or no", fix="write one of the two"
    )


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


def _read(name: str, read: Callable[[], bytes], source: Source) -> dict[str, Given]:
    """Read answers, naming the line of whatever is wrong with them."""
    try:
        content = read()
    except FileNotFoundError:
        raise UsageError(
            f"There is no answers file {name}",
            why=f"nothing has that name in {_working_directory()}",
            fix="--save-answers FILE writes one",
        ) from None
    except IsADirectoryError:
        raise UsageError(
            f"{name} is not an answers file", why="it is a directory", fix="name a file inside it"
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
        given[key] = Given(_accept(fields()[key], raw, f"{key}, {place},"), source, place)
    return given


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
        return yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(name, error) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _fault(name, line, "it holds a character that YAML does not allow") from None
    except (RecursionError, ValueError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise _fault(name, 1, why) from None


def mapping(content: bytes, name: str) -> dict[str, Any]:
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
        raise _fault(name, document.start_mark.line + 1, "it is not a list of `key: value` lines")
    seen: dict[str, int] = {}
    for key_node, value_node in document.value:
        line = key_node.start_mark.line + 1
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else ""
        if key not in fields():
            meant = closest(key, fields())
            known = ", ".join(fields())
            raise _fault(
                name,
                line,
                f"{key!r} is not an answer's key" if key else "a key is not a word",
                fix=f"did you mean {meant}?" if meant else f"the keys are {known}",
            )
        if key in seen:
            raise _fault(name, line, f"{key!r} stands on line {seen[key]} already")
        seen[key] = line
        yield key, _raw(fields()[key], value_node, name), line


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
        raise _fault(name, line, f"{field.key!r} takes one value, and this is {kind}")
    if field.kind == "boolean":
        if not node.tag.endswith(":bool"):
            raise _fault(name, line, f"{field.key!r} takes true or false")
        return _boolean(node.value, f"line {line} of {name}")
    if field.kind == "text" and not node.tag.endswith(":str"):
        raise _fault(name, line, f"{field.key!r} takes text", fix="put it in quotes")
    if not _is_word(node):
        raise _fault(name, line, f"{field.key!r} takes a word", fix=f"one of {field.values}")
    return _paired(node.value)


def _is_word(node: "yaml.Node") -> bool:
    """Whether this is text, or a number, which a version such as 3.13 looks like."""
    return node.tag.rpartition(":")[2] in ("str", "int", "float", "bool")


def _paired(text: str) -> str:
    r"""JSON writes one character as two escapes, such as \ud83d\ude80: join them again."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _not_yaml(name: str, error: "yaml.MarkedYAMLError") -> UsageError:
    mark = error.problem_mark or error.context_mark
    return _fault(name, mark.line + 1 if mark else 1, error.problem or "it is not YAML")


def _fault(name: str, line: int, why: str, fix: str = "correct that line") -> UsageError:
    return UsageError(f"Line {line} of {name} cannot be used", why=why, fix=fix)
