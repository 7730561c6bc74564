"""Checks a rendered project: that every file parses, and that deploy files agree with the app."""

import ast
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from genai_scaffold.errors import UsageError

ANSWERS_FILE = ".copier-answers.yml"

# Directories that hold what the user's tools made, not what the project is.
FOREIGN = frozenset(
    {".git", ".venv", "venv", "node_modules", "dist", "build"}
    | {".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".nox", ".idea", ".vscode"}
)
MAY_BE_EMPTY = frozenset({"__init__.py", "py.typed"})

VENDORED = frozenset({".css", ".js"})

# GitHub's workflows have `${{ … }}`, which is theirs.
TAG = re.compile(r"(?<!\$)\{\{-? .*? -?\}\}|\{%-? .*? -?%\}")
CONFLICT = re.compile(r"^(<{7} |={7}$|>{7} )", re.MULTILINE)


class Finding(NamedTuple):
    """Something wrong, and where."""

    check: str
    path: str
    line: int
    problem: str


class Fault(NamedTuple):
    """What a check found in a file."""

    line: int
    problem: str


@dataclass(frozen=True)
class File:
    """A file of the project, read once."""

    path: str
    content: bytes

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        return Path(self.path).suffix

    @cached_property
    def text(self) -> str | None:
        """The file as text, or None for a binary one."""
        if b"\0" in self.content:
            return None
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError:
            return None

    def line_of(self, offset: int) -> int:
        return (self.text or "").count("\n", 0, offset) + 1

    def line_with(self, fragment: str) -> int:
        """The first line that holds a fragment; the file's first, if none does."""
        return self.line_of(max((self.text or "").find(fragment), 0))


@dataclass(frozen=True)
class Project:
    """A rendered project: its files by their relative paths."""

    root: Path
    files: dict[str, File] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path) -> "Project":
        files = {}
        for path in sorted(root.rglob("*")):
            relative = path.relative_to(root)
            if FOREIGN.isdisjoint(relative.parts) and path.is_file() and not path.is_symlink():
                files[relative.as_posix()] = File(relative.as_posix(), path.read_bytes())
        return cls(root, files)


def project_at(path: Path) -> Project:
    """Read a project that this tool generated.

    Raises:
        UsageError: there is none at that path.
    """
    if not (path / ANSWERS_FILE).is_file():
        raise UsageError(
            f"{path} is not a generated project",
            why=f"it has no {ANSWERS_FILE}" if path.is_dir() else "there is no such directory",
            fix="name the directory that `genai-scaffold new` created",
        )
    return Project.read(path)


# Every file on its own.


def _is_python(file: File) -> Iterator[Fault]:
    try:
        compile(file.content, file.path, "exec", dont_inherit=True)
    except SyntaxError as error:
        yield Fault(error.lineno or 1, error.msg)
    except ValueError as error:
        yield Fault(1, str(error))


def _is_toml(file: File) -> Iterator[Fault]:
    try:
        tomllib.loads(file.text or "")
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        yield Fault(int(line[1]) if line else 1, str(error))


def _is_json(file: File) -> Iterator[Fault]:
    try:
        json.loads(file.text or "")
    except json.JSONDecodeError as error:
        yield Fault(error.lineno, error.msg)
    except RecursionError:
        yield Fault(1, "it is nested too deeply")


def _is_yaml(file: File) -> Iterator[Fault]:
    import yaml  # only where something is verified

    try:
        list(yaml.safe_load_all(file.text or ""))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        yield Fault(mark.line + 1 if mark else 1, error.problem or str(error))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        yield Fault(1, str(error).partition("\n")[0])


PARSERS: dict[str, Callable[[File], Iterator[Fault]]] = {
    ".py": _is_python,
    ".toml": _is_toml,
    ".json": _is_json,
    ".yaml": _is_yaml,
    ".yml": _is_yaml,
}


def _parses(file: File) -> Iterator[Fault]:
    if parser := PARSERS.get(file.suffix):
        yield from parser(file)


def _has_no_tag(file: File) -> Iterator[Fault]:
    text = "" if file.suffix in VENDORED else file.text or ""
    for tag in TAG.finditer(text):
        yield Fault(file.line_of(tag.start()), f"{tag[0]} was not rendered")


def _has_no_conflict(file: File) -> Iterator[Fault]:
    for marker in CONFLICT.finditer(file.text or ""):
        yield Fault(file.line_of(marker.start()), "a conflict marker is left")


def _is_not_empty(file: File) -> Iterator[Fault]:
    if not file.content.strip() and file.name not in MAY_BE_EMPTY:
        yield Fault(1, "the file is empty")


def _ends_with_a_newline(file: File) -> Iterator[Fault]:
    text = None if file.suffix in VENDORED else file.text
    if text and (not text.endswith("\n") or text.endswith(("\n\n", "\r\n\r\n"))):
        yield Fault(text.rstrip("\n").count("\n") + 1, "the file does not end with one newline")


def _is_source(file: File) -> Iterator[Fault]:
    if "__pycache__" in file.path.split("/") or file.suffix in (".pyc", ".pyo"):
        yield Fault(1, "a compiled file is no part of a project")


class FileCheck(NamedTuple):
    """Something that holds for every file of a fresh project."""

    title: str
    reason: str
    find: Callable[[File], Iterator[Fault]]


PARSING = (
    FileCheck("parses", "A file that does not parse breaks the first command.", _parses),
    FileCheck("no-conflict", "A conflict marker is an unfinished merge.", _has_no_conflict),
)
RENDERING = (
    *PARSING,
    FileCheck("rendered", "A template tag in the output was never filled in.", _has_no_tag),
    FileCheck("not-empty", "A file without content was not asked for.", _is_not_empty),
    FileCheck("newline", "Linters and diffs want one final newline.", _ends_with_a_newline),
    FileCheck("source", "Compiled files belong to one machine.", _is_source),
)


def rendering(root: Path) -> list[Finding]:
    """What is wrong with a project that was just rendered."""
    return list(_in_files(Project.read(root), RENDERING))


def project(root: Path) -> list[Finding]:
    """What is wrong with a project that a user has worked on.

    Raises:
        UsageError: it is not a project of ours.
    """
    checked = project_at(root)
    found = list(_in_files(checked, PARSING))
    found += [Finding(check.title, *fault) for check in DEPLOYING for fault in check.find(checked)]
    return sorted(found, key=lambda finding: (finding.path, finding.line))


def _in_files(checked: Project, checks: tuple[FileCheck, ...]) -> Iterator[Finding]:
    for file in checked.files.values():
        for check in checks:
            for line, problem in check.find(file):
                yield Finding(check.title, file.path, line, problem)


# The deploy files against the app.


class Deployment(NamedTuple):
    """One process that a deploy file starts, and what it sets for it."""

    file: File
    command: str
    environment: dict[str, str] | None
    instances: int
    health_paths: tuple[str, ...]


class Place(NamedTuple):
    """What a deploy check found."""

    path: str
    line: int
    problem: str


class DeployCheck(NamedTuple):
    """Something that the deploy files and the app have to agree on."""

    title: str
    reason: str
    find: Callable[[Project], Iterator[Place]]


SERVER = re.compile(r"\b(uvicorn|gunicorn)\b([^;&|]*)")
TARGET = re.compile(r"(?:^|\s)([A-Za-z_][\w.]*):([A-Za-z_]\w*)(?:\(\))?(?=\s|$)")
WORKERS = re.compile(r"(?:--workers|-w)[ =]+[\"']?(?:\$\{WEB_CONCURRENCY:-)?(\d+)")
URL_PATH = re.compile(r"https?://[^/\s\"']+(/[\w/.-]*)")
ROUTE_METHODS = frozenset(
    {"get", "post", "put", "patch", "delete", "head", "route", "api_route", "mount"}
    | {"add_url_rule", "add_api_route", "add_route"}
)


def deployments(checked: Project) -> list[Deployment]:
    """Every process that the project's deploy files start."""
    readers: tuple[tuple[str, Callable[[File], Iterator[Deployment]]], ...] = (
        ("render.yaml", _render_services),
        ("Procfile", _procfile_processes),
        ("Dockerfile", _image),
        ("compose.yaml", _compose_services),
    )
    return [
        deployment
        for name, reader in readers
        if (file := checked.files.get(name)) and file.text and not list(_parses(file))
        for deployment in reader(file)
    ]


def _render_services(file: File) -> Iterator[Deployment]:
    for service in _mappings(_load(file).get("services")):
        if service.get("type") != "web" or "startCommand" not in service:
            continue
        environment = {
            str(entry["key"]): str(entry.get("value", ""))
            for entry in _mappings(service.get("envVars"))
            if "key" in entry
        }
        scaling = service.get("scaling")
        instances = [service.get("numInstances", 1)]
        instances += [scaling.get("maxInstances", 1)] if isinstance(scaling, dict) else []
        health = service.get("healthCheckPath")
        yield Deployment(
            file,
            str(service["startCommand"]),
            environment or None,
            max(_number(count) for count in instances),
            (str(health),) if health else (),
        )


def _procfile_processes(file: File) -> Iterator[Deployment]:
    for line in (file.text or "").splitlines():
        kind, colon, command = line.partition(":")
        if colon and kind.strip() == "web":
            yield Deployment(file, command.strip(), None, 1, ())


def _image(file: File) -> Iterator[Deployment]:
    text = re.sub(r"\\\n", " ", file.text or "")
    environment: dict[str, str] = {}
    command, health = "", ()
    for line in text.splitlines():
        keyword, _, rest = line.strip().partition(" ")
        match keyword.upper():
            case "ENV":
                environment |= dict(re.findall(r"(\w+)=(\"[^\"]*\"|\S+)", rest))
            case "CMD" | "ENTRYPOINT":
                command = _joined(rest)
            case "HEALTHCHECK":
                health = tuple(URL_PATH.findall(re.sub(r"\{[^}]*\}", "", rest)))
    if command:
        values = {key: value.strip('"') for key, value in environment.items()}
        yield Deployment(file, command, values, 1, health)


def _compose_services(file: File) -> Iterator[Deployment]:
    services = _load(file).get("services")
    for service in _mappings(list(services.values()) if isinstance(services, dict) else []):
        if "build" not in service:
            continue
        environment = service.get("environment")
        if isinstance(environment, list):
            environment = dict(str(entry).partition("=")[::2] for entry in environment)
        deploy = service.get("deploy")
        replicas = deploy.get("replicas", 1) if isinstance(deploy, dict) else 1
        test = service.get("healthcheck", {})
        health = URL_PATH.findall(re.sub(r"\{[^}]*\}", "", str(test)))
        yield Deployment(
            file,
            _joined(service.get("command") or ""),
            {k: str(v) for k, v in environment.items()} if isinstance(environment, dict) else None,
            max(_number(replicas), _number(service.get("scale", 1))),
            tuple(health),
        )


def _load(file: File) -> dict[str, Any]:
    import yaml

    document = yaml.safe_load(file.text or "")
    return document if isinstance(document, dict) else {}


def _mappings(items: object) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _number(value: object) -> int:
    return int(value) if str(value).isdecimal() and isinstance(value, int | str) else 1


def _joined(command: object) -> str:
    """A command as one line, whether it was written as a list or as text."""
    if isinstance(command, str) and command.lstrip().startswith("["):
        try:
            command = json.loads(command)
        except json.JSONDecodeError:
            return str(command)
    return " ".join(map(str, command)) if isinstance(command, list) else str(command)


def _servers(checked: Project) -> Iterator[tuple[Deployment, str, str]]:
    """Each server that is started, by name, with its arguments."""
    for deployment in deployments(checked):
        for server in SERVER.finditer(deployment.command):
            yield deployment, server[1], server[2]


def _starts_the_app(checked: Project) -> Iterator[Place]:
    for deployment, server, arguments in _servers(checked):
        line = deployment.file.line_with(server)
        target = TARGET.search(arguments.replace("'", " ").replace('"', " "))
        if not target:
            yield Place(deployment.file.path, line, f"{server} is not told which app to serve")
            continue
        module, name = target[1], target[2]
        path = module.replace(".", "/")
        file = checked.files.get(f"{path}.py") or checked.files.get(f"{path}/__init__.py")
        if not file:
            yield Place(deployment.file.path, line, f"there is no module {module!r} to start")
        elif name not in _names(file):
            yield Place(deployment.file.path, line, f"{file.path} defines no {name!r}")


def _names(file: File) -> set[str]:
    """What a module defines or imports at its top level."""
    names: set[str] = set()
    try:
        tree = ast.parse(file.content)
    except (SyntaxError, ValueError):
        return names
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=targets):
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name for alias in aliases}
    return names


def _binds_the_port(checked: Project) -> Iterator[Place]:
    configured = checked.files.get("gunicorn.conf.py")
    for deployment, server, arguments in _servers(checked):
        if re.search(r"\$\{?PORT\b", arguments):
            continue
        # A container may fix its port, and gunicorn may be told by its own file.
        if deployment.file.name == "compose.yaml":
            continue
        settings = (configured.text or "") if configured and server == "gunicorn" else ""
        if "bind" not in arguments and "bind" in settings and "PORT" in settings:
            continue
        yield Place(
            deployment.file.path,
            deployment.file.line_with(server),
            f"{server} does not listen on $PORT, where the platform looks for it",
        )


def _health_path_is_a_route(checked: Project) -> Iterator[Place]:
    routes = _routes(checked)
    for deployment in deployments(checked):
        for path in deployment.health_paths:
            if path not in routes:
                line = deployment.file.line_with(path)
                yield Place(deployment.file.path, line, f"the app has no route {path}")


def _routes(checked: Project) -> set[str]:
    """Every path that the project's code registers, with and without the prefixes it names."""
    paths, prefixes = set(), {""}
    for file in checked.files.values():
        if file.suffix != ".py" or file.path.startswith("tests/"):
            continue
        try:
            tree = ast.parse(file.content)
        except (SyntaxError, ValueError):
            continue
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if isinstance(call.func, ast.Attribute) and call.func.attr in ROUTE_METHODS:
                paths |= set(_texts(call.args[:1]))
            prefixes |= {
                text
                for keyword in call.keywords
                if keyword.arg in ("prefix", "url_prefix")
                for text in _texts([keyword.value])
            }
    return {prefix + path for prefix in prefixes for path in paths}


def _texts(expressions: list[ast.expr]) -> Iterator[str]:
    for expression in expressions:
        if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
            yield expression.value


def _is_in_production(checked: Project) -> Iterator[Place]:
    if not any("APP_ENV" in (f.text or "") for f in checked.files.values() if f.suffix == ".py"):
        return
    for deployment in deployments(checked):
        environment = deployment.environment
        # Compose is for a developer's machine too, and may say so.
        if environment is None or deployment.file.name == "compose.yaml":
            continue
        if environment.get("APP_ENV") != "production":
            line = deployment.file.line_with("APP_ENV")
            problem = "it does not set APP_ENV=production, so unsafe defaults are not refused"
            yield Place(deployment.file.path, line, problem)


def _shares_its_limits(checked: Project) -> Iterator[Place]:
    for deployment in deployments(checked):
        environment = deployment.environment or {}
        workers = [_number(environment.get("WEB_CONCURRENCY", 1))]
        workers += [int(count) for count in WORKERS.findall(deployment.command)]
        if max(deployment.instances, *workers) > 1 and "REDIS_URL" not in environment:
            fragments = ("WEB_CONCURRENCY", "workers", "Instances", "replicas", "scale")
            found = [f for f in fragments if f in (deployment.file.text or "")]
            yield Place(
                deployment.file.path,
                deployment.file.line_with(found[0]) if found else 1,
                "more than one worker or instance, and no REDIS_URL: each would count alone",
            )


DEPLOYING = (
    DeployCheck("starts", "The start command has to name the app.", _starts_the_app),
    DeployCheck("port", "Platforms say in $PORT where they look.", _binds_the_port),
    DeployCheck("health", "A health check that fails restarts the app.", _health_path_is_a_route),
    DeployCheck("production", "Production refuses unsafe defaults.", _is_in_production),
    DeployCheck("shared-limits", "Limits in memory hold for one process.", _shares_its_limits),
)
