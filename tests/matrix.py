"""The matrix: every answer that changes a project, what cannot be combined, and what we try."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import covertable
import jinja2
from jinja2 import meta

from genai_scaffold.template.questions import WORKSPACE, template_questions

# A combination: a value for each factor. A question that takes several answers is a factor for
# each of them, which is there or is not.
Row: TypeAlias = Mapping[str, Any]

QUESTIONS = template_questions()
# What shapes the code; every combination of it is rendered.
SHAPE_KEYS = ("framework", "preset", "docs", "validation", "async")
# What a text says reaches the files as it is: only whether there is one makes another project.
TEXTS = {"author": ("", "The Authors")}
UNSEEN = frozenset({"project_name", "description"})
SEED = "genai-scaffold"


def choices(key: str) -> tuple[str, ...]:
    """What can be chosen for a project; a workspace is none, and has nothing that is combined."""
    values = (choice.value for choice in QUESTIONS[key].choices)
    return tuple(value for value in values if (key, value) != ("preset", WORKSPACE))


LISTS = {key: choices(key) for key, question in QUESTIONS.items() if question.kind == "list"}


def _factors() -> Iterator[tuple[str, tuple[Any, ...]]]:
    for key, question in QUESTIONS.items():
        match question.kind:
            case "list":
                yield from ((value, (True, False)) for value in LISTS[key])
            case "boolean":
                yield key, (True, False)
            case "choice":
                yield key, choices(key)
            case "text" if key not in UNSEEN:
                yield key, TEXTS[key]


FACTORS = dict(_factors())
SHAPE = {key: FACTORS[key] for key in SHAPE_KEYS}
REST = {key: values for key, values in FACTORS.items() if key not in SHAPE}


def _refused() -> Iterator[Row]:
    """The combinations that the validators of copier.yml refuse."""
    environment = jinja2.Environment(autoescape=False)  # noqa: S701 - no HTML
    for question in QUESTIONS.values():
        if question.kind == "text" or not question.validator:
            continue
        asked = sorted(meta.find_undeclared_variables(environment.parse(question.validator)))
        validator = environment.from_string(question.validator)
        for answered in itertools.product(*map(_answers, asked)):
            values = dict(zip(asked, answered, strict=True))
            if validator.render(values).strip():
                row = {key: value for key, value in values.items() if key not in LISTS}
                yield row | {value: True for key in LISTS for value in values.get(key, ())}


def _answers(key: str) -> Iterator[Any]:
    """What may be answered to a question; of a list at most two values, which is all that clash."""
    if key in LISTS:
        for length in range(3):
            yield from itertools.combinations(LISTS[key], length)
    else:
        yield from FACTORS[key]


def _smallest(rows: Iterator[Row]) -> list[Row]:
    found: list[Row] = []
    for row in sorted(rows, key=len):
        if not any(smaller.items() <= row.items() for smaller in found):
            found.append(row)
    return found


IMPOSSIBLE = _smallest(_refused())


def allowed(row: Row) -> bool:
    """Whether there is a project with these answers, of which some may be open."""
    return not any(impossible.items() <= row.items() for impossible in IMPOSSIBLE)


def pairs(row: Row) -> set[tuple[tuple[str, Any], ...]]:
    return set(itertools.combinations(((key, row[key]) for key in FACTORS if key in row), 2))


def possible_pairs() -> set[tuple[tuple[str, Any], ...]]:
    return {
        ((key, value), (other, another))
        for (key, values), (other, others) in itertools.combinations(FACTORS.items(), 2)
        for value in values
        for another in others
        if allowed({key: value, other: another})
    }


def _covering_every_pair() -> list[Row]:
    """Rows in which every pair of answers that can be had together stands at least once."""
    constraints = [
        {
            "operator": "not",
            "condition": {
                "operator": "and",
                "conditions": [
                    {"operator": "eq", "left": key, "value": value}
                    for key, value in impossible.items()
                ],
            },
        }
        for impossible in IMPOSSIBLE
    ]
    factors = {key: list(values) for key, values in FACTORS.items()}
    rows: list[Row] = covertable.make(factors, constraints=constraints, salt=SEED)
    return [{key: row[key] for key in FACTORS} for row in rows]


def _covering_every_shape(rows: list[Row]) -> Iterator[Row]:
    """For each shape that is in none of the rows, the first of them that can take it."""
    present = {tuple(row[key] for key in SHAPE) for row in rows}
    donors = itertools.cycle(rows)
    for values in itertools.product(*SHAPE.values()):
        shape = dict(zip(SHAPE, values, strict=True))
        if values not in present and allowed(shape):
            yield next(row for donor in donors if allowed(row := {**donor, **shape}))


# What is installed, checked and started; and, with every shape, what is rendered.
ARRAY = _covering_every_pair()
ROWS = [*ARRAY, *_covering_every_shape(ARRAY)]


def _with_all_that_can_be_had(framework: str, preset: str) -> Row:
    """The first value of every factor, which for what can be left out is to have it."""
    row: Row = {"framework": framework, "preset": preset}
    for key, values in FACTORS.items():
        row = row if key in row else next(filter(allowed, ({**row, key: v} for v in values)))
    return row


EVERYTHING = [
    _with_all_that_can_be_had(framework, preset)
    for framework, preset in itertools.product(choices("framework"), choices("preset"))
]


def _with_every_answer() -> Iterator[Row]:
    """A few rows of the array in which each framework has every answer at least once."""

    def had(row: Row) -> set[tuple[Any, ...]]:
        return {(row["framework"], key, value) for key, value in row.items()}

    missing = set().union(*map(had, ARRAY))
    while missing:
        row = max(ARRAY, key=lambda row: len(had(row) & missing))
        missing -= had(row)
        yield row


SAMPLE = list(_with_every_answer())


def asked(row: Row) -> dict[str, Any]:
    """The answers of a row, by their keys in copier.yml."""
    lists = {key: [value for value in LISTS[key] if row[value]] for key in LISTS}
    return {key: row[key] for key in FACTORS if key in QUESTIONS} | lists


# The roots that are recorded with a release: with no services, and with two, one without Compose.
WORKSPACES: list[dict[str, Any]] = [
    {"preset": WORKSPACE},
    {"preset": WORKSPACE, "services": ["chat", "ingest"], "composed": ["chat"]},
]


def given(row: Row) -> dict[str, str | bool | list[str] | None]:
    """The answers of a row, by the names of their flags."""
    flags = asked(row)
    flags["deploy"] = flags["deploy"] or ["none"]
    flags["feature"] = flags.pop("features") or ["none"]
    return flags


def name(row: Row) -> str:
    """The row as a test's name: its shape, then what is switched on."""
    words = [str(row[key]) for key in ("framework", "preset", "async")]
    words += [f"no-{key}" for key in ("docs", "validation") if not row[key]]
    words += [str(row[key]) for key in REST if isinstance(row[key], str) and key != "author"]
    return "-".join([*words, *(key for key in REST if row[key] is True)])
