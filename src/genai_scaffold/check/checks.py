"""Checks that the deploy files of a project agree with its app: what they start, where, how."""

import ast
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from genai_scaffold.check.deployment import DeployCheck, Deployment, Deployments, Disagreement
from genai_scaffold.check.deployments import read_deployments
from genai_scaffold.check.starting import binds_the_port, starts_the_app
from genai_scaffold.project.files import File, Project, project_at
from genai_scaffold.project.finding import Finding, Severity
from genai_scaffold.project.neighbours import (
    faults_of_record,
    neighbours,
    port_in,
    readable_record,
    service_name,
    shared_name,
)
from genai_scaffold.project.record import ANSWERS_FILE, Record
from genai_scaffold.project.soundness import CHECKS_OF_TEXT, in_files
from genai_scaffold.project.workspace import (
    APART,
    SERVICES,
    clashes_in,
    is_workspace,
    recorded_services,
    services_in,
    strays_in,
    unreadable_in,
    workspace_around,
)
from genai_scaffold.system.git import below_root, is_repository

WORKERS = re.compile(r"(?:--workers|-w)[ =]+[\"']?(?:\$\{WEB_CONCURRENCY:-)?(\d+)")
GRACE = re.compile(r"--(?:timeout-graceful-shutdown|graceful-timeout)[ =](\d+)")
CONFIGURED_GRACE = re.compile(r"^graceful_timeout = (\d+)", re.MULTILINE)
GUNICORN_GRACE = 30  # where nothing is said
# Where a file may say how many; the first that it has is shown.
COUNTS = (
    "WEB_CONCURRENCY",
    "workers",
    "Instances",
    "eplicas",
    "maxScale",
    "scale",
    "min_machines",
    "processes=",
)
ROUTE_METHODS = frozenset(
    {"get", "post", "put", "patch", "delete", "head", "route", "api_route", "mount"}
    | {"add_url_rule", "add_api_route", "add_route"}
)


def _health_path_is_a_route(checked: Project, deployments: Deployments) -> Iterator[Disagreement]:
    if not all(file.tree for file in _modules(checked)):
        return  # a route may be in what does not parse
    routes = _routes(checked)
    for deployment in deployments:
        for path in deployment.health_paths:
            if path not in routes:
                line = deployment.file.line_with(path)
                yield Disagreement(deployment.file.path, line, f"the app has no route {path}")


def _routes(checked: Project) -> set[str]:
    """Every path that the project's code registers, with and without the prefixes it names."""
    paths, prefixes = set(), {""}
    for file in _modules(checked):
        if file.path.startswith("tests/"):
            continue
        nodes = ast.walk(file.tree) if file.tree else ()
        for call in (node for node in nodes if isinstance(node, ast.Call)):
            if isinstance(call.func, ast.Attribute) and call.func.attr in ROUTE_METHODS:
                paths |= set(_texts(call.args[:1]))
            prefixes |= {
                text
                for keyword in call.keywords
                if keyword.arg in ("prefix", "url_prefix")
                for text in _texts([keyword.value])
            }
    return {prefix + path for prefix in prefixes for path in paths}


def _modules(checked: Project) -> Iterator[File]:
    return (file for file in checked.files.values() if file.suffix == ".py")


def _reads(checked: Project, variable: str) -> bool:
    """Whether some code names a variable, or its setting."""
    return any(variable in (file.text or "").upper() for file in _modules(checked))


def _texts(expressions: list[ast.expr]) -> Iterator[str]:
    for expression in expressions:
        if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
            yield expression.value


def _is_in_production(checked: Project, deployments: Deployments) -> Iterator[Disagreement]:
    if not _reads(checked, "APP_ENV"):
        return
    for deployment in deployments:
        environment = deployment.environment
        # Compose is for a developer's machine too, and may say so.
        if environment is None or deployment.file.name == "compose.yaml":
            continue
        if environment.get("APP_ENV") != "production":
            line = deployment.file.line_with("APP_ENV")
            problem = "it does not set APP_ENV=production, so unsafe defaults are not refused"
            severity = "error" if "APP_ENV" in environment else _severity(deployment)
            yield Disagreement(deployment.file.path, line, problem, severity)


def _ends_in_time(checked: Project, deployments: Deployments) -> Iterator[Disagreement]:
    for deployment in deployments:
        grace = _server_grace(deployment, checked)
        if grace is not None and deployment.grace is not None and grace >= deployment.grace:
            line = deployment.file.line_with(str(deployment.grace))
            problem = f"streams get {grace} s to end, and are killed after {deployment.grace} s"
            yield Disagreement(deployment.file.path, line, problem)


def _server_grace(deployment: Deployment, checked: Project) -> int | None:
    """How many seconds the server gives running streams; None if it sets them no limit."""
    environment = deployment.environment or {}
    if "gunicorn" in deployment.command:
        stated = GRACE.search(f"{deployment.command} {environment.get('GUNICORN_CMD_ARGS', '')}")
        configured = checked.files.get("gunicorn.conf.py")
        stated = stated or (CONFIGURED_GRACE.search(configured.text or "") if configured else None)
        return int(stated[1]) if stated else GUNICORN_GRACE
    stated = GRACE.search(deployment.command)
    seconds = stated[1] if stated else environment.get("UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN", "")
    return int(seconds) if seconds.isdecimal() else None


def _passes_the_keys(checked: Project, deployments: Deployments) -> Iterator[Disagreement]:
    if not _reads(checked, "API_KEYS"):
        return
    for deployment in deployments:
        if not deployment.passes_keys:
            line = deployment.file.line_with("WSGIPassAuthorization")
            problem = "without WSGIPassAuthorization On the app never sees its clients' keys"
            yield Disagreement(deployment.file.path, line, problem)


def _shares_its_limits(checked: Project, deployments: Deployments) -> Iterator[Disagreement]:
    if not _reads(checked, "REDIS_URL"):
        return
    for deployment in deployments:
        environment = deployment.environment or {}
        stated = [environment.get("WEB_CONCURRENCY", ""), *WORKERS.findall(deployment.command)]
        workers = [int(count) for count in stated if count.isdecimal()]
        if max([deployment.instances, *workers]) > 1 and "REDIS_URL" not in environment:
            text = deployment.file.text or ""
            yield Disagreement(
                deployment.file.path,
                deployment.file.line_with(next((word for word in COUNTS if word in text), "")),
                "more than one worker or instance, and no REDIS_URL: each would count alone",
                _severity(deployment),
            )


def _shares_its_database(_: Project, deployments: Deployments) -> Iterator[Disagreement]:
    for deployment in deployments:
        database = (deployment.environment or {}).get("DATABASE_URL", "")
        if deployment.instances > 1 and database.startswith("sqlite"):
            line = deployment.file.line_with("DATABASE_URL")
            problem = "more than one instance, and SQLite: each would keep conversations of its own"
            yield Disagreement(deployment.file.path, line, problem)


def _severity(deployment: Deployment) -> Severity:
    """What it is if a file does not set a variable, which perhaps another place does."""
    return "warning" if deployment.is_partial else "error"


DEPLOYING = (
    DeployCheck("starts", starts_the_app),
    DeployCheck("port", binds_the_port),
    DeployCheck("health", _health_path_is_a_route),
    DeployCheck("production", _is_in_production),
    DeployCheck("grace", _ends_in_time),
    DeployCheck("keys", _passes_the_keys),
    DeployCheck("shared-limits", _shares_its_limits),
    DeployCheck("shared-database", _shares_its_database),
)


def _is_made_for_its_place(
    checked: Project, deployments: Deployments, directory: str
) -> Iterator[Disagreement]:
    """What is dead or stale where the project lies in its repository."""
    for path in checked.files if directory else ():
        if path.startswith(".github/workflows/"):
            yield Disagreement(path, 1, "GitHub reads workflows at the repository's root alone")
    for deployment in deployments:
        if deployment.directory is not None and deployment.directory.strip("./") != directory:
            line = deployment.file.line_with("rootDir")
            problem = f"rootDir is not {directory or 'the root'}, where the project lies"
            yield Disagreement(deployment.file.path, line, problem)
    answers_file = checked.files[ANSWERS_FILE]
    recorded = re.search(r"^directory: (.*)$", answers_file.text or "", re.MULTILINE)
    if (recorded[1].strip("'\"") if recorded else "") != directory:
        line = answers_file.line_with("directory:") if recorded else 1
        problem = f"rendered for another place than {directory or 'the root'}: run an update"
        yield Disagreement(ANSWERS_FILE, line, problem, "warning")


def _is_told_from_its_neighbours(root: Path, checked: Project) -> Iterator[Disagreement]:
    """What it has in common with a project beside it, and must not have."""
    record = readable_record(root)
    if record is None:
        return  # what cannot be read says nothing
    own = service_name(str(record.recorded.get("name", "")) or root.name)
    line = checked.files[ANSWERS_FILE].line_with
    for neighbour in neighbours(root):
        if shared := shared_name(neighbour.name, own):
            problem = f"{neighbour.place} has the name {shared}, too: "
            problem += "give one another by --set name=…"
            yield Disagreement(ANSWERS_FILE, line("project_name:"), problem)
        if neighbour.port == port_in(record):
            problem = f"{neighbour.place} has port {neighbour.port}, too: run an update"
            yield Disagreement(ANSWERS_FILE, line("port:"), problem, "warning")


def _has_its_services(root: Path, checked: Project, record: Record) -> Iterator[Disagreement]:
    """What is out of place in a workspace: itself, its services, and what it says of them."""
    line = checked.files[ANSWERS_FILE].line_with
    if directory := below_root(root.resolve()):
        problem = f"a workspace is a repository's root, and this one lies in {directory}"
        yield Disagreement(ANSWERS_FILE, 1, problem)
    for place, problem, fix, _ in clashes_in(root):
        yield Disagreement(ANSWERS_FILE, line("services:"), f"{place} {problem}: {fix}")
    for place in unreadable_in(root):
        problem = f"it cannot be read: genai-scaffold check {place}"
        yield Disagreement(f"{place}/{ANSWERS_FILE}", 1, problem)
    for place in strays_in(root):
        problem = f"{place} is none of its services: git mv it into {SERVICES}/"
        yield Disagreement(f"{place}/{ANSWERS_FILE}", 1, problem)
    if services_in(root) != recorded_services(record):
        problem = "its services are not those that it lists: run an update"
        yield Disagreement(ANSWERS_FILE, line("services:"), problem, "warning")


def _is_found_by_its_workspace(root: Path) -> Iterator[Disagreement]:
    around = workspace_around(root.resolve())
    if around and root.resolve().parent != around / SERVICES:
        problem = f"the workspace around it finds what lies in {SERVICES}/ alone: git mv it there"
        yield Disagreement(ANSWERS_FILE, 1, problem)
    elif around and around != root.resolve() and is_repository(root):
        problem = f"it is a repository of its own, in {SERVICES}/ of a workspace: {APART}"
        yield Disagreement(ANSWERS_FILE, 1, problem)


def _is_excluded(path: str, globs: Sequence[str]) -> bool:
    places = (path, *(str(folder) for folder in PurePosixPath(path).parents))
    return any(fnmatchcase(place, glob.rstrip("/")) for glob in globs for place in places)


def _found_in_a_project(root: Path, checked: Project) -> Iterator[Finding]:
    deployments = read_deployments(checked)
    for check in DEPLOYING:
        for place in check.find(checked, deployments):
            yield Finding(check.title, *place)
    directory = below_root(root.resolve())
    stale = _is_made_for_its_place(checked, deployments, directory)
    alike = _is_told_from_its_neighbours(root, checked)
    for place in (*stale, *alike, *_is_found_by_its_workspace(root)):
        yield Finding("placed", *place)


def check_project(root: Path, exclude: Sequence[str] = ()) -> list[Finding]:
    """What is wrong with a project that a user has worked on.

    Args:
        root: where it is.
        exclude: globs of files, or of folders with all they hold, that are none of it.

    Raises:
        UsageError: it is not a project of ours.
    """
    checked = project_at(root)
    record = readable_record(root)
    found = list(in_files(checked, CHECKS_OF_TEXT))
    if record is None and not any(finding.path == ANSWERS_FILE for finding in found):
        found += faults_of_record(root)
    if record and is_workspace(record):
        found += [Finding("placed", *place) for place in _has_its_services(root, checked, record)]
    else:
        found += _found_in_a_project(root, checked)
    found = [finding for finding in found if not _is_excluded(finding.path, exclude)]
    return sorted(found, key=lambda finding: (finding.path, finding.line))
