"""Reads the deploy files of each platform."""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from genai_scaffold.check.deployment import (
    Deployment,
    document_in,
    documents_in,
    joined_words,
    mapping_of,
    mappings_of,
    number_of,
    seconds_of,
    variables_of,
    without_ports,
    words_of,
)
from genai_scaffold.project.files import File, Project
from genai_scaffold.project.parsing import json_document
from genai_scaffold.project.soundness import is_sound

Reader: TypeAlias = Callable[[File, Project], Iterator[Deployment]]

URL_PATH = re.compile(r"https?://[^/\s\"']+(/[\w/.-]*)")
PROXIED_PORT = re.compile(r"^\s*server\s+127\.0\.0\.1:(\d+)", re.MULTILINE)
DIRECTIVE = re.compile(r"^(\w+)=(.*)$", re.MULTILINE)
WSGI_DIRECTIVE = re.compile(r"^[ \t]*(WSGI\w+)[ \t]+(.*)$", re.MULTILINE | re.IGNORECASE)

# What a platform does where its file does not say: seconds, and instances.
RENDER_GRACE, HEROKU_GRACE, COMPOSE_GRACE, KUBERNETES_GRACE = 30, 30, 10, 30
CLOUD_RUN_GRACE, FLY_GRACE, RAILWAY_GRACE, SYSTEMD_GRACE = 10, 5, 0, 90
CLOUD_RUN_INSTANCES = 100


def _render_services(file: File, _checked: Project) -> Iterator[Deployment]:
    for service in mappings_of(document_in(file).get("services")):
        if service.get("type") != "web" or "startCommand" not in service:
            continue
        scaling = mapping_of(service.get("scaling"))
        instances = (service.get("numInstances", 1), scaling.get("maxInstances", 1))
        health = service.get("healthCheckPath")
        yield Deployment(
            file,
            str(service["startCommand"]),
            variables_of(service.get("envVars"), "key") or None,
            max(number_of(count) for count in instances),
            (str(health),) if health else (),
            grace=number_of(service.get("maxShutdownDelaySeconds"), RENDER_GRACE),
            directory=str(service.get("rootDir") or ""),
            is_partial=any("fromGroup" in entry for entry in mappings_of(service.get("envVars"))),
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
                command = joined_words(rest)
            case "HEALTHCHECK":
                health = tuple(URL_PATH.findall(without_ports(rest)))
    if command:
        values = {key: value.strip('"') for key, value in environment.items()}
        yield Deployment(file, command, values, health_paths=health, is_partial=True)


def _compose_services(file: File, _checked: Project) -> Iterator[Deployment]:
    for service in mappings_of(list(mapping_of(document_in(file).get("services")).values())):
        if "build" not in service:
            continue
        environment = service.get("environment")
        if isinstance(environment, list):
            environment = dict(str(entry).partition("=")[::2] for entry in environment)
        replicas = mapping_of(service.get("deploy")).get("replicas", 1)
        test = joined_words(mapping_of(service.get("healthcheck")).get("test", ""))
        yield Deployment(
            file,
            joined_words(service.get("command") or ""),
            {key: str(value) for key, value in mapping_of(environment).items()},
            max(number_of(replicas), number_of(service.get("scale", 1))),
            tuple(URL_PATH.findall(without_ports(test))),
            grace=seconds_of(service.get("stop_grace_period"), COMPOSE_GRACE),
            starts_image=True,
            is_partial="env_file" in service,
        )


def _fly_app(file: File, _checked: Project) -> Iterator[Deployment]:
    document = tomllib.loads(file.text or "")
    service = mapping_of(document.get("http_service"))
    yield Deployment(
        file,
        joined_words(mapping_of(document.get("processes")).get("app", "")),
        {key: str(value) for key, value in mapping_of(document.get("env")).items()},
        number_of(service.get("min_machines_running", 1)),
        tuple(
            str(check["path"]) for check in mappings_of(service.get("checks")) if "path" in check
        ),
        number_of(service.get("internal_port"), 0) or None,
        seconds_of(document.get("kill_timeout"), FLY_GRACE),
        starts_image=True,
        is_partial=True,
    )


def _railway_service(file: File, _checked: Project) -> Iterator[Deployment]:
    document = json_document(file)
    deploy = mapping_of(mapping_of(document).get("deploy"))
    regions = mappings_of(list(mapping_of(deploy.get("multiRegionConfig")).values()))
    replicas = [number_of(region.get("numReplicas", 1)) for region in regions]
    health = deploy.get("healthcheckPath")
    yield Deployment(
        file,
        str(deploy.get("startCommand") or ""),
        {},
        max(sum(replicas), number_of(deploy.get("numReplicas", 1))),
        (str(health),) if health else (),
        grace=number_of(deploy.get("drainingSeconds"), RAILWAY_GRACE),
        starts_image=True,
        is_partial=True,
    )


def _cloud_run_service(file: File, _checked: Project) -> Iterator[Deployment]:
    template = mapping_of(mapping_of(document_in(file).get("spec")).get("template"))
    annotations = mapping_of(mapping_of(template.get("metadata")).get("annotations"))
    most = annotations.get("autoscaling.knative.dev/maxScale")
    for container in mappings_of(mapping_of(template.get("spec")).get("containers"))[:1]:
        port = _container_port(container)
        yield Deployment(
            file,
            _container_command(container),
            # Cloud Run tells the container which port it was told.
            {**variables_of(container.get("env"), "name"), **({"PORT": str(port)} if port else {})},
            number_of(most, CLOUD_RUN_INSTANCES),
            _probed(container),
            port,
            CLOUD_RUN_GRACE,
            starts_image=True,
        )


def _kubernetes_deployments(file: File, checked: Project) -> Iterator[Deployment]:
    for document in documents_in(file):
        specification = mapping_of(document.get("spec"))
        pod = mapping_of(mapping_of(specification.get("template")).get("spec"))
        for container in mappings_of(pod.get("containers")):
            health = _probed(container)
            # What is asked over HTTP is the project's own; a Redis is not.
            if document.get("kind") != "Deployment" or not health:
                continue
            name = str(mapping_of(document.get("metadata")).get("name"))
            before = re.search(r"\bsleep\W+(\d+)", json.dumps(container.get("lifecycle", {})))
            grace = number_of(pod.get("terminationGracePeriodSeconds"), KUBERNETES_GRACE)
            yield Deployment(
                file,
                _container_command(container),
                variables_of(container.get("env"), "name"),
                max(number_of(specification.get("replicas", 1)), _most_replicas(checked, name)),
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
            number_of(specification.get("maxReplicas"))
            for path, file in checked.files.items()
            if KUBERNETES.fullmatch(path) and is_sound(file)
            for document in documents_in(file)
            if document.get("kind") == "HorizontalPodAutoscaler"
            for specification in [mapping_of(document.get("spec"))]
            if mapping_of(specification.get("scaleTargetRef")).get("name") == name
        ),
        default=1,
    )


def _container_command(container: Mapping[str, Any]) -> str:
    parts = (container.get("command"), container.get("args"))
    return " ".join(joined_words(part) for part in parts if part)


def _container_port(container: Mapping[str, Any]) -> int | None:
    ports = mappings_of(container.get("ports"))
    return number_of(ports[0].get("containerPort"), 0) or None if ports else None


def _probed(container: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths that the probes of a container ask for, each once."""
    probes = (container.get(f"{kind}Probe") for kind in ("startup", "liveness", "readiness"))
    asked = [mapping_of(mapping_of(probe).get("httpGet")).get("path") for probe in probes]
    return tuple(dict.fromkeys(str(path) for path in asked if path))


def _systemd_unit(file: File, checked: Project) -> Iterator[Deployment]:
    directives = DIRECTIVE.findall(file.text or "")
    values = dict(directives)
    environment: dict[str, str] = {}
    for key, value in directives:
        if key == "Environment":
            environment |= dict(word.partition("=")[::2] for word in words_of(value))
    site = checked.files.get(f"{file.path.rpartition('/')[0]}/nginx.conf")
    port = PROXIED_PORT.search(site.text or "") if site else None
    if "ExecStart" in values:
        yield Deployment(
            file,
            values["ExecStart"],
            environment,
            port=int(port[1]) if port else None,
            grace=seconds_of(values.get("TimeoutStopSec"), SYSTEMD_GRACE),
            is_partial="EnvironmentFile" in values,
        )


def _apache_site(file: File, _checked: Project) -> Iterator[Deployment]:
    text = re.sub(r"\\\n", " ", file.text or "")
    directives = {name.lower(): words_of(value) for name, value in WSGI_DIRECTIVE.findall(text)}
    daemon = directives.get("wsgidaemonprocess", [])
    options = dict(word.partition("=")[::2] for word in daemon)
    authorization = " ".join(directives.get("wsgipassauthorization", []))
    for script in directives.get("wsgiscriptalias", [])[1:2]:
        module = script.removeprefix(f"{options.get('home', '')}/").removesuffix(".py")
        yield Deployment(
            file,
            f"WSGIScriptAlias {module}:application",
            instances=number_of(options.get("processes")),
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
