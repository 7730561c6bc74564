"""What others made to judge such files finds nothing in ours, and finds what we plant.

A return code alone is believed of none of them: some end with 0 whatever they find.
"""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest
import yaml

from e2e.cluster import dangling
from e2e.conftest import REPOSITORY, required
from e2e.machine import Machine

pytestmark = pytest.mark.slow

TARGETS = ["render", "docker", "kubernetes", "cloud-run", "fly", "heroku", "railway", "systemd"]
COMBINATIONS = {
    "fastapi": ("--framework", "fastapi"),
    "flask": ("--framework", "flask"),
    "fastapi-prototype": ("--framework", "fastapi", "--preset", "prototype", "--feature", "ci"),
}
CI, DEPENDABOT = ".github/workflows/ci.yml", ".github/dependabot.yml"
combinations = pytest.mark.parametrize("combination", COMBINATIONS)

Complaints: TypeAlias = str
Linter: TypeAlias = Callable[[Path], Complaints]


class Fault(NamedTuple):
    """Something wrong that is planted in a file, and a word of what has to be said of it."""

    path: str
    old: str
    new: str
    said: str


@pytest.fixture(scope="module")
def project(machine: Machine, scaffold: Path) -> Callable[[str], Path]:
    """Makes a project for every target, once for each combination."""

    def make(combination: str) -> Path:
        folder = machine.folder / "linted" / combination / "my-app"
        if not folder.exists():
            flags = (*COMBINATIONS[combination], *(f"--deploy={target}" for target in TARGETS))
            machine.run(str(scaffold), "new", str(folder), "--yes", "--no-git", *flags)
        return folder

    return make


def said(*command: str | Path, folder: Path, quiet: str = "") -> Complaints:
    """What a linter says, without the lines that say that nothing is wrong."""
    ended = subprocess.run(
        (required(str(command[0])), *map(str, command[1:])),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    text = f"{ended.stdout}{ended.stderr}"
    lines = [line for line in text.splitlines() if not quiet or not re.search(quiet, line)]
    complaints = "\n".join(lines).strip()
    return complaints or (f"{command[0]} ended with {ended.returncode}" if ended.returncode else "")


def dockerfile(folder: Path) -> Complaints:
    return said("hadolint", "Dockerfile", folder=folder)


def compose(folder: Path) -> Complaints:
    schema = ("--builtin-schema", "vendor.compose-spec")
    return said("check-jsonschema", *schema, "compose.yaml", folder=folder, quiet="^ok")


def workflow(folder: Path) -> Complaints:
    schema = ("--builtin-schema", "vendor.github-workflows")
    paths = [path.relative_to(folder) for path in sorted(folder.glob(".github/workflows/*.yml"))]
    return said("actionlint", *paths, folder=folder) + said(
        "check-jsonschema", *schema, *paths, folder=folder, quiet="^ok"
    )


def dependabot(folder: Path) -> Complaints:
    schema = ("--builtin-schema", "vendor.dependabot")
    return said("check-jsonschema", *schema, DEPENDABOT, folder=folder, quiet="^ok")


def zizmor(folder: Path) -> Complaints:
    fine = r"^No findings to report|^ INFO |^$"
    return said("zizmor", "--offline", "--no-progress", ".github", folder=folder, quiet=fine)


def kubernetes(folder: Path) -> Complaints:
    """Both overlays, made by Kustomize, as the API's own schemas see them."""
    return "".join(
        overlay(folder, path.parent.name)
        for path in sorted(folder.glob("k8s/overlays/*/kustomization.yaml"))
    )


def overlay(folder: Path, name: str) -> Complaints:
    built = said("kubectl", "kustomize", f"k8s/overlays/{name}", folder=folder)
    if not built.startswith("apiVersion:") or "# Warning" in built:
        return built
    made = folder.with_name(f"{name}.yaml")
    made.write_text(f"{built}\n")
    # It ends with 0 where it only warns of a kind that it does not know.
    fine = "^INFO .* passed for resource"
    judged = said("kubernetes-validate", "--strict", made, folder=folder, quiet=fine)
    return judged or "\n".join(dangling(list(yaml.safe_load_all(built))))


def unit(folder: Path) -> Complaints:
    """The unit, on a machine where what it starts exists."""
    (source,) = folder.glob("deploy/*.service")
    installed = folder.with_name("srv") / "my-app"
    (installed / ".venv/bin").mkdir(parents=True, exist_ok=True)
    for program in ("uvicorn", "gunicorn"):
        shutil.copy("/bin/true", installed / ".venv/bin" / program)
    copy = folder.with_name(source.name)
    copy.write_text(source.read_text().replace("/srv/my-app", str(installed)))
    return said("systemd-analyze", "verify", "--man=no", copy, folder=folder)


SITE = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    include {site};
}}
"""


def nginx(folder: Path) -> Complaints:
    main = folder.with_name("nginx.conf")
    main.write_text(SITE.format(folder=folder.parent, site=folder / "deploy/nginx.conf"))
    fine = "syntax is ok$|test is successful$"
    return said("nginx", "-t", "-q", "-c", main, folder=folder, quiet=fine)


CASES: list[tuple[Linter, list[Fault]]] = [
    (
        dockerfile,
        [
            Fault("Dockerfile", "python:3.13-slim-trixie AS", "python AS", "DL3006"),
            Fault("Dockerfile", "COPY requirements", "ADD requirements", "DL3020"),
            Fault("Dockerfile", 'CMD ["sh"', "CMD sh\nCMD ['sh'", "DL3025"),
        ],
    ),
    (
        compose,
        [
            Fault("compose.yaml", "read_only: true", "readonly: true", "readonly"),
            Fault("compose.yaml", "condition: service_healthy", "condition: healthy", "healthy"),
        ],
    ),
    (
        workflow,
        [
            Fault(CI, "runs-on: ubuntu-24.04", "runs-on: ubuntu", "label"),
            Fault(CI, "contents: read", "content: read", "content"),
        ],
    ),
    (
        dependabot,
        [
            Fault(DEPENDABOT, "default-days: 7", "days: 7", "days"),
            Fault(DEPENDABOT, "interval: weekly", "interval: often", "often"),
        ],
    ),
    (
        zizmor,
        [
            Fault(".github/zizmor.yml", "ref-pin", "hash-pin", "unpinned-uses"),
            Fault(CI, "actions/checkout@", "other/checkout@", "unpinned"),
            Fault(CI, "permissions:\n      contents: read", "permissions: write-all", "excessive"),
            Fault(CI, "\n        with:\n          persist-credentials: false", "", "artipacked"),
            Fault(DEPENDABOT, "default-days: 7", "default-days: 1", "cooldown"),
            Fault(
                CI,
                "- run: pytest",
                "- run: pytest ${{ github.event.pull_request.title }}",
                "template-injection",
            ),
        ],
    ),
    (
        kubernetes,
        [
            Fault("k8s/base/deployment.yaml", "containerPort: 8000", "containerPort: a", "Port"),
            Fault("k8s/base/hpa.yaml", "minReplicas", "minimum", "minimum"),
            Fault("k8s/base/hpa.yaml", "autoscaling/v2", "autoscaling/v9", "WARN"),
            Fault("k8s/base/kustomization.yaml", "- pdb.yaml", "- pod.yaml", "pod.yaml"),
            Fault("k8s/base/service.yaml", "name: my-app\n  ports", "name: a\n  ports", "selects"),
            Fault("k8s/base/service.yaml", "targetPort: http", "targetPort: web", "port web"),
            Fault(
                "k8s/base/hpa.yaml",
                "name: my-app\n  min",
                "name: app\n  min",
                "Deployment app",
            ),
            Fault(
                "k8s/base/ingress.yaml",
                "name: my-app\n      ",
                "name: a\n      ",
                "Service a",
            ),
            Fault(
                "k8s/base/deployment.yaml",
                "my-app-redis:6379",
                "redis:6379",
                "Service redis",
            ),
            Fault(
                "k8s/overlays/staging/kustomization.yaml", "/spec/minReplicas", "/spec/few", "few"
            ),
        ],
    ),
    (
        unit,
        [
            Fault("deploy/my-app.service", "ProtectSystem", "ProtectSytem", "Unknown key"),
            Fault("deploy/my-app.service", "=30", "=soon", "time value"),
            Fault("deploy/my-app.service", "/.venv/bin/", "/venv/bin/", "not executable"),
        ],
    ),
    (
        nginx,
        [
            Fault("deploy/nginx.conf", "proxy_buffering off", "proxy_buffer off", "proxy_buffer"),
            Fault("deploy/nginx.conf", "http://my-app;", "http://my-ap;", "host not found"),
        ],
    ),
]
linters = pytest.mark.parametrize(
    "linter", [pytest.param(linter, id=linter.__name__) for linter, _ in CASES]
)


@linters
@combinations
def test_finds_nothing(project: Callable[[str], Path], combination: str, linter: Linter) -> None:
    assert linter(project(combination)) == ""


@pytest.mark.parametrize(
    ("linter", "fault"),
    [
        pytest.param(linter, fault, id=f"{linter.__name__}-{fault.said.replace(' ', '-')}")
        for linter, faults in CASES
        for fault in faults
    ],
)
def test_finds_what_is_planted(
    project: Callable[[str], Path], linter: Linter, fault: Fault, tmp_path: Path
) -> None:
    folder = tmp_path / "my-app"
    shutil.copytree(project("fastapi"), folder)
    text = (folder / fault.path).read_text()
    assert fault.old in text
    (folder / fault.path).write_text(text.replace(fault.old, fault.new, 1))
    assert fault.said in linter(folder)


@pytest.mark.parametrize(
    "linter", [workflow, dependabot, zizmor], ids=["workflow", "dependabot", "zizmor"]
)
def test_finds_nothing_in_this_repository(linter: Linter) -> None:
    assert linter(REPOSITORY) == ""


@combinations
def test_the_unit_leaves_little_open(project: Callable[[str], Path], combination: str) -> None:
    (path,) = project(combination).glob("deploy/*.service")
    judged = subprocess.run(
        (required("systemd-analyze"), "security", "--offline=true", "--no-pager", str(path)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stdout
    exposure = re.search(r"exposure level for \S+: ([\d.]+)", judged)
    assert exposure, judged
    assert float(exposure[1]) <= 2.0, judged
