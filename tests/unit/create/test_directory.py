"""A project below a repository's root: rendered for where it is, and told when it was moved."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from repositories import commit, contents, git, tool

from genai_scaffold.project.neighbours import neighbours, port_in
from genai_scaffold.project.record import parse_record

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
    assert compose["services"]["chat"]["ports"] == ["127.0.0.1:8000:8000"]
    deploy = (service / "DEPLOY.md").read_text("utf-8")
    assert "subtree push --prefix services/chat heroku main" in deploy
    assert "`/services/chat/railway.json`" in deploy
    assert "`services/chat/render.yaml`" in deploy
    assert tool("check", str(service)).code == 0
    assert tool("update", str(service)).output == "✓ The project is up to date.\n"


def test_the_hooks_are_for_what_runs_them_where_they_are(service: Path) -> None:
    text = (service / ".pre-commit-config.yaml").read_text("utf-8")
    assert "Switch on: prek install" in text
    assert "services/chat" not in text
    assert "pre-commit" not in (service / "requirements-dev.txt").read_text("utf-8")
    assert '"pre-commit>' not in (service / "pyproject.toml").read_text("utf-8")


def test_each_service_has_a_port_of_its_own(service: Path) -> None:
    said = {}
    for name, framework in (("ingest", "flask"), ("mail", "fastapi")):
        flags = ("--yes", "--framework", framework, "--deploy", "docker", "--deploy", "systemd")
        said[name] = tool("new", str(service.parent / name), *flags).output
        for path in ("README.md", "AGENTS.md", "deploy/nginx.conf"):
            assert ":8000" not in (service.parent / name / path).read_text("utf-8"), path
    assert "gunicorn app:app --bind 127.0.0.1:8001\n" in said["ingest"]
    assert "curl -s http://127.0.0.1:8002/v1" in said["mail"]
    compose = load(service.parent / "mail/compose.yaml")
    assert compose["services"]["mail"]["ports"] == ["127.0.0.1:8002:8000"]
    commit(service.parents[1])
    assert tool("check", str(service.parent / "mail")).output.startswith("✓")
    assert tool("update", str(service.parent / "mail")).output == "✓ The project is up to date.\n"
    others = {name: contents(service.parent / name) for name in ("chat", "ingest")}
    switched = tool("switch", "flask", str(service.parent / "mail"), "--json")
    assert json.loads(switched.output)["conflicts"] == []
    assert {name: contents(service.parent / name) for name in others} == others
    assert "127.0.0.1:8002" in (service.parent / "mail/README.md").read_text("utf-8")


def test_two_with_one_port_are_found_and_an_update_parts_them(service: Path) -> None:
    shutil.copytree(service, service.parent / "talk")
    commit(service.parents[1])
    talk = service.parent / "talk"
    found = json.loads(tool("check", str(talk), "--json").output)["findings"]
    assert {
        (finding["severity"], finding["problem"].partition(":")[0])
        for finding in found
        if finding["path"] == ".copier-answers.yml"
    } == {
        ("warning", "rendered for another place than services/talk"),
        ("warning", "services/chat has port 8000, too"),
        ("error", "services/chat has the name chat, too"),
    }
    run = tool("update", str(talk), "--set", "name=talk", "--json")
    assert run.code == 0, run.errors
    assert json.loads(run.output)["answers"]["port"] == {"before": "8000", "after": "8001"}
    assert "by hand" not in run.output + run.errors
    commit(service.parents[1])
    assert tool("check", str(talk)).code == 0
    assert "\nport: 8001\n" in (talk / ".copier-answers.yml").read_text("utf-8")


def test_a_link_to_a_project_is_none_beside_it(service: Path) -> None:
    (service.parent / "latest").symlink_to("chat")
    commit(service.parents[1])
    assert tool("check", str(service)).code == 0
    assert tool("update", str(service)).output == "✓ The project is up to date.\n"


def test_a_neighbour_with_a_repository_of_its_own_is_named_by_its_place(service: Path) -> None:
    git(service, "init", "--quiet")
    refused = tool("new", str(service.parent / "talk"), "--yes", "--name", "chat")
    assert "error: services/chat has the name chat already" in refused.errors


def test_what_cannot_be_listed_has_no_neighbours(
    service: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def iterdir(folder: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert neighbours(service) == []


@pytest.mark.parametrize("port", ["true", "0", "-1", "70000", "8001.5", "'8001'", "[8001]", ""])
def test_what_is_no_port_is_not_taken_for_one(service: Path, port: str) -> None:
    record = parse_record(f"framework: flask\nport: {port}\n".encode(), service)
    assert (port_in(record), type(port_in(record))) == (8000, int)


def test_a_name_is_given_once(service: Path) -> None:
    refused = tool("new", str(service.parent / "talk"), "--yes", "--name", "chat")
    assert refused.code == 2
    assert "services/chat has the name chat already" in refused.errors
    assert "--name chat-2" in refused.errors
    assert not (service.parent / "talk").exists()
    assert tool("new", str(service.parent / "talk"), "--yes", "--quiet").code == 0
    commit(service.parents[1])
    renamed = tool("update", str(service.parent / "talk"), "--set", "name=chat")
    assert (renamed.code, "--set name=chat-2" in renamed.errors) == (2, True)


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


def test_one_project_grows_into_several(service: Path, work: Path) -> None:
    grown = work / "grown"
    assert (
        tool("new", str(grown), "--yes", "--quiet", "--no-git", "--name", "chat", *DEPLOY).code == 0
    )
    git(grown, "init", "--quiet", "--initial-branch", "main")
    commit(grown)
    (grown / "services/chat").mkdir(parents=True)
    for entry in sorted(set(grown.iterdir()) - {grown / ".git", grown / "services"}):
        git(grown, "mv", entry.name, f"services/chat/{entry.name}")
    commit(grown)
    found = json.loads(tool("check", str(grown / "services/chat"), "--json").output)["findings"]
    assert {"GitHub reads workflows at the repository's root alone"} < {f["problem"] for f in found}
    run = tool("update", str(grown / "services/chat"), "--json")
    assert (run.code, json.loads(run.output)["conflicts"]) == (0, []), run.errors
    assert contents(grown / "services/chat") == contents(service)
