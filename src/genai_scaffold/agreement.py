"""Checks that the deploy files of a project agree with its app: what they start, where, how."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from genai_scaffold import verify
from genai_scaffold.verify import File, Finding, Project


class Deployment(NamedTuple):
    """One process that a deploy file starts, and what it sets for it."""

    file: File
    command: str
    environment: dict[str, str] | None
    instances: int
    health_paths: tuple[str, ...]


class Place(NamedTuple):
    """Where a deploy file and the app disagree, and how."""

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
        if (file := checked.files.get(name)) and file.text and not list(verify.parses(file))
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
                health = tuple(URL_PATH.findall(_without_ports(rest)))
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
        healthcheck = service.get("healthcheck")
        test = _joined(healthcheck.get("test")) if isinstance(healthcheck, dict) else ""
        health = URL_PATH.findall(_without_ports(test))
        yield Deployment(
            file,
            _joined(service.get("command") or ""),
            {k: str(v) for k, v in environment.items()} if isinstance(environment, dict) else None,
            max(_number(replicas), _number(service.get("scale", 1))),
            tuple(health),
        )


def _without_ports(command: str) -> str:
    """Take out `{…}`: a port that is looked up has quotes in it, where a URL has none."""
    return re.sub(r"\$?\{[^}]*\}", "", command)


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
        line = deployment.file.line_with(target[0].strip())
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


def check(root: Path) -> list[Finding]:
    """What is wrong with a project that a user has worked on.

    Raises:
        UsageError: it is not a project of ours.
    """
    checked = verify.project_at(root)
    found = list(verify.in_files(checked, verify.PARSING))
    found += [Finding(check.title, *fault) for check in DEPLOYING for fault in check.find(checked)]
    return sorted(found, key=lambda finding: (finding.path, finding.line))
