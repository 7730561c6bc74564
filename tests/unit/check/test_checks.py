"""What is found where the deploy files and the app of a project disagree."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Run

from genai_scaffold.check.checks import DEPLOYING, check_project

Command = Callable[..., Run]

# A project on which everything agrees; each case below changes one file of it.
SOUND = {
    ".copier-answers.yml": "framework: fastapi\n",
    "main.py": "from backend.api import create_app\n\napp = create_app()\n",
    "backend/api.py": (
        "import os\n\nfrom fastapi import APIRouter, FastAPI\n\n"
        'router = APIRouter(prefix="/v1")\n\n'
        'SETTINGS = os.getenv("APP_ENV"), os.getenv("REDIS_URL"), os.getenv("API_KEYS")\n\n\n'
        '@router.get("/models")\ndef models(): ...\n\n\n'
        "def create_app() -> FastAPI:\n    app = FastAPI()\n"
        '    app.add_api_route("/healthz", models)\n    return app\n'
    ),
    "render.yaml": (
        "services:\n  - type: web\n    name: bot\n"
        "    startCommand: uvicorn main:app --host 0.0.0.0 --port $PORT\n"
        "    healthCheckPath: /healthz\n    envVars:\n"
        "      - {key: APP_ENV, value: production}\n      - {key: LLM_API_KEY, sync: false}\n"
    ),
    "Procfile": "web: uvicorn main:app --host 0.0.0.0 --port $PORT\n",
    "Dockerfile": (
        "FROM python:3.13-slim\nENV APP_ENV=production UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN=25"
        " \\\n    PORT=8000\n"
        'HEALTHCHECK CMD ["python", "-c", "open(\'http://127.0.0.1:8000/healthz\')"]\n'
        'CMD ["sh", "-c", "exec uvicorn main:app --host 0.0.0.0 --port ${PORT:-8000}"]\n'
    ),
    "compose.yaml": (
        "services:\n  app:\n    build: .\n    environment: {LOG: DEBUG}\n"
        "    stop_grace_period: 1m\n    healthcheck:\n      test: curl http://127.0.0.1:8000/healthz\n"
    ),
    "fly.toml": (
        'app = "bot"\nkill_timeout = 30\n\n[env]\n  PORT = "8000"\n\n[http_service]\n'
        "  internal_port = 8000\n  min_machines_running = 1\n\n"
        '  [[http_service.checks]]\n    path = "/healthz"\n'
    ),
    "railway.json": (
        '{\n  "build": {"builder": "DOCKERFILE"},\n  "deploy": {\n'
        '    "healthcheckPath": "/healthz",\n    "drainingSeconds": 30\n  }\n}\n'
    ),
    "cloud-run.yaml": (
        "kind: Service\nspec:\n  template:\n    metadata:\n      annotations:\n"
        '        autoscaling.knative.dev/maxScale: "1"\n    spec:\n      containers:\n'
        "        - ports:\n            - containerPort: 8080\n          env:\n"
        "            - {name: UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN, value: '8'}\n"
        "          livenessProbe:\n            httpGet: {path: /healthz}\n"
    ),
    "k8s/base/deployment.yaml": (
        "kind: Deployment\nmetadata:\n  name: bot\nspec:\n  template:\n    spec:\n"
        "      terminationGracePeriodSeconds: 40\n      containers:\n"
        "        - ports:\n            - containerPort: 8000\n          env:\n"
        "            - {name: REDIS_URL, value: redis://redis}\n          readinessProbe:\n"
        "            httpGet: {path: /v1/models}\n          lifecycle:\n"
        '            preStop: {exec: {command: ["sleep", "5"]}}\n'
    ),
    "k8s/base/hpa.yaml": (
        "kind: HorizontalPodAutoscaler\nspec:\n  scaleTargetRef: {name: bot}\n  maxReplicas: 9\n"
    ),
    "deploy/bot.service": (
        "[Service]\nEnvironment=APP_ENV=production PORT=8000\n"
        "ExecStart=/srv/bot/.venv/bin/uvicorn main:app --port ${PORT}"
        " --timeout-graceful-shutdown 25\nTimeoutStopSec=30\n"
    ),
    "wsgi.py": "from main import app as application\n",
    "deploy/apache.conf": (
        "# For mod_wsgi.\n"
        "WSGIDaemonProcess bot home=/srv/my-bot \\\n    processes=1 threads=8\n"
        "WSGIScriptAlias / /srv/my-bot/wsgi.py\nWSGIPassAuthorization On\n"
    ),
    "deploy/nginx.conf": "upstream bot {\n    server 127.0.0.1:8000;\n}\n",
}

DISAGREEING = [
    pytest.param("Procfile", "main:app", "mian:app", "starts", 1, id="procfile-module"),
    pytest.param("render.yaml", "main:app", "main:application", "starts", 4, id="render-name"),
    pytest.param("render.yaml", "main:app ", "", "starts", 4, id="render-no-app"),
    pytest.param("Dockerfile", "main:app", "backend.main:app", "starts", 5, id="image-module"),
    pytest.param("main.py", "app = ", "application = ", "starts", 4, id="renamed-app"),
    pytest.param("Procfile", "$PORT", "8000", "port", 1, id="procfile-port"),
    pytest.param("render.yaml", "$PORT", "10000", "port", 4, id="render-port"),
    pytest.param("Dockerfile", "${PORT:-8000}", "8000", "port", 5, id="image-port"),
    pytest.param("render.yaml", "/healthz", "/health", "health", 5, id="render-health"),
    pytest.param("Dockerfile", "/healthz", "/alive", "health", 4, id="image-health"),
    pytest.param("compose.yaml", "/healthz", "/alive", "health", 7, id="compose-health"),
    pytest.param("backend/api.py", "/healthz", "/livez", "health", 5, id="renamed-route"),
    pytest.param(
        "render.yaml", "value: production", "value: dev", "production", 7, id="render-env"
    ),
    pytest.param("render.yaml", "APP_ENV", "ENV", "production", 1, id="render-no-env"),
    pytest.param("Dockerfile", "APP_ENV=production", "A=b", "production", 1, id="image-env"),
    pytest.param("Procfile", "--port", "--workers 4 --port", "shared-limits", 1, id="workers"),
    pytest.param(
        "Procfile", "--port", "--workers=4 --port", "shared-limits", 1, id="workers-equal"
    ),
    pytest.param("Dockerfile", "PORT=8000", "WEB_CONCURRENCY=2", "shared-limits", 3, id="variable"),
    pytest.param(
        "render.yaml", "    name: bot", "    numInstances: 2", "shared-limits", 3, id="instances"
    ),
    pytest.param(
        "render.yaml",
        "    name: bot",
        "    scaling: {minInstances: 1, maxInstances: 3}",
        "shared-limits",
        3,
        id="autoscaling",
    ),
    pytest.param(
        "render.yaml",
        "    envVars:\n",
        "    numInstances: 2\n    envVars:\n      - {key: REDIS_URL, sync: false}\n"
        "      - {key: DATABASE_URL, value: 'sqlite:////data/app.db'}\n",
        "shared-database",
        9,
        id="sqlite-of-several",
    ),
    pytest.param(
        "compose.yaml",
        "build: .",
        "build: .\n    deploy: {replicas: 2}",
        "shared-limits",
        4,
        id="replicas",
    ),
    pytest.param(
        "compose.yaml", "build: .", "build: .\n    scale: 2", "shared-limits", 4, id="scale"
    ),
    pytest.param("fly.toml", "/healthz", "/alive", "health", 12, id="fly-health"),
    pytest.param("fly.toml", "= 8000", "= 8080", "port", 8, id="fly-port"),
    pytest.param("fly.toml", "running = 1", "running = 2", "shared-limits", 9, id="machines"),
    pytest.param("fly.toml", "= 30", "= '1s'", "grace", 2, id="fly-grace"),
    pytest.param("fly.toml", "[env]", "[env]\nAPP_ENV = 'dev'", "production", 5, id="fly-env"),
    pytest.param(
        "fly.toml",
        "[env]",
        "[processes]\napp = 'uvicorn mian:app --port $PORT'\n[env]",
        "starts",
        5,
        id="fly-command",
    ),
    pytest.param("railway.json", "/healthz", "/alive", "health", 4, id="railway-health"),
    pytest.param("railway.json", ": 30", ": 20", "grace", 5, id="railway-grace"),
    pytest.param(
        "railway.json",
        '"drainingSeconds": 30',
        '"multiRegionConfig": {"us-west2": {"numReplicas": 2}}',
        "shared-limits",
        5,
        id="railway-replicas",
    ),
    pytest.param("cloud-run.yaml", "/healthz", "/alive", "health", 14, id="cloud-run-health"),
    pytest.param("cloud-run.yaml", '"1"', '"5"', "shared-limits", 6, id="cloud-run-instances"),
    pytest.param("cloud-run.yaml", "'8'", "'12'", "grace", 1, id="cloud-run-grace"),
    pytest.param(
        "k8s/base/deployment.yaml", "/v1/models", "/alive", "health", 14, id="kubernetes-health"
    ),
    pytest.param("k8s/base/deployment.yaml", ": 8000", ": 80", "port", 10, id="kubernetes-port"),
    pytest.param("k8s/base/deployment.yaml", ": 40", ": 30", "grace", 1, id="kubernetes-grace"),
    pytest.param(
        "k8s/base/deployment.yaml", "REDIS_URL", "REDIS", "shared-limits", 1, id="autoscaled"
    ),
    pytest.param("deploy/bot.service", "main:app", "mian:app", "starts", 3, id="unit-module"),
    pytest.param("deploy/bot.service", "${PORT}", "8000", "port", 3, id="unit-port"),
    pytest.param("deploy/nginx.conf", "8000", "8001", "port", 1, id="nginx-port"),
    pytest.param("deploy/bot.service", "=production", "=dev", "production", 2, id="unit-env"),
    pytest.param("deploy/bot.service", "Sec=30", "Sec=20", "grace", 4, id="unit-grace"),
    pytest.param(
        "deploy/bot.service",
        "PORT=8000",
        "PORT=8000 WEB_CONCURRENCY=4",
        "shared-limits",
        2,
        id="unit-workers",
    ),
    pytest.param("deploy/apache.conf", "/wsgi.py", "/wsgy.py", "starts", 4, id="script"),
    pytest.param(
        "deploy/apache.conf",
        "/srv/my-bot/wsgi",
        "/srv/bot/wsgi",
        "starts",
        4,
        id="script-elsewhere",
    ),
    pytest.param("wsgi.py", "as application", "as app", "starts", 4, id="script-no-app"),
    pytest.param("deploy/apache.conf", "ses=1", "ses=4", "shared-limits", 3, id="processes"),
    pytest.param("deploy/apache.conf", "tion On", "tion Off", "keys", 5, id="keys-kept"),
    pytest.param(
        "deploy/apache.conf", "WSGIPassAuthorization On\n", "", "keys", 1, id="keys-not-passed"
    ),
    pytest.param("render.yaml", "services:", "services: [", "parses", 2, id="not-yaml"),
    pytest.param("main.py", "app = create_app()", "app = (", "parses", 3, id="not-python"),
    pytest.param("main.py", "app =", "<<<<<<< ours\napp =", "no-conflict", 3, id="conflict"),
]


@pytest.fixture
def project(work: Path) -> Path:
    for name, content in SOUND.items():
        (work / "bot" / name).parent.mkdir(parents=True, exist_ok=True)
        (work / "bot" / name).write_text(content)
    return work / "bot"


def change(project: Path, name: str, old: str, new: str) -> None:
    text = (project / name).read_text()
    assert old in text
    (project / name).write_text(text.replace(old, new))


def test_a_sound_project_has_no_finding(project: Path) -> None:
    assert check_project(project) == []


@pytest.mark.parametrize(("name", "old", "new", "check", "line"), DISAGREEING)
def test_a_disagreement_is_found(
    name: str, old: str, new: str, check: str, line: int, project: Path
) -> None:
    change(project, name, old, new)
    found = check_project(project)
    assert (check, line) in [(finding.check, finding.line) for finding in found]


@pytest.mark.parametrize(
    ("name", "app"),
    [
        ("Dockerfile", "main:app"),
        ("Procfile", "main:app"),
        ("deploy/bot.service", "main:app"),
        ("deploy/apache.conf", "wsgi.py"),
    ],
)
def test_a_deploy_file_is_read_also_where_it_is_not_utf8(
    name: str, app: str, project: Path
) -> None:
    file = project / name
    file.write_bytes(file.read_bytes() + "# Société\n".encode("latin-1"))
    assert check_project(project) == []
    file.write_bytes(file.read_bytes().replace(app.encode(), b"mian" + app[4:].encode()))
    assert "starts" in [finding.check for finding in check_project(project)]


UNIT = "Environment=APP_ENV=production PORT=8000"
ELSEWHERE = [
    pytest.param("Procfile", "--port", "--workers 4 --port", id="heroku-config"),
    pytest.param("Dockerfile", "PORT=8000", "WEB_CONCURRENCY=2", id="docker-run"),
    pytest.param("Dockerfile", "APP_ENV=production", "A=b", id="docker-run-production"),
    pytest.param("fly.toml", "running = 1", "running = 2", id="fly-secrets"),
    pytest.param("railway.json", "30\n  ", '30, "numReplicas": 2\n  ', id="railway-variables"),
    pytest.param(
        "render.yaml",
        "    envVars:\n",
        "    numInstances: 2\n    envVars:\n      - fromGroup: shared\n",
        id="render-group",
    ),
    pytest.param(
        "compose.yaml", "build: .", "build: .\n    scale: 2\n    env_file: .env", id="env-file"
    ),
    pytest.param(
        "k8s/base/deployment.yaml",
        "env:\n            - {name: REDIS_URL, value: redis://redis}",
        "envFrom: [{secretRef: {name: bot}}]",
        id="kubernetes-secret",
    ),
    pytest.param(
        "deploy/bot.service",
        UNIT,
        f"{UNIT} WEB_CONCURRENCY=4\nEnvironmentFile=/etc/bot",
        id="systemd-file",
    ),
    pytest.param(
        "deploy/bot.service",
        UNIT,
        "Environment=PORT=8000\nEnvironmentFile=/etc/bot",
        id="systemd-file-production",
    ),
    pytest.param("deploy/apache.conf", "ses=1", "ses=4", id="apache-dotenv"),
    pytest.param("Dockerfile", "--port ${PORT:-8000}", "--port=8000", id="the-port-of-env"),
    pytest.param(
        "Dockerfile",
        "uvicorn main:app --host 0.0.0.0 --port ${PORT:-8000}",
        "gunicorn main:app -b 0.0.0.0:8000 --graceful-timeout 8",
        id="gunicorn-bound-to-env",
    ),
]


@pytest.mark.parametrize(("name", "old", "new"), ELSEWHERE)
def test_what_another_place_may_set_is_a_warning(
    name: str, old: str, new: str, project: Path
) -> None:
    change(project, name, old, new)
    found = [finding for finding in check_project(project) if finding.path == name]
    assert [finding.severity for finding in found] == ["warning"]


def test_a_warning_is_shown_and_fails_nothing(project: Path, run: Command) -> None:
    change(project, "fly.toml", "running = 1", "running = 2")
    ended = run("check", str(project))
    assert ended.code == 0
    assert "fly.toml:9: warning: more than one worker or instance" in ended.output
    assert "✓ Every file parses" in ended.output


def test_what_is_stated_wrongly_is_an_error_wherever_else_it_may_be_set(project: Path) -> None:
    change(project, "fly.toml", "[env]", "[env]\nAPP_ENV = 'dev'")
    assert [finding.severity for finding in check_project(project)] == ["error"]


def test_every_check_finds_something_in_the_table() -> None:
    found = {str(case.values[3]) for case in DISAGREEING}
    assert {check.title for check in DEPLOYING} <= found


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        pytest.param(
            "render.yaml",
            "    envVars:\n",
            "    numInstances: 2\n    envVars:\n      - {key: REDIS_URL, sync: false}\n",
            id="instances-that-share",
        ),
        pytest.param("render.yaml", "/healthz", "/v1/models", id="route-with-a-prefix"),
        pytest.param("Procfile", "$PORT", "${PORT}", id="braces"),
        pytest.param(
            "Dockerfile", "ENV APP_ENV=production", "ENV APP_ENV production\nENV A=b", id="old-env"
        ),
        pytest.param("deploy/bot.service", "--port ${PORT}", "--uds /run/bot.sock", id="socket"),
        pytest.param(
            "Procfile",
            "uvicorn main:app --host 0.0.0.0 --port $PORT",
            "gunicorn main:app --bind unix:/run/bot.sock --graceful-timeout 25",
            id="gunicorn-socket",
        ),
        pytest.param("deploy/apache.conf", "WSGIPass", "wsgiPass", id="another-case"),
        pytest.param("deploy/apache.conf", " processes=1", "", id="one-process-by-default"),
        pytest.param("Procfile", "web:", "worker: python -m worker\nweb:", id="another-process"),
        pytest.param(
            "Dockerfile",
            "uvicorn main:app --host 0.0.0.0 --port ${PORT:-8000}",
            "gunicorn main:app --graceful-timeout 8",
            id="gunicorn-takes-port",
        ),
        pytest.param(
            "Procfile", "main:app", "--app-dir ./backend api:create_app", id="folder-of-the-app"
        ),
        pytest.param(
            "Dockerfile", "main:app", "--app-dir=/srv/backend api:create_app", id="absolute"
        ),
        pytest.param(
            "Procfile", "uvicorn main:app", "cd backend && uvicorn api:create_app", id="entered"
        ),
        pytest.param(
            "railway.json", '"deploy"', '// where\n  /* "deploy" */ "deploy"', id="with-comments"
        ),
        pytest.param("main.py", "app = create_app()", "def app(): ...", id="function"),
        pytest.param("main.py", "app = create_app()", "from backend.api import app", id="import"),
    ],
)
def test_what_agrees_in_another_way_is_left_alone(
    name: str, old: str, new: str, project: Path
) -> None:
    change(project, name, old, new)
    assert check_project(project) == []


@pytest.mark.parametrize("name", ["backend/api.py", "main.py", "Procfile", "render.yaml"])
def test_of_a_conflict_only_its_markers_are_said(name: str, project: Path) -> None:
    text = (project / name).read_text()
    (project / name).write_text(f"<<<<<<< ours\n=======\n{text}>>>>>>> new\n")
    found = {(finding.path, finding.check) for finding in check_project(project)}
    assert found == {(name, "no-conflict")}


def test_what_is_excluded_is_not_said(project: Path, run: Command) -> None:
    change(project, "Procfile", "main:app", "mian:app")
    (project / "charts/bot/templates").mkdir(parents=True)
    (project / "charts/bot/values.json").write_text("{")
    ended = run("check", str(project), "--exclude", "charts/", "--exclude", "Proc*", "--json")
    assert (ended.code, ended.document["findings"]) == (0, [])
    paths = [finding.path for finding in check_project(project, ["chart", "*.yaml"])]
    assert paths == ["Procfile", "charts/bot/values.json"]


@pytest.mark.parametrize("file", [name for name in SOUND if name != ".copier-answers.yml"])
@pytest.mark.parametrize(
    "content",
    [
        *["", "'", "\0", "[]", "{}", "web", "CMD [", "ENV\nCMD", "services: 7", "services: [7]"],
        "services: {a: {build: 1, deploy: 3, healthcheck: 4}}",
        "services:\n- type: web\n  startCommand: [1]\n  envVars: 3\n",
        "services:\n- {type: web, startCommand: uvicorn, numInstances: x, scaling: 3}",
    ],
)
def test_a_strange_deploy_file_gives_no_traceback(file: str, content: str, project: Path) -> None:
    (project / file).write_text(content)
    check_project(project)


def test_check_exits_with_5_and_names_the_place(project: Path, run: Command) -> None:
    change(project, "Procfile", "main:app", "mian:app")
    ended = run("check", str(project))
    assert ended.code == 5
    assert ended.output.strip() == "Procfile:1: there is no module 'mian' to start [starts]"
    (finding,) = json.loads(run("check", str(project), "--json").output)["findings"]
    assert finding == {
        "check": "starts",
        "path": "Procfile",
        "line": 1,
        "problem": "there is no module 'mian' to start",
        "severity": "error",
    }


def test_check_finds_nothing_in_a_sound_project(project: Path, run: Command) -> None:
    assert run("check", str(project), "--json").document["findings"] == []


@pytest.mark.parametrize("path", [".", "missing"])
def test_check_refuses_what_is_no_project(path: str, run: Command) -> None:
    ended = run("check", path)
    assert (ended.code, "is not a generated project" in ended.errors) == (2, True)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{{\n", "did not find expected node content [parses]"),
        ("_commit: v0.1.0\n", ".copier-answers.yml names no framework: "),
        ("framework: [flask]\n", ".copier-answers.yml says framework: a list: "),
    ],
)
def test_an_answers_file_that_does_not_say_what_it_was_made_from_is_one_error(
    run: Command, work: Path, content: str, problem: str
) -> None:
    (work / ".copier-answers.yml").write_text(content, encoding="utf-8")
    ended = run("check")
    [line] = ended.output.splitlines()
    assert (ended.code, problem in line) == (5, True)
