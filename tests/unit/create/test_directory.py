"""A project below a repository's root: rendered for where it is, and told when it was moved."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from repositories import commit, contents, git, tool

DEPLOY = [word for name in ("render", "docker", "heroku", "railway") for word in ("--deploy", name)]


@pytest.fixture
def repository(work: Path) -> Path:
    top = work / "shop"
    top.mkdir()
    git(top, "init", "--quiet", "--initial-branch", "main")
    return top


@pytest.fixture
def service(repository: Path) -> Path:
    made = tool("new", str(repository / "services/chat"), "--yes", "--quiet", *DEPLOY)
    assert made.code == 0, made.errors
    commit(repository)
    return repository / "services/chat"


def load(file: Path) -> dict[str, dict[str, dict[str, object]]]:
    document: dict[str, dict[str, dict[str, object]]] = yaml.safe_load(file.read_text("utf-8"))
    return document


def test_it_is_rendered_for_where_it_is(service: Path) -> None:
    assert not (service / ".github").exists()
    assert "\ndirectory: services/chat\n" in (service / ".copier-answers.yml").read_text("utf-8")
    assert '\n    rootDir: "services/chat"\n' in (service / "render.yaml").read_text("utf-8")
    compose = load(service / "compose.yaml")
    assert list(compose["services"]) == ["chat", "chat-redis"]
    assert list(compose["volumes"]) == ["chat-redis"]
    assert compose["services"]["chat"]["ports"] == ["127.0.0.1:${CHAT_PORT:-}:8000"]
    deploy = (service / "DEPLOY.md").read_text("utf-8")
    assert "subtree push --prefix services/chat heroku main" in deploy
    assert "`/services/chat/railway.json`" in deploy
    assert "`services/chat/render.yaml`" in deploy
    assert tool("check", str(service)).code == 0
    assert tool("update", str(service)).output == "✓ The project is up to date.\n"


def test_the_hooks_look_at_no_other_file_of_the_repository(service: Path) -> None:
    config = yaml.safe_load((service / ".pre-commit-config.yaml").read_text("utf-8"))
    hooks = config["repos"][0]["hooks"]
    assert {hook["files"] for hook in hooks} == {"^services/chat/"}
    assert all("services/chat" in hook["entry"] for hook in hooks)


def test_what_belongs_to_the_root_is_said(repository: Path) -> None:
    made = tool("new", str(repository / "chat"), "--yes")
    assert "GitHub reads .github/ at a repository's root alone, so chat has none" in made.errors


def test_a_project_that_was_moved_learns_it(service: Path, repository: Path) -> None:
    shutil.move(service, repository / "apps chat")
    commit(repository)
    moved = repository / "apps chat"
    found = json.loads(tool("check", str(moved), "--json").output)["findings"]
    assert {(finding["path"], finding["severity"]) for finding in found} == {
        (".copier-answers.yml", "warning"),
        ("render.yaml", "error"),
    }
    run = tool("update", str(moved), "--json")
    said = json.loads(run.output)
    assert (run.code, said["conflicts"]) == (0, []), run.errors
    assert said["answers"] == {"directory": {"before": "services/chat", "after": "apps chat"}}
    assert "subtree push --prefix 'apps chat' heroku" in (moved / "DEPLOY.md").read_text("utf-8")
    assert tool("check", str(moved)).code == 0


def test_a_project_that_moves_to_a_root_is_as_one_that_began_there(
    service: Path, work: Path
) -> None:
    fresh = tool("new", str(work / "chat"), "--yes", "--quiet", *DEPLOY)
    assert fresh.code == 0, fresh.errors
    shutil.copytree(service, work / "moved")
    git(work / "moved", "init", "--quiet", "--initial-branch", "main")
    commit(work / "moved")
    run = tool("update", str(work / "moved"))
    assert run.code == 0, run.errors
    assert contents(work / "moved") == contents(work / "chat")


def test_workflows_below_a_root_are_dead(service: Path) -> None:
    workflow = service / ".github/workflows/ci.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text("on: push\n")
    run = tool("check", str(service))
    assert run.code == 5
    assert "GitHub reads workflows at the repository's root alone [placed]" in run.output
