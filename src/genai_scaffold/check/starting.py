"""What deploy files start, and where it listens."""

import ast
import re
from collections.abc import Iterator

from genai_scaffold.check.deployment import Deployment, Deployments, Disagreement
from genai_scaffold.project.files import File, Project

SERVER = re.compile(r"\b(uvicorn|gunicorn|WSGIScriptAlias)\b([^;&|]*)")
TARGET = re.compile(r"(?:^|\s)([A-Za-z_/][\w./-]*):([A-Za-z_]\w*)(?:\(\))?(?=\s|$)")
ENTERED = re.compile(r"\bcd +([^\s;&|]+)")
FOLDER = re.compile(r"--(?:app-dir|chdir|pythonpath)[ =]+(\S+)")
BOUND = re.compile(r"(?:--port|--bind|-b)[ =]+[\"']?(?:[\w.\[\]:]*:)?(\d+)\b")
BINDS = re.compile(r"--bind\b|(?<!\S)-b|^bind\b", re.MULTILINE)


def _servers(deployments: Deployments) -> Iterator[tuple[Deployment, str, str]]:
    """Each server that a file starts itself, by name, with its arguments."""
    for deployment in deployments:
        # What an image starts is looked at where that is written.
        for server in SERVER.finditer("" if deployment.starts_image else deployment.command):
            yield deployment, server[1], server[2]


def starts_the_app(checked: Project, deployments: Deployments) -> Iterator[Disagreement]:
    for deployment, server, arguments in _servers(deployments):
        line = deployment.file.line_with(server)
        target = TARGET.search(arguments.replace("'", " ").replace('"', " "))
        if not target:
            yield Disagreement(
                deployment.file.path, line, f"{server} is not told which app to serve"
            )
            continue
        module, name = target[1], target[2]
        line = max(line, deployment.file.line_with(target[0].strip()))
        file = _served(checked, module, _folders(deployment, arguments))
        if not file:
            yield Disagreement(
                deployment.file.path, line, f"there is no module {module!r} to start"
            )
        elif file.tree and name not in _names(file):
            yield Disagreement(deployment.file.path, line, f"{file.path} defines no {name!r}")


def _folders(deployment: Deployment, arguments: str) -> list[str]:
    """Where a server looks for modules: here, and in the folders that it is told."""
    told = [*ENTERED.findall(deployment.command), *FOLDER.findall(arguments)]
    told += (deployment.environment or {}).get("PYTHONPATH", "").split(":")
    return ["", *(folder.strip("\"'") for folder in told)]


def _served(checked: Project, module: str, folders: list[str]) -> File | None:
    name = module.replace(".", "/")
    for folder in folders:
        parts = [part for part in folder.split("/") if part not in ("", ".")]
        # Where an absolute path becomes one of the project's, no file says.
        for start in range(len(parts) + 1 if folder.startswith("/") else 1):
            at = "/".join([*parts[start:], name])
            file = checked.files.get(f"{at}.py") or checked.files.get(f"{at}/__init__.py")
            if file:
                return file
    return None


def _names(file: File) -> set[str]:
    """What a module defines or imports at its top level."""
    names: set[str] = set()
    for statement in file.tree.body if file.tree else ():
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


def binds_the_port(checked: Project, deployments: Deployments) -> Iterator[Disagreement]:
    configured = checked.files.get("gunicorn.conf.py")
    for deployment, server, arguments in _servers(deployments):
        if re.search(r"\$\{?PORT\b|--uds\b|\bunix:", arguments):
            continue
        # A container may fix its port, Apache listens itself, and gunicorn has its own file.
        if deployment.file.name in ("compose.yaml", "apache.conf"):
            continue
        settings = (configured.text or "") if configured and server == "gunicorn" else ""
        if "bind" not in arguments and "bind" in settings and "PORT" in settings:
            continue
        environment = deployment.environment or {}
        stated = f"{arguments} {environment.get('GUNICORN_CMD_ARGS', '')}"
        if server == "gunicorn" and not BINDS.search(f"{stated}\n{settings}"):
            continue  # then it listens on $PORT by itself
        told = BOUND.search(stated)
        bound = told[1] if told else environment.get("UVICORN_PORT")
        # Where the file itself sets $PORT, only another platform would look elsewhere.
        is_set = bound is not None and bound == environment.get("PORT")
        yield Disagreement(
            deployment.file.path,
            deployment.file.line_with(server),
            f"{server} does not listen on $PORT, where the platform looks for it",
            "warning" if is_set else "error",
        )
    for deployment in deployments:
        port = (deployment.environment or {}).get("PORT")
        if deployment.port and port and port != str(deployment.port):
            line = deployment.file.line_with(str(deployment.port))
            problem = f"PORT is {port}, but the platform looks at {deployment.port}"
            yield Disagreement(deployment.file.path, line, problem)
