"""A deployment, and how values in deploy files are read."""

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from genai_scaffold.project.files import File, Project
from genai_scaffold.project.finding import Severity
from genai_scaffold.project.parsing import yaml_documents


class Deployment(NamedTuple):
    """One process that a deploy file starts, and what it sets for it.

    Args:
        file: where it stands.
        command: what is started; empty where it is whatever the image starts.
        environment: what is set for it; None where the file cannot set anything.
        instances: how many there may be at once.
        health_paths: what the platform asks for.
        port: where the platform looks, if the file says so.
        grace: seconds between SIGTERM and SIGKILL, where the platform has such a limit.
        starts_image: whether the command is the Dockerfile's, not its own.
        passes_keys: whether the app sees the `Authorization` header.
        directory: where in the repository the platform builds, if the file can say so.
        is_partial: whether more is set for it in a place that the file does not show.
    """

    file: File
    command: str
    environment: Mapping[str, str] | None = None
    instances: int = 1
    health_paths: tuple[str, ...] = ()
    port: int | None = None
    grace: int | None = None
    starts_image: bool = False
    passes_keys: bool = True
    is_partial: bool = False
    directory: str | None = None


DURATION = re.compile(r"(\d+)(ms|min|s|m|h)?")
UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def documents_in(file: File) -> list[dict[str, Any]]:
    return mappings_of(yaml_documents(file))


def document_in(file: File) -> dict[str, Any]:
    documents = documents_in(file)
    return documents[0] if documents else {}


def mapping_of(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def mappings_of(items: object) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def variables_of(entries: object, key: str) -> dict[str, str]:
    """A list of variables, each by its name; one that is looked up elsewhere is empty."""
    return {str(e[key]): str(e.get("value", "")) for e in mappings_of(entries) if key in e}


def number_of(value: object, otherwise: int = 1) -> int:
    return int(value) if str(value).isdecimal() and isinstance(value, int | str) else otherwise


def seconds_of(duration: object, otherwise: int) -> int:
    """How long `30`, `30s` or `1m30s` is, in whole seconds."""
    text = str(duration).replace(" ", "")
    if not re.fullmatch(rf"(?:{DURATION.pattern})+", text):
        return otherwise
    return int(sum(int(count) * UNITS[unit] for count, unit in DURATION.findall(text)))


def words_of(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def joined_words(command: object) -> str:
    """A command as a shell reads it, whether it was written as a list or as text."""
    if isinstance(command, str) and command.lstrip().startswith("["):
        try:
            command = json.loads(command)
        except json.JSONDecodeError:
            return str(command)
    return shlex.join(map(str, command)) if isinstance(command, list) else str(command)


def without_ports(command: str) -> str:
    """Take out `{…}`: a port that is looked up has quotes in it, where a URL has none."""
    return re.sub(r"\$?\{[^}]*\}", "", command)


Deployments: TypeAlias = Sequence[Deployment]


class Disagreement(NamedTuple):
    """Where a deploy file and the app disagree, and how."""

    path: str
    line: int
    problem: str
    severity: Severity = "error"


class DeployCheck(NamedTuple):
    """Something that the deploy files and the app have to agree on."""

    title: str
    find: Callable[[Project, Deployments], Iterator[Disagreement]]
