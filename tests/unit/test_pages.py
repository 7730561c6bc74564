"""The documentation: its tables show what is, and no command in it slips by unseen."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import REPOSITORY, runs
from mentions import unknown
from pages.fences import FENCE, README, Kind, pages, steps
from pages.session import place, transcribed
from pages.tables import tabled

from genai_scaffold.report.created import ASKS, INSTALLS, start_line

PAGES = [pytest.param(page, id=str(page.relative_to(REPOSITORY))) for page in pages()]
DEPLOY = REPOSITORY / "docs" / "deploy"

# How many fences of a page are not run, since they need what is not here. What platforms run is
# held to the project in tests/e2e/test_pages.py; what they deploy is tried where the lines say.
ELSEWHERE = {
    "docs/clients.md": 1,
    "README.md": 4,  # an installation: test_packaging.py; a start: below; the fast tests: .ci/run
    "docs/deploy/cloud-run.md": 1,
    "docs/deploy/docker.md": 3,  # the image: test_image.py
    "docs/deploy/fly.md": 1,
    "docs/deploy/heroku.md": 1,
    "docs/deploy/kubernetes.md": 1,  # Kustomize: test_linters.py
    "docs/deploy/mod-wsgi.md": 1,  # Apache, by its site: test_mod_wsgi.py
    "docs/deploy/railway.md": 1,
    "docs/deploy/systemd.md": 1,  # nginx -t, systemd-analyze: test_linters.py
    "docs/develop/release.md": 1,
    "docs/performance.md": 2,
    "docs/scaling.md": 1,
    "docs/services.md": 1,  # grown: tests/unit/create/test_workspace.py
    "docs/start.md": 1,  # tests/e2e/test_packaging.py has every installer
}


def kinds(page: Path) -> list[Kind]:
    return [step.kind for step in steps(page.read_text("utf-8"))]


# Those of the deploy pages come from rendered projects: the slow tests make them.
@pytest.mark.parametrize("page", [p for p in PAGES if DEPLOY not in Path(str(p.values[0])).parents])
def test_the_tables_show_what_is(page: Path) -> None:
    text = page.read_text("utf-8")
    assert tabled(text) == text, "run `python -m scripts.pages`"


def test_no_command_slips_by() -> None:
    counted = {
        page.relative_to(REPOSITORY).as_posix(): kinds(page).count("elsewhere") for page in pages()
    }
    assert {name: number for name, number in counted.items() if number} == ELSEWHERE


ELSEWHERE_STEPS = [
    pytest.param(step.commands, id=f"{page.relative_to(REPOSITORY)}:{step.line}")
    for page in pages()
    for step in steps(page.read_text("utf-8"))
    if step.kind == "elsewhere"
]


def refusal(commands: str) -> str:
    command = ["bash", "-n", "-c", commands]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


@pytest.mark.parametrize("commands", ELSEWHERE_STEPS)
def test_what_is_run_elsewhere_is_shell(commands: str) -> None:
    assert refusal(commands) == ""
    assert refusal(f"{commands}(") != ""


KNOWN = {
    "DEPLOY.md": "my-app-elsewhere SAID_HERE",
    "k8s/base/app.yaml": "my-app-api API_KEYS",
    "requirements.txt": "",
}


@pytest.mark.parametrize(
    ("commands", "missing"),
    [
        pytest.param("run my-app-api -e API_KEYS=… -f k8s/base/app.yaml", [], id="all is known"),
        pytest.param("apply -k k8s/base\napply -k k8s/bass", ["k8s/bass"], id="a folder"),
        pytest.param("pip install -r requirement.txt", ["requirement.txt"], id="a file"),
        pytest.param("set API_KEYS=… API_KEY=…", ["API_KEY"], id="a part of a variable"),
        pytest.param("set LLM_KEY=…", ["LLM_KEY"], id="a variable"),
        pytest.param("start my-app-apis", ["my-app-apis"], id="a service"),
        pytest.param(
            "start my-app-elsewhere SAID_HERE",
            ["my-app-elsewhere", "SAID_HERE"],
            id="what only DEPLOY.md says",
        ),
    ],
)
def test_what_a_project_does_not_know_is_found(commands: str, missing: list[str]) -> None:
    assert unknown(commands, KNOWN) == missing


@pytest.mark.parametrize("page", PAGES)
def test_a_fence_of_shell_is_one_that_is_run_or_counted(page: Path) -> None:
    text = page.read_text("utf-8")
    languages = ("sh", "shell", "bash", "console", "shell-session", "zsh", "")
    opened = [line for line in text.splitlines() if line.startswith("```")][::2]
    shells = [line for line in opened if line.removeprefix("```").split(" ")[0] in languages]
    assert len(shells) == len(FENCE.findall(text))


def test_ci_runs_the_line_that_the_readme_gives_for_the_tests() -> None:
    fences = steps(README.read_text("utf-8"))
    *_, tests = [step.commands.strip() for step in fences if step.kind == "elsewhere"]
    assert "pytest" in tests
    assert tests in (REPOSITORY / ".ci" / "run").read_text("utf-8")


def test_the_readme_goes_on_as_the_next_steps_do() -> None:
    fences = steps(README.read_text("utf-8"))
    said = [step.commands.strip() for step in fences]
    assert f"cd my-app && {INSTALLS} && {start_line('fastapi')}" in said
    assert ASKS in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("# A\n\n```bash\none\ntwo\n```\n", [(4, "one\ntwo\n", "run")], id="run"),
        pytest.param("```bash server\nserve\n```\n", [(2, "serve\n", "server")], id="server"),
        pytest.param("```bash elsewhere\nfly\n```\n", [(2, "fly\n", "elsewhere")], id="elsewhere"),
        pytest.param(
            "```console\n$ one\nsaid\n$ two\n```\n",
            [(2, "one", "show"), (4, "two", "show")],
            id="transcript",
        ),
        pytest.param("```json\n$ {}\n```\n", [], id="no commands"),
    ],
)
def test_commands_are_found(text: str, expected: list[tuple[int, str, str]]) -> None:
    assert list(steps(text)) == expected


def test_an_unknown_kind_of_fence_is_an_error() -> None:
    with pytest.raises(ValueError, match="line 3: no fence is called later"):
        list(steps("\n\n```bash later\nx\n```\n"))


def session(tmp_path: Path, page: str) -> str:
    where = place(tmp_path / "page", page, "/nowhere", {"PATH": "/usr/bin:/bin"})
    return transcribed(page, where)


def test_a_page_is_one_session_and_shows_what_was_said(tmp_path: Path) -> None:
    page = (
        "```bash\nmkdir -p a && cd a\nname=Ada\n```\n\n```console\n$ pwd\nold\n$ echo $name\n```\n"
    )
    shown = "```console\n$ pwd\n/home/ada/a\n$ echo $name\nAda\n```\n"
    assert session(tmp_path, page).endswith(shown)


def test_a_command_that_fails_is_named_by_its_line(tmp_path: Path) -> None:
    page = "\n```bash\ntrue\n```\n\n```console\n$ echo so && false\n```\n\n```bash\ntouch a\n```\n"
    with pytest.raises(RuntimeError, match="line 7: exit code 1\necho so && false\nso\n"):
        session(tmp_path, page)
    assert not (tmp_path / "page" / "work" / "a").exists()


# What other programs say, which is not ours to hold.
FOREIGN = {
    "error: externally-managed-environment",
    "The virtual environment was not created successfully because ensurepip is not available",
    "address already in use",
    "cannot execute: required file not found",
    "has been blocked by CORS policy",
}


def headed(page: str) -> list[str]:
    lines = (REPOSITORY / "docs" / page).read_text("utf-8").splitlines()
    return [line.removeprefix("### ") for line in lines if line.startswith("### ")]


@pytest.mark.parametrize(
    "said", [said for said in headed("troubleshooting.md") if said not in FOREIGN]
)
def test_an_error_that_has_an_entry_is_one_that_is_said(said: str) -> None:
    code = [
        path.read_text("utf-8")
        for folder in ("src", "templates")
        for path in (REPOSITORY / folder).rglob("*")
        if path.is_file() and path.suffix in {".py", ".jinja"}
    ]
    assert any(said in text for text in code)


@pytest.mark.skipif(not (REPOSITORY / ".git").exists(), reason="this is no checkout")
def test_what_the_readme_makes_in_a_checkout_is_ignored_there() -> None:
    """It may have no commit, and then git would refuse to add what is around it."""
    asked = ["git", "check-ignore", "--quiet", "my-app/"]
    assert subprocess.run(asked, cwd=REPOSITORY, check=False).returncode == 0


def test_what_a_page_starts_ends_with_whoever_is_killed(tmp_path: Path) -> None:
    page = "```bash\necho $$ > shell; sleep 600 & echo $! > server; sleep 600\n```\n"
    running = (
        "import os, sys; sys.path.append('scripts'); from pathlib import Path;"
        " from pages.session import place, transcribed;"
        " where = place(Path(sys.argv[1]) / 'page', sys.argv[2], sys.argv[1], os.environ);"
        " transcribed(sys.argv[2], where)"
    )
    command = [sys.executable, "-c", running, str(tmp_path), page]
    work, until = tmp_path / "page/work", time.monotonic() + 300
    with subprocess.Popen(command, cwd=REPOSITORY) as us:
        while not (work / "server").exists() or not (work / "server").read_text().strip():
            assert time.monotonic() < until
            time.sleep(0.05)
        us.kill()
    pids = [int((work / name).read_text()) for name in ("shell", "server")]
    while any(map(runs, pids)):
        assert time.monotonic() < until
        time.sleep(0.05)
