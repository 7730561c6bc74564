"""The laws of what is rendered, over every shape of a project and every pair of its options."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import matrix
import pytest
import yaml
from matrix import ROWS, Row, choices
from packaging.requirements import Requirement

from genai_scaffold.answers.names import DEVICES
from genai_scaffold.answers.sources import from_flags
from genai_scaffold.check.checks import check_project
from genai_scaffold.create.plan import Plan, plan_project
from genai_scaffold.project.soundness import faults_of_rendering
from genai_scaffold.report.created import INSTALLS, start_line
from genai_scaffold.template import packaged
from genai_scaffold.template.render import generated_files, render_from

OLDEST_PYTHON = (3, 11)
FEW = 12  # files of a prototype
SHORT = {"main.py": 150, "app.py": 160}  # lines that are not blank
ANSWERS, RECORD = ".copier-answers.yml", "docs/adr/0001-web-framework.md"


def plan(row: Row) -> Plan:
    """What the tool makes of these answers, given as flags."""
    return plan_project(from_flags(matrix.given(row)), "my-app")


class Project(NamedTuple):
    """A rendered project, and the answers that it was rendered from."""

    row: Row
    root: Path
    files: Mapping[str, str]

    @property
    def modules(self) -> dict[str, str]:
        return {path: text for path, text in self.files.items() if path.endswith(".py")}


@pytest.fixture(scope="session")
def source() -> Path:
    return packaged.template_root()


def rendered(source: Path, root: Path, row: Row) -> Project:
    planned = plan(row)
    extra = {"recommendation": planned.recommendation.as_dict(), "scaffold_version": "0"}
    render_from(source, root, {**planned.answers.for_template(), **extra})
    files = {path: (root / path).read_text("utf-8") for path in generated_files(root)}
    return Project(row, root, files)


@pytest.fixture(scope="module", params=ROWS, ids=matrix.name)
def project(
    request: pytest.FixtureRequest, source: Path, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    return rendered(source, tmp_path_factory.mktemp("rendered") / "my-app", request.param)


def test_is_sound(project: Project) -> None:
    assert faults_of_rendering(project.root) == []
    assert check_project(project.root) == []


# A part of a service may import what stands before it; the modules beside them stand before all.
LAYERS = (
    "ai",
    "documents",
    "peers",
    "tools",
    "gateway",
    "features",
    "api",
    "application",
    "openapi",
    "migrations",
)
WEB = {"fastapi", "starlette", "uvicorn", "flask", "flask_cors", "werkzeug", "gunicorn"}


def test_imports_point_one_way(project: Project) -> None:
    for path, text in project.modules.items():
        if path.startswith("backend/"):
            part = path.removesuffix(".py").split("/")[1]
            below = LAYERS[: LAYERS.index(part) + 1] if part in LAYERS else ()
            found = set(imports(text))
            own = {name.split(".")[1] for name in found if name.startswith("backend.")}
            assert own.isdisjoint({*LAYERS} - {*below}), path
            assert part in ("api", "application") or found.isdisjoint(WEB), path


def test_no_document_has_a_gap(project: Project) -> None:
    for path, text in project.files.items():
        words = re.sub(r"^```python\n.*?^```$", "code", text, flags=re.MULTILINE | re.DOTALL)
        assert not path.endswith(".md") or "\n\n\n" not in words, path


def test_parses_on_the_oldest_python(project: Project) -> None:
    for path, text in project.modules.items():
        ast.parse(text, path, feature_version=OLDEST_PYTHON)


def test_every_path_can_be_written_on_every_system(project: Project) -> None:
    assert len({path.casefold() for path in project.files}) == len(project.files), "twins"
    for path in project.files:
        assert re.fullmatch(r"[A-Za-z0-9._/-]{1,100}", path), path
        assert all(
            part.partition(".")[0].lower() not in DEVICES and not part.endswith(".")
            for part in path.split("/")
        ), path


def test_passes_its_own_linter_and_formatter(project: Project) -> None:
    for command in (["check"], ["format", "--check", "--diff"]):
        completed = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
            cwd=project.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert completed.returncode == 0, completed.stdout + completed.stderr


def test_every_module_is_used(project: Project) -> None:
    imported = {module for text in project.modules.values() for module in imports(text)}
    for path, text in project.modules.items():
        # What is not imported is started: by a server, by pytest, or by hand.
        started = (
            path.startswith(("tests/test_", "evals/test_", "backend/migrations/"))
            or "/" not in path
            or '__name__ == "__main__"' in text
        )
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        given = path.endswith("/conftest.py") or path == "backend/features/__init__.py"
        assert started or given or module in imported, path


def imports(text: str) -> Iterator[str]:
    """Every module that a module imports, and each package on the way to it."""
    for node in ast.walk(ast.parse(text)):
        found = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for module in found:
            parts = module.split(".")
            yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


SERVER_HOOKS = {
    "child_exit",
    "on_starting",
    "post_worker_init",
    "worker_exit",
}  # gunicorn calls what its configuration names so
PARSER_HOOKS = {"handle_starttag", "handle_endtag", "handle_data"}
FOR_FEATURES = {"event_stream"}  # which users write


def test_no_function_or_class_is_dead(project: Project) -> None:
    own = {
        path: text
        for path, text in project.modules.items()
        if "test" not in path and not path.startswith(("evals/", "backend/migrations/"))
    }
    words = re.findall(r"\w+", "\n".join(own.values()))
    for path, text in own.items():
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            # A decorator registers what it decorates; a dunder is called by the language.
            known = node.name in SERVER_HOOKS | PARSER_HOOKS | FOR_FEATURES
            if node.decorator_list or node.name.startswith("__") or known:
                continue
            assert words.count(node.name) > 1, f"{path}: {node.name} is used by nobody"


@pytest.mark.parametrize("python", choices("python"))
def test_every_dependency_is_pinned_once(project: Project, python: str) -> None:
    document = tomllib.loads(project.files["pyproject.toml"])
    runtime, development = document["project"]["dependencies"], document["dependency-groups"]["dev"]
    pinned = pins(project.files["requirements.txt"], python)
    assert_satisfied(runtime, pinned)
    more = pins(project.files["requirements-dev.txt"], python)
    assert pinned.items() <= more.items()
    assert_satisfied(development, more)


def pins(requirements: str, python: str) -> dict[str, str]:
    """What is installed on this Python, on the machine that the tests run on."""
    blocks = re.split(r"^(?=\S+==)", requirements, flags=re.MULTILINE)[1:]
    assert all("--hash=" in block for block in blocks)
    pinned = [Requirement(block.partition("\\")[0].strip()) for block in blocks]
    version = {"python_version": python, "python_full_version": f"{python}.0"}
    here = [pin for pin in pinned if pin.marker is None or pin.marker.evaluate(version)]
    found = {pin.name: str(pin.specifier).removeprefix("==") for pin in here}
    assert len(found) == len(here), "something is pinned twice"
    return found


def assert_satisfied(requirements: list[str], pinned: Mapping[str, str]) -> None:
    for requirement in map(Requirement, requirements):
        assert requirement.specifier.contains(pinned[requirement.name]), requirement


def test_the_third_party_imports_are_the_dependencies(project: Project) -> None:
    document = tomllib.loads(project.files["pyproject.toml"])
    declared = {Requirement(line).name for line in document["project"]["dependencies"]}
    own = {path.partition("/")[0].removesuffix(".py") for path in project.modules}
    text = "\n".join(text for path, text in project.modules.items() if "test" not in path)
    modules = set(imports(text))
    used = {module.partition(".")[0] for module in modules} - {"opentelemetry"}
    used |= {name for module, name in NAMESPACE.items() if module in modules}
    used -= sys.stdlib_module_names | own | PARTS.keys()
    used |= set(re.findall(r'files\("(\w+)"\)', text))
    used |= {"fastapi": {"uvicorn"}, "flask": {"gunicorn"}}[project.row["framework"]]
    used |= {"uvloop"} & declared  # which uvicorn takes where it is
    used |= {"python-multipart"} & declared  # with which Starlette reads forms
    used |= set(re.findall(r'"(?:sqlite|postgresql)\+(\w+)"', text))  # which SQLAlchemy takes
    used |= set(re.findall(r'worker_class = "(gevent)"', text))
    used |= {f"opentelemetry-exporter-{name}" for name in re.findall(r'"(otlp_proto_http)"', text)}
    assert {OTHER_NAMES.get(module, module.replace("_", "-")) for module in used} == declared


# By the module, where the package is called something else.
OTHER_NAMES = {"jwt": "pyjwt"}
# What a declared dependency cannot be had without.
PARTS = {
    "anyio": "fastapi",
    "cryptography": "pyjwt",
    "starlette": "fastapi",
    "werkzeug": "flask",
    "pydantic_core": "pydantic",
    "mod_wsgi": "Apache",  # whose module it is
}

# Who provides which part of a package that several share.
NAMESPACE = {
    "opentelemetry.trace": "opentelemetry-api",
    "opentelemetry.sdk": "opentelemetry-sdk",
}

DOCS_WORDS = re.compile(r"\bdocs\b|openapi|swagger|redoc|offapi|\bdocumented\b", re.IGNORECASE)
# FastAPI serves its pages unless it is told not to; and another service has a document of its own.
SWITCHED_OFF = re.compile(
    r'(docs|redoc|openapi)_url=None|"\.\./ingest/openapi\.json"|^input-file-type = "openapi"$'
)


def test_only_with_docs_does_anything_speak_of_them(project: Project) -> None:
    found = [
        f"{path}: {line}"
        for path, text in project.files.items()
        if path not in (ANSWERS, RECORD)
        for line in text.replace(RECORD, "").splitlines()
        if DOCS_WORDS.search(SWITCHED_OFF.sub("", line))
    ]
    if project.row["docs"]:
        assert any(line.startswith("README.md") for line in found)
    else:
        assert found == []


def test_what_was_answered_is_recorded(project: Project) -> None:
    recorded = yaml.safe_load(project.files[ANSWERS])
    asked = plan(project.row).answers.for_template()
    assert asked.items() <= recorded.items()
    assert recorded["_src_path"] == ""
    labels = {"fastapi": "FastAPI", "flask": "Flask"}
    framework = project.row["framework"]
    assert project.files[RECORD].startswith(f"# 1. The web framework is {labels[framework]}\n")
    agrees = recorded["recommendation"]["framework"] == framework
    assert ("against the recommendation" in project.files[RECORD]) != agrees
    assert not re.search(r"^- \w+: (\S+), assumed → \1$", project.files[RECORD], re.MULTILINE)


@pytest.mark.parametrize("framework", choices("framework"))
def test_a_prototype_is_small(framework: str, source: Path, tmp_path: Path) -> None:
    given = from_flags({"framework": framework, "preset": "prototype"})
    planned = plan_project(given, "my-app")
    render_from(source, tmp_path / "my-app", planned.answers.for_template())
    files = generated_files(tmp_path / "my-app")
    assert len(files) <= FEW
    [module] = SHORT.keys() & set(files)
    lines = (tmp_path / "my-app" / module).read_text("utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) <= SHORT[module]


IMAGE = {"Dockerfile", ".dockerignore"}
KUBERNETES = {
    "base/deployment.yaml",
    "base/hpa.yaml",
    "base/ingress.yaml",
    "base/kustomization.yaml",
    "base/networkpolicy.yaml",
    "base/pdb.yaml",
    "base/service.yaml",
    "overlays/production/kustomization.yaml",
    "overlays/staging/kustomization.yaml",
}
EVALS = {
    "__init__.py",
    "answers.py",
    "cases.jsonl",
    "cases.py",
    "checks.py",
    "conftest.py",
    "judge.py",
    "report.py",
    "service.py",
    "test_cases.py",
}
HISTORY = {
    "ai/conversations.py",
    "ai/turns.py",
    "api/routers/conversations.py",
    "gateway/chats.py",
    "gateway/conversation_schemas.py",
    "gateway/remembering.py",
    "gateway/shown.py",
    "gateway/views.py",
    "migrations/versions/history_1.py",
}
DATABASE = {
    "database.py",
    "database_settings.py",
    "engine.py",
    "migrate.py",
    "migrations/env.py",
    "migrations/script.py.mako",
    "tables.py",
}
DOCUMENTS = {
    "__init__",
    "cache",
    "extract",
    "filters",
    "library",
    "passages",
    "pdf",
    "reading",
    "search",
    "tables",
    "waiting",
}
OPTIONS = {
    "render": {"render.yaml"},
    "docker": {*IMAGE, "compose.yaml"},
    "kubernetes": {*IMAGE, *(f"k8s/{path}" for path in KUBERNETES)},
    "cloud-run": {*IMAGE, "cloud-run.yaml"},
    "fly": {*IMAGE, "fly.toml"},
    "heroku": {"Procfile", ".python-version"},
    "railway": {*IMAGE, "railway.json"},
    "systemd": {"deploy/my-app.service", "deploy/nginx.conf"},
    "mod-wsgi": {"wsgi.py", "deploy/apache.conf"},
    "ci": {".github/workflows/ci.yml", ".github/dependabot.yml", ".github/zizmor.yml"},
    "pre-commit": {".pre-commit-config.yaml"},
    "page": {
        "backend/api/page.py",
        "backend/pages/__init__.py",
        "backend/pages/chat.html",
        "tests/test_page.py",
    },
    "metrics": {"backend/metrics.py", "tests/test_metrics.py"},
    "tracing": {"backend/tracing.py", "tests/test_tracing.py", "tests/test_last_spans.py"},
    "oidc": {"backend/identity.py", "tests/test_identity.py"},
    "evals": {*(f"evals/{path}" for path in EVALS), "tests/test_evals.py"},
    "history": {
        *(f"backend/{path}" for path in DATABASE | HISTORY),
        "tests/test_history.py",
        "tests/test_migrations.py",
    },
    "documents": {
        *(f"backend/{path}" for path in DATABASE),
        *(f"backend/ai/documents/{name}.py" for name in DOCUMENTS),
        "backend/documents.py",
        "backend/api/routers/documents.py",
        "backend/features/answers.py",
        "backend/gateway/document_schemas.py",
        "backend/migrations/versions/documents_1.py",
        *(f"tests/test_{name}.py" for name in ("documents", "extract", "passages", "search")),
        "tests/test_migrations.py",
    },
    "peers": {
        "backend/peers.py",
        "tests/test_contracts.py",
        "tests/test_peers.py",
    },
    "tools": {
        *(f"backend/ai/{name}.py" for name in ("agent", "offline_tools", "steps", "tools")),
        "backend/ai/waiting.py",
        *(f"backend/gateway/{name}.py" for name in ("approvals", "assistant", "decisions")),
        *(f"backend/gateway/{name}.py" for name in ("mcp", "ui_agent")),
        *(f"backend/tools/{name}.py" for name in ("__init__", "feedback", "usage")),
        *(f"tests/test_{name}.py" for name in ("assistant", "example_tools", "mcp", "tools")),
        "backend/api/routers/mcp.py",
        "tests/tools.py",
    },
}
# What it adds to a service besides, which knows keys and limits.
OF_A_SERVICE = {target: {"DEPLOY.md"} for target in choices("deploy")}
OF_A_SERVICE["kubernetes"] = {"DEPLOY.md", "k8s/base/redis.yaml"}
# What an option may change besides: what speaks of it, and what has to call it.
MENTIONED = {"README.md", ANSWERS, RECORD, "pyproject.toml", "requirements-dev.txt"}
CALLED = {
    "page": {"backend/api/routers/operations.py", "backend/settings.py", ".env.example"},
    "metrics": {
        "requirements.txt",
        "gunicorn.conf.py",
        "backend/application.py",
        "backend/api/middleware.py",
        "backend/api/routing.py",
        "backend/api/routers/operations.py",
        "backend/ai/call.py",
        # Where several workers have to be counted together.
        "backend/settings.py",
        "tests/test_settings.py",
        ".env.example",
    },
    "tracing": {
        "requirements.txt",
        "gunicorn.conf.py",
        "backend/application.py",
        "backend/ai/correlation.py",
        "backend/api/middleware.py",
        "backend/api/routing.py",
        "backend/ai/call.py",
    },
    "oidc": {
        "requirements.txt",
        "backend/api/dependencies.py",
        "backend/api/responses.py",
        "backend/application.py",
        "backend/errors.py",
        "backend/settings.py",
        "tests/test_settings.py",
        ".env.example",
    },
    "history": {
        "requirements.txt",
        "gunicorn.conf.py",
        ".gitignore",
        ".env.example",
        "backend/application.py",
        "backend/errors.py",
        "backend/settings.py",
        "backend/api/dependencies.py",
        "backend/api/documented.py",
        "backend/api/responses.py",
        "backend/api/routers/operations.py",
        "backend/gateway/responses/request.py",
        "backend/gateway/schemas.py",
        "backend/gateway/service.py",
        "tests/conftest.py",
        "tests/serving.py",
        "tests/test_chat.py",
        "tests/test_responses.py",
        "tests/test_responses_passed.py",
        "tests/test_settings.py",
    },
    "documents": {
        "backend/ai/provider.py",
        "requirements.txt",
        "gunicorn.conf.py",
        ".gitignore",
        ".env.example",
        "backend/application.py",
        "backend/errors.py",
        "backend/settings.py",
        "backend/api/dependencies.py",
        "backend/api/documented.py",
        "backend/api/json_body.py",
        "backend/api/responses.py",
        "backend/api/routing.py",
        "backend/api/routers/operations.py",
        "tests/conftest.py",
        "tests/serving.py",
        "tests/test_settings.py",
    },
    "peers": {
        "backend/api/dependencies.py",
        "backend/application.py",
        "backend/settings.py",
        ".env.example",
    },
    "evals": {".env.example", ".gitignore", "AGENTS.md", ".agents/skills/add-feature/SKILL.md"},
    "tools": {
        "AGENTS.md",
        "DEPLOY.md",
        "backend/ai/offline.py",
        "backend/api/dependencies.py",
        "backend/api/responses.py",
        "backend/api/routers/gateway.py",
        "backend/application.py",
        "backend/errors.py",
        "backend/gateway/service.py",
        "backend/gateway/ui_answer.py",
        "backend/limits.py",
        "backend/settings.py",
        "tests/conftest.py",
        "tests/test_api.py",
        "tests/test_settings.py",
        "tests/test_ui_chat.py",
        ".env.example",
    },
}


@pytest.mark.parametrize(
    ("preset", "choice"),
    [
        (preset, choice)
        for preset in choices("preset")
        for choice in choices("deploy") + choices("features")
        if matrix.allowed({"preset": preset, choice: True})
    ],
)
def test_an_option_adds_its_files_and_no_other(
    choice: str, preset: str, source: Path, tmp_path: Path
) -> None:
    bare: dict[str, Any] = {key: values[-1] for key, values in matrix.FACTORS.items()} | {
        "preset": preset
    }
    bare["framework"] = "flask"
    without = rendered(source, tmp_path / "without", bare)
    having = rendered(source, tmp_path / "having", {**bare, choice: True})
    more = OF_A_SERVICE.get(choice, set()) if preset == "service" else set()
    assert having.files.keys() - without.files.keys() == OPTIONS[choice] | more
    assert without.files.keys() <= having.files.keys()
    changed = {path for path, text in without.files.items() if having.files[path] != text}
    assert changed <= MENTIONED | CALLED.get(choice, set())


@pytest.mark.parametrize("row", matrix.EVERYTHING, ids=matrix.name)
def test_the_readme_starts_as_the_next_steps_do(
    row: matrix.Row, source: Path, tmp_path: Path
) -> None:
    readme = rendered(source, tmp_path / "my-app", row).files["README.md"]
    assert f"{INSTALLS} && {start_line(row['framework'])}\n" in readme


@pytest.mark.parametrize(
    ("license_", "first_line"),
    [
        pytest.param("mit", "MIT License", id="mit"),
        pytest.param("apache-2.0", "Apache License", id="apache-2.0"),
        pytest.param("proprietary", "Copyright (c) The Authors. All rights reserved.", id="own"),
        pytest.param("none", None, id="none"),
    ],
)
def test_the_licence_is_the_one_that_was_asked_for(
    license_: str, first_line: str | None, source: Path, tmp_path: Path
) -> None:
    row = {**ROWS[0], "license": license_, "author": "The Authors"}
    files = rendered(source, tmp_path / "my-app", row).files
    text = files.get("LICENSE")
    assert (text.strip().partition("\n")[0] if text else None) == first_line
    spdx = {"mit": "MIT", "apache-2.0": "Apache-2.0"}.get(license_)
    assert tomllib.loads(files["pyproject.toml"])["project"].get("license") == spdx


@pytest.mark.parametrize("version", choices("python"))
def test_the_python_is_the_one_that_was_asked_for(
    version: str, source: Path, tmp_path: Path
) -> None:
    everything = dict.fromkeys(choices("deploy") + choices("features"), True)
    row = {**ROWS[0], "framework": "flask", "docs": False, "python": version, **everything}
    files = rendered(source, tmp_path / "my-app", row).files
    stated = [
        files[".python-version"].strip(),
        *re.findall(r"FROM python:([\d.]+)-", files["Dockerfile"]),
        yaml.safe_load(files[".github/workflows/ci.yml"])["jobs"]["check"]["steps"][1]["with"][
            "python-version"
        ],
    ]
    assert stated == [version, version, version, version]
    blueprint = yaml.safe_load(files["render.yaml"])["services"][0]
    variables = {entry["key"]: entry.get("value") for entry in blueprint["envVars"]}
    assert variables["PYTHON_VERSION"].startswith(f"{version}.")


@pytest.mark.parametrize("provider", choices("provider"))
def test_every_provider_has_its_address_or_asks_for_one(
    provider: str, source: Path, tmp_path: Path
) -> None:
    row = {**ROWS[0], "preset": "service", "provider": provider, "render": True}
    project = rendered(source, tmp_path / "my-app", row)
    settings, deploy = project.files["backend/settings.py"], project.files["render.yaml"]
    known = provider not in ("azure", "custom")
    assert bool(re.search(r'llm_base_url: BaseURL = "https?://\S+"', settings)) == known
    # A model on the developer's own machine is not where the project is deployed.
    assert ("LLM_BASE_URL" in deploy) == (not known or provider == "ollama")


def test_each_worked_example_has_a_case(source: Path, tmp_path: Path) -> None:
    asked = {}
    for choice in ("evals", "tools", "documents"):
        row = {**ROWS[0], "preset": "service", "evals": True, "tools": False, "documents": False}
        files = rendered(source, tmp_path / choice / "my-app", {**row, choice: True}).files
        cases = map(json.loads, files["evals/cases.jsonl"].splitlines())
        asked[choice] = {case["name"]: case["post"] for case in cases}
    assert "/summaries" in asked["evals"].values()
    assert dict(asked["tools"].items() - asked["evals"].items()) == {
        "a tool of this service is called": "/api/chat"
    }
    assert dict(asked["documents"].items() - asked["evals"].items()) == {
        "an answer says where it stands": "/answers",
        "what no file says is not found": "/answers",
    }


def test_what_is_github_s_stays_github_s(source: Path, tmp_path: Path) -> None:
    row = {**ROWS[0], "ci": True}
    workflow = rendered(source, tmp_path / "my-app", row).files[".github/workflows/ci.yml"]
    group = yaml.safe_load(workflow)["concurrency"]["group"]
    assert group == "${{ github.workflow }}-${{ github.ref }}"


@pytest.mark.parametrize("framework", choices("framework"))
@pytest.mark.parametrize("preset", choices("preset"))
def test_the_same_answers_give_the_same_bytes(
    framework: str, preset: str, source: Path, tmp_path: Path
) -> None:
    row = next(r for r in ROWS if (r["framework"], r["preset"]) == (framework, preset))
    first, second = (rendered(source, tmp_path / place / "my-app", row) for place in ("a", "b"))
    assert first.files == second.files
