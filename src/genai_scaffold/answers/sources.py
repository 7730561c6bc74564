"""Where answers come from, in their order of precedence."""

from collections.abc import Iterable, Mapping

from genai_scaffold.answers.fields import accept_value, field_of, fields, project_fields
from genai_scaffold.answers.files import config_path, from_config, from_file
from genai_scaffold.answers.given import Given, Givens
from genai_scaffold.errors import MisspeltError, closest

ENVIRONMENT_PREFIX = "GENAI_SCAFFOLD_"


def from_flags(flags: Mapping[str, str | bool | list[str] | None]) -> dict[str, Given]:
    """The answers on the command line; None is a flag that was not given."""
    return {
        key: Given(accept_value(field_of(key), raw, field_of(key).flag), "flag", field_of(key).flag)
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
            found[key] = Given(accept_value(field, raw, variable), "environment", variable)
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


def from_settings(settings: Iterable[str], flag: str = "--set") -> dict[str, Given]:
    """The answers in words such as `deploy=docker,render`; each was given to a flag."""
    given = {}
    for setting in settings:
        key, equals, raw = setting.partition("=")
        if not equals or key not in project_fields():
            meant = closest(key, project_fields())
            question = f"did you mean {meant}={raw or '…'}?"
            raise MisspeltError(
                f"{flag} {setting} cannot be set",
                why=f"it takes KEY=VALUE, and the keys are {', '.join(project_fields())}",
                fix=question if meant else "`genai-scaffold new --help` explains them all",
            )
        value = accept_value(fields()[key], raw, f"{flag} {key}")
        given[key] = Given(value, "flag", f"{flag} {setting}")
    return given


def combine(*sources: Givens) -> dict[str, Given]:
    """Join sources; the first one that answers, counts."""
    combined: dict[str, Given] = {}
    for source in reversed(sources):
        combined.update(source)
    return combined


def gather(
    flags: Givens, answers_file: str | None, environment: Mapping[str, str]
) -> dict[str, Given]:
    """Everything that was given, each answer from the first source that has it."""
    return combine(
        flags,
        from_file(answers_file) if answers_file is not None else {},
        from_environment(environment),
        from_config(config_path()),
    )
