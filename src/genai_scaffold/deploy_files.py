"""Reads the deploy files of a project: what each one starts, where, and for how long it waits."""

import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from genai_scaffold import verify
from genai_scaffold.verify import File, Project


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


Reader: TypeAlias = Callable[[File, Project], Iterator[Deployment]]

URL_PATH = re.compile(r"https?://[^/\s\"']+(/[\w/.-]*)")
PROXIED_PORT = re.compile(r"^\s*server\s+127\.0\.0\.1:(\d+)", re.MULTILINE)
DURATION = re.compile(r"(\d+)(ms|min|s|m|h)?")
UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
DIRECTIVE = re.compile(r"^(\w+)=(.*)$", re.MULTILINE)
WSGI_DIRECTIVE = re.compile(r"^[ \t]*(WSGI\w+)[ \t]+(.*)$", re.MULTILINE | re.IGNORECASE)

# What a platform does where its file does not say: seconds, and instances.
RENDER_GRACE, HEROKU_GRACE, COMPOSE_GRACE, KUBERNETES_GRACE = 30, 30, 10, 30
CLOUD_RUN_GRACE, FLY_GRACE, RAILWAY_GRACE, SYSTEMD_GRACE = 10, 5, 0, 90
CLOUD_RUN_INSTANCES = 100


def read(checked: Project) -> list[Deployment]:
    """Every process that the project's deploy files start; what runs the image, completed by it."""
    found = [
        deployment
        for pattern, reader in READERS
        for path, file in checked.files.items()
        if pattern.fullmatch(path) and file.text and verify.is_sound(file)
        for deployment in reader(file, checked)
    ]
    image = next((d for d in found if d.file.path == "Dockerfile"), None)
    return [_completed(d, image) if image and d.starts_image else d for d in found]


def _completed(deployment: Deployment, image: Deployment) -> Deployment:
    return deployment._replace(
        command=deployment.command or image.command,
        environment={**(image.environment or {}), **(deployment.environment or {})},
        starts_image=not deployment.command,
    )


def _render_services(file: File, _checked: Project) -> Iterator[Deployment]:
    for service in _mappings(_load(file).get("services")):
        if service.get("type") != "web" or "startCommand" not in service:
            continue
        scaling = _mapping(service.get("scaling"))
        instances = (service.get("numInstances", 1), scaling.get("maxInstances", 1))
        health = service.get("healthCheckPath")
        yield Deployment(
            file,
            str(service["startCommand"]),
            _variables(service.get("envVars"), "key") or None,
            max(_number(count) for count in instances),
            (str(health),) if health else (),
            grace=_number(service.get("maxShutdownDelaySeconds"), RENDER_GRACE),
            directory=str(service.get("rootDir") or ""),
            is_partial=any("fromGroup" in entry for entry in _mappings(service.get("envVars"))),
        )


def _procfile_processes(file: File, _checked: Project) -> Iterator[Deployment]:
    for line in (file.text or "").splitlines():
        kind, colon, command = line.partition(":")
        if colon and kind.strip() == "web":
            yield Deployment(file, command.strip(), grace=HEROKU_GRACE, is_partial=True)


def _image(file: File, _checked: Project) -> Iterator[Deployment]:
    text = re.sub(r"\\\n", " ", file.text or "")
    environment: dict[str, str] = {}
    command, health = "", ()
    for line in text.splitlines():
        keyword, _, rest = line.strip().partition(" ")
        match keyword.upper():
            case "ENV":
                name, _, value = rest.partition(" ")
                pairs = re.findall(r"(\w+)=(\"[^\"]*\"|\S+)", rest)
                environment |= dict(pairs) if "=" in name else {name: value.strip()}
            case "CMD" | "ENTRYPOINT":
                command = _joined(rest)
            case "HEALTHCHECK":
                health = tuple(URL_PATH.findall(_without_ports(rest)))
    if command:
        values = {key: value.strip('"') for key, value in environment.items()}
        yield Deployment(file, command, values, health_paths=health, is_partial=True)


def _compose_services(file: File, _checked: Project) -> Iterator[Deployment]:
    for service in _mappings(list(_mapping(_load(file).get("services")).values())):
        if "build" not in service:
            continue
        environment = service.get("environment")
        if isinstance(environment, list):
            environment = dict(str(entry).partition("=")[::2] for entry in environment)
        replicas = _mapping(service.get("deploy")).get("replicas", 1)
        test = _joined(_mapping(service.get("healthcheck")).get("test", ""))
        yield Deployment(
            file,
            _joined(service.get("command") or ""),
            {key: str(value) for key, value in _mapping(environment).items()},
            max(_number(replicas), _number(service.get("scale", 1))),
            tuple(URL_PATH.findall(_without_ports(test))),
            grace=_seconds(service.get("stop_grace_period"), COMPOSE_GRACE),
            starts_image=True,
            is_partial="env_file" in service,
        )


def _fly_app(file: File, _checked: Project) -> Iterator[Deployment]:
    document = tomllib.loads(file.text or "")
    service = _mapping(document.get("http_service"))
    yield Deployment(
        file,
        _joined(_mapping(document.get("processes")).get("app", "")),
        {key: str(value) for key, value in _mapping(document.get("env")).items()},
        _number(service.get("min_machines_running", 1)),
        tuple(str(check["path"]) for check in _mappings(service.get("checks")) if "path" in check),
        _number(service.get("internal_port"), 0) or None,
        _seconds(document.get("kill_timeout"), FLY_GRACE),
        starts_image=True,
        is_partial=True,
    )


def _railway_service(file: File, _checked: Project) -> Iterator[Deployment]:
    document = verify.json_document(file)
    deploy = _mapping(_mapping(document).get("deploy"))
    regions = _mappings(list(_mapping(deploy.get("multiRegionConfig")).values()))
    replicas = [_number(region.get("numReplicas", 1)) for region in regions]
    health = deploy.get("healthcheckPath")
    yield Deployment(
        file,
        str(deploy.get("startCommand") or ""),
        {},
        max(sum(replicas), _number(deploy.get("numReplicas", 1))),
        (str(health),) if health else (),
        grace=_number(deploy.get("drainingSeconds"), RAILWAY_GRACE),
        starts_image=True,
        is_partial=True,
    )


def _cloud_run_service(file: File, _checked: Project) -> Iterator[Deployment]:
    template = _mapping(_mapping(_load(file).get("spec")).get("template"))
    annotations = _mapping(_mapping(template.get("metadata")).get("annotations"))
    most = annotations.get("autoscaling.knative.dev/maxScale")
    for container in _mappings(_mapping(template.get("spec")).get("containers"))[:1]:
        port = _container_port(container)
        yield Deployment(
            file,
            _container_command(container),
            # Cloud Run tells the container which port it was told.
            {**_variables(container.get("env"), "name"), **({"PORT": str(port)} if port else {})},
            _number(most, CLOUD_RUN_INSTANCES),
            _probed(container),
            port,
            CLOUD_RUN_GRACE,
            starts_image=True,
        )


def _kubernetes_deployments(file: File, checked: Project) -> Iterator[Deployment]:
    for document in _documents(file):
        specification = _mapping(document.get("spec"))
        pod = _mapping(_mapping(specification.get("template")).get("spec"))
        for container in _mappings(pod.get("containers")):
            health = _probed(container)
            # What is asked over HTTP is the project's own; a Redis is not.
            if document.get("kind") != "Deployment" or not health:
                continue
            name = str(_mapping(document.get("metadata")).get("name"))
            before = re.search(r"\bsleep\W+(\d+)", json.dumps(container.get("lifecycle", {})))
            grace = _number(pod.get("terminationGracePeriodSeconds"), KUBERNETES_GRACE)
            yield Deployment(
                file,
                _container_command(container),
                _variables(container.get("env"), "name"),
                max(_number(specification.get("replicas", 1)), _most_replicas(checked, name)),
                health,
                _container_port(container),
                grace - (int(before[1]) if before else 0),
                starts_image=True,
                is_partial="envFrom" in container,
            )


def _most_replicas(checked: Project, name: str) -> int:
    """How many an autoscaler of the project may make of a deployment."""
    return max(
        (
            _number(specification.get("maxReplicas"))
            for path, file in checked.files.items()
            if KUBERNETES.fullmatch(path) and verify.is_sound(file)
            for document in _documents(file)
            if document.get("kind") == "HorizontalPodAutoscaler"
            for specification in [_mapping(document.get("spec"))]
            if _mapping(specification.get("scaleTargetRef")).get("name") == name
        ),
        default=1,
    )


def _container_command(container: Mapping[str, Any]) -> str:
    parts = (container.get("command"), container.get("args"))
    return " ".join(_joined(part) for part in parts if part)


def _container_port(container: Mapping[str, Any]) -> int | None:
    ports = _mappings(container.get("ports"))
    return _number(ports[0].get("containerPort"), 0) or None if ports else None


def _probed(container: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths that the probes of a container ask for, each once."""
    probes = (container.get(f"{kind}Probe") for kind in ("startup", "liveness", "readiness"))
    asked = [_mapping(_mapping(probe).get("httpGet")).get("path") for probe in probes]
    return tuple(dict.fromkeys(str(path) for path in asked if path))


def _systemd_unit(file: File, checked: Project) -> Iterator[Deployment]:
    directives = DIRECTIVE.findall(file.text or "")
    values = dict(directives)
    environment: dict[str, str] = {}
    for key, value in directives:
        if key == "Environment":
            environment |= dict(word.partition("=")[::2] for word in _words(value))
    site = checked.files.get(f"{file.path.rpartition('/')[0]}/nginx.conf")
    port = PROXIED_PORT.search(site.text or "") if site else None
    if "ExecStart" in values:
        yield Deployment(
            file,
            values["ExecStart"],
            environment,
            port=int(port[1]) if port else None,
            grace=_seconds(values.get("TimeoutStopSec"), SYSTEMD_GRACE),
            is_partial="EnvironmentFile" in values,
        )


def _apache_site(file: File, _checked: Project) -> Iterator[Deployment]:
    text = re.sub(r"\\\n", " ", file.text or "")
    directives = {name.lower(): _words(value) for name, value in WSGI_DIRECTIVE.findall(text)}
    daemon = directives.get("wsgidaemonprocess", [])
    options = dict(word.partition("=")[::2] for word in daemon)
    authorization = " ".join(directives.get("wsgipassauthorization", []))
    for script in directives.get("wsgiscriptalias", [])[1:2]:
        module = script.removeprefix(f"{options.get('home', '')}/").removesuffix(".py")
        yield Deployment(
            file,
            f"WSGIScriptAlias {module}:application",
            instances=_number(options.get("processes")),
            passes_keys=authorization.lower() == "on",
            is_partial=True,
        )


KUBERNETES = re.compile(r"k8s/.*\.ya?ml")
READERS: tuple[tuple[re.Pattern[str], Reader], ...] = (
    (re.compile(r"render\.yaml"), _render_services),
    (re.compile(r"Procfile"), _procfile_processes),
    (re.compile(r"Dockerfile"), _image),
    (re.compile(r"compose\.yaml"), _compose_services),
    (re.compile(r"fly\.toml"), _fly_app),
    (re.compile(r"railway\.json"), _railway_service),
    (re.compile(r"cloud-run\.yaml"), _cloud_run_service),
    (KUBERNETES, _kubernetes_deployments),
    (re.compile(r"deploy/[^/]+\.service"), _systemd_unit),
    (re.compile(r"deploy/apache\.conf"), _apache_site),
)


def _documents(file: File) -> list[dict[str, Any]]:
    return _mappings(verify.yaml_documents(file))


def _load(file: File) -> dict[str, Any]:
    documents = _documents(file)
    return documents[0] if documents else {}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(items: object) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _variables(entries: object, key: str) -> dict[str, str]:
    """A list of variables, each by its name; one that is looked up elsewhere is empty."""
    return {str(e[key]): str(e.get("value", "")) for e in _mappings(entries) if key in e}


def _number(value: object, otherwise: int = 1) -> int:
    return int(value) if str(value).isdecimal() and isinstance(value, int | str) else otherwise


def _seconds(duration: object, otherwise: int) -> int:
    """How long `30`, `30s` or `1m30s` is, in whole seconds."""
    text = str(duration).replace(" ", "")
    if not re.fullmatch(rf"(?:{DURATION.pattern})+", text):
        return otherwise
    return int(sum(int(count) * UNITS[unit] for count, unit in DURATION.findall(text)))


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _joined(command: object) -> str:
    """A command as a shell reads it, whether it was written as a list or as text."""
    if isinstance(command, str) and command.lstrip().startswith("["):
        try:
            command = json.loads(command)
        except json.JSONDecodeError:
            return str(command)
    return shlex.join(map(str, command)) if isinstance(command, list) else str(command)


def _without_ports(command: str) -> str:
    """Take out `{…}`: a port that is looked up has quotes in it, where a URL has none."""
    return re.sub(r"\$?\{[^}]*\}", "", command)
