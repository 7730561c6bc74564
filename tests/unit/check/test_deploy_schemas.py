"""The deploy files have the fields that their platforms document, and refer to what is there.

No platform is asked: the schemas are written from the documents, and nothing was deployed.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import jsonschema
import pytest
import yaml

from genai_scaffold.answers.sources import from_flags
from genai_scaffold.check.checks import check_project
from genai_scaffold.create.plan import plan_project
from genai_scaffold.template.questions import derived, template_questions
from genai_scaffold.template.render import render_project

Document: TypeAlias = Mapping[str, Any]

SCHEMAS = Path(__file__).parents[1] / "schemas"
READERS: Mapping[str, Callable[[str], Any]] = {
    "render.yaml": yaml.safe_load,
    "fly.toml": tomllib.loads,
    "railway.json": json.loads,
    "cloud-run.yaml": yaml.safe_load,
}
LONG_NAME = f"2-{'long-' * 12}z"  # 63 characters, and a digit first
TARGETS = [choice.value for choice in template_questions()["deploy"].choices]
PROJECTS = [
    pytest.param("my-app", {"framework": "fastapi"}, id="fastapi"),
    pytest.param("my-app", {"framework": "flask", "async": "some"}, id="flask"),
    pytest.param(LONG_NAME, {"framework": "fastapi", "provider": "azure"}, id="long-name"),
    pytest.param("b", {"framework": "flask", "preset": "prototype"}, id="prototype"),
]


def rendered(name: str, flags: Mapping[str, Any], root: Path) -> Path:
    targets = [t for t in TARGETS if (t, flags["framework"]) != ("mod-wsgi", "fastapi")]
    given = from_flags({**flags, "name": name, "deploy": targets})
    render_project(root, plan_project(given, "my-app").answers.for_template(), {})
    return root


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that the faults below are planted in."""
    return rendered("my-app", {"framework": "fastapi"}, tmp_path_factory.mktemp("sound") / "my-app")


def faults(path: str, text: str) -> list[str]:
    """What is wrong with a deploy file on its own, in the words of its schema and of ours."""
    document = READERS[path](text)
    schema = json.loads((SCHEMAS / f"{path}.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    found = [error.message for error in validator.iter_errors(document)]
    refer = CROSS_REFERENCES.get(path)
    return found or list(refer(document) if refer else ())


def in_blueprint(blueprint: Document) -> Iterator[str]:
    services = {service["name"]: service for service in blueprint["services"]}
    if len(services) < len(blueprint["services"]):
        yield "two services have one name"
    for service in services.values():
        for variable in service.get("envVars", []):
            wanted = variable.get("fromService")
            other = services.get(wanted["name"]) if wanted else service
            if other is None or (wanted and other["type"] != wanted["type"]):
                yield f"{variable['key']} comes from a service that is not there"
            elif other["region"] != service["region"]:
                yield f"{other['name']} is in another region"
            if re.search("KEY|URL", variable["key"]) and "value" in variable:
                yield f"{variable['key']} is written down"
        if "$PORT" not in service.get("startCommand", "$PORT"):
            yield "it does not listen on $PORT"


def in_fly_app(app: Document) -> Iterator[str]:
    service = app["http_service"]
    if app["env"]["PORT"] != str(service["internal_port"]):
        yield "it does not listen on $PORT"
    if service["concurrency"]["soft_limit"] >= service["concurrency"]["hard_limit"]:
        yield "the soft limit is not below the hard one"


def in_cloud_run_service(service: Document) -> Iterator[str]:
    (container,) = service["spec"]["template"]["spec"]["containers"]
    region = service["metadata"]["labels"]["cloud.googleapis.com/location"]
    port = container["ports"][0]["containerPort"]
    for probe in ("startupProbe", "livenessProbe"):
        if container[probe]["httpGet"]["port"] != port:
            yield f"the {probe} asks another port"
    if not container["image"].startswith(f"{region}-docker.pkg.dev/"):
        yield "the image is in another region"
    for variable in container["env"]:
        if re.search("KEY|URL", variable["name"]) and "value" in variable:
            yield f"{variable['name']} is written down"


CROSS_REFERENCES: Mapping[str, Callable[[Document], Iterator[str]]] = {
    "render.yaml": in_blueprint,
    "fly.toml": in_fly_app,
    "cloud-run.yaml": in_cloud_run_service,
}


@pytest.mark.parametrize(("name", "flags"), PROJECTS)
def test_every_file_is_as_its_platform_documents(
    name: str, flags: Mapping[str, Any], tmp_path: Path
) -> None:
    root = rendered(name, flags, tmp_path / "my-app")
    assert {path: faults(path, (root / path).read_text()) for path in READERS} == {
        path: [] for path in READERS
    }
    assert check_project(root) == []


# What platforms take for a name, and Google for that of a service account.
NAMES = {
    "Kubernetes": r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
    "Cloud Run": r"[a-z]([a-z0-9-]{0,47}[a-z0-9])?",
    "Fly.io": r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
    "Heroku": r"[a-z][a-z0-9-]{1,28}[a-z0-9]",
}
ACCOUNT = re.compile(r"serviceAccountName: ([a-z][a-z0-9-]{4,28}[a-z0-9])@")


@pytest.mark.parametrize(
    ("name", "service"),
    [
        pytest.param("my-app", "my-app", id="taken-as-it-is"),
        pytest.param("b", "b-app", id="one-letter"),
        pytest.param("7", "app-7", id="one-digit"),
        pytest.param("2-bots", "app-2-bots", id="digit-first"),
        pytest.param("a" * 64, "a" * 30, id="longest"),
        pytest.param(f"{'a' * 29}-{'b' * 34}", "a" * 29, id="cut-at-a-hyphen"),
        pytest.param(LONG_NAME, "app-2-long-long-long-long-long", id="digit-first-and-long"),
    ],
)
def test_every_platform_takes_the_name(name: str, service: str, tmp_path: Path) -> None:
    assert derived("service_name", {"project_name": name}) == service
    assert [p for p, rule in NAMES.items() if not re.fullmatch(rule, service)] == []
    root = rendered(name, {"framework": "fastapi"}, tmp_path / "my-app")
    assert (root / f"deploy/{service}.service").is_file()
    assert ACCOUNT.search((root / "cloud-run.yaml").read_text())
    assert (f"`{service}`" in (root / "DEPLOY.md").read_text().partition("\n## ")[0]) == (
        service != name
    )


FAULTS = [
    pytest.param("render.yaml", "runtime: python", "env: python", id="render-field-of-old"),
    pytest.param("render.yaml", "plan: starter", "plan: small", id="render-plan"),
    pytest.param("render.yaml", "healthCheckPath", "healthcheckPath", id="render-case"),
    pytest.param("render.yaml", "sync: false", 'sync: "false"', id="render-text-for-boolean"),
    pytest.param("render.yaml", "    ipAllowList: []\n", "", id="render-redis-open-to-all"),
    pytest.param("render.yaml", "Seconds: 30", "Seconds: 301", id="render-delay"),
    pytest.param("render.yaml", "targetCPUPercent", "targetCpuPercent", id="render-scaling"),
    pytest.param("render.yaml", "    scaling:", "    numInstances: 2\n    scaling:", id="both"),
    pytest.param("render.yaml", "name: my-app-redis\n    region", "name: r\n    region", id="name"),
    pytest.param(
        "render.yaml", "redis\n    region: oregon", "redis\n    region: ohio", id="region"
    ),
    pytest.param("render.yaml", "type: keyvalue\n          n", "type: web\n          n", id="type"),
    pytest.param("render.yaml", "$PORT", "10000", id="render-port"),
    pytest.param(
        "render.yaml", "_API_KEY\n        sync: false", "_API_KEY\n        value: sk", id="secret"
    ),
    pytest.param("fly.toml", "primary_region", "region", id="fly-field"),
    pytest.param("fly.toml", '"my-app"', '"My_App"', id="fly-name"),
    pytest.param("fly.toml", '"SIGTERM"', '"TERM"', id="fly-signal"),
    pytest.param("fly.toml", "kill_timeout = 30", "kill_timeout = 301", id="fly-timeout"),
    pytest.param("fly.toml", 'PORT = "8000"', "PORT = 8000", id="fly-number-for-text"),
    pytest.param("fly.toml", "internal_port = 8000", "internal_port = 8080", id="fly-port"),
    pytest.param("fly.toml", 'path = "/healthz"', 'path = "healthz"', id="fly-path"),
    pytest.param("fly.toml", 'interval = "15s"', "interval = 15", id="fly-interval"),
    pytest.param("fly.toml", "soft_limit = 150", "soft_limit = 200", id="fly-limits"),
    pytest.param("railway.json", "healthcheckPath", "healthCheckPath", id="railway-case"),
    pytest.param("railway.json", '"DOCKERFILE"', '"NIXPACKS"', id="railway-builder"),
    pytest.param("railway.json", '"ON_FAILURE"', '"on-failure"', id="railway-policy"),
    pytest.param("railway.json", '"drainingSeconds": 30', '"drainingSeconds": "30"', id="draining"),
    pytest.param("cloud-run.yaml", "serving.knative.dev/v1", "v1", id="cloud-run-version"),
    pytest.param("cloud-run.yaml", "containerConcurrency: 200", "concurrency: 2", id="concurrency"),
    pytest.param("cloud-run.yaml", 'maxScale: "1"', "maxScale: 1", id="cloud-run-annotation"),
    pytest.param("cloud-run.yaml", "UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN", "PORT", id="reserved"),
    pytest.param("cloud-run.yaml", "containerPort: 8000", "containerPort: 8080", id="run-port"),
    pytest.param("cloud-run.yaml", "us-central1-docker", "europe-west1-docker", id="run-region"),
    pytest.param("cloud-run.yaml", "timeoutSeconds: 300", "timeoutSeconds: 3601", id="run-timeout"),
    pytest.param("cloud-run.yaml", "name: my-app\n", f"name: {LONG_NAME}\n", id="cloud-run-name"),
]


@pytest.mark.parametrize(("path", "old", "new"), FAULTS)
def test_a_planted_fault_is_found(path: str, old: str, new: str, sound: Path) -> None:
    text = (sound / path).read_text()
    assert old in text
    assert faults(path, text) == []
    assert faults(path, text.replace(old, new, 1))


def test_every_file_has_a_planted_fault() -> None:
    assert {str(fault.values[0]) for fault in FAULTS} == set(READERS)
