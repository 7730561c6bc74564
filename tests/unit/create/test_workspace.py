"""A workspace: a root that finds its services, where it may be, and what it learns by an update."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from conftest import Run
from repositories import commit, contents, git, tool

from genai_scaffold.project.workspace import clashes_in, strays_in
from genai_scaffold.system.staging import MARKER

ROOT = {
    *(".copier-answers.yml", ".gitignore", "AGENTS.md", "LICENSE", "README.md", "prek.toml"),
    *(".github/dependabot.yml", ".github/workflows/ci.yml", ".github/zizmor.yml"),
}
SMALL = ("--yes", "--quiet", "--preset", "prototype", "--deploy", "docker")


def made(run: Run) -> Run:
    assert run.code == 0, run.errors
    return run


def workspace(folder: Path, *flags: str) -> Run:
    return tool("new", str(folder), "--preset", "workspace", "--yes", *flags)


def service(folder: Path, *flags: str) -> Path:
    made(tool("new", str(folder), *SMALL, *flags))
    return folder


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace without services, and one with two, which it lists: made once."""
    folder = tmp_path_factory.mktemp("kept")
    for name in ("empty", "served"):
        made(workspace(folder / name / "shop", "--no-git"))
        git(folder / name / "shop", "init", "--quiet", "--initial-branch", "main")
        commit(folder / name / "shop")
    shop = folder / "served/shop"
    service(shop / "services/chat", "--framework", "fastapi")
    service(shop / "services/ingest", "--framework", "flask")
    made(tool("update", str(shop)))
    commit(shop)
    return folder


@pytest.fixture
def shop(kept: Path, work: Path) -> Path:
    return Path(shutil.copytree(kept / "empty/shop", work / "shop"))


@pytest.fixture
def served(kept: Path, work: Path) -> Path:
    """A workspace with a FastAPI service and a Flask one."""
    return Path(shutil.copytree(kept / "served/shop", work / "shop"))


def said(run: Run) -> dict[str, object]:
    document: dict[str, object] = json.loads(made(run).output)
    return document


def listed(shop: Path) -> list[str]:
    lines = (shop / "README.md").read_text("utf-8").splitlines()
    return [line for line in lines if line.startswith("- [")]


def included(shop: Path) -> list[str]:
    composed: list[str] = yaml.safe_load((shop / "compose.yaml").read_text("utf-8"))["include"]
    return composed


def test_it_has_what_services_share_and_is_committed(work: Path) -> None:
    run = made(workspace(work / "shop"))
    assert set(contents(work / "shop")) == ROOT
    assert git(work / "shop", "status", "--porcelain") == ""
    assert "✓ Created shop: a workspace, 9 files" in run.output
    assert "\n  genai-scaffold new services/NAME\n  genai-scaffold update\n" in run.output
    assert tool("check", str(work / "shop")).output.endswith("can run beside each other.\n")
    assert tool("update", str(work / "shop")).output == "✓ The project is up to date.\n"


def test_it_has_no_framework_and_no_recommendation(work: Path) -> None:
    document = said(workspace(work / "shop", "--json"))
    assert (document["framework"], document["recommendation"]) == (None, None)
    answers = document["answers"]
    assert isinstance(answers, dict)
    assert list(answers) == ["preset", "name", "description", "author", "license", "python"]
    assert document["next"] == [
        f"cd {work / 'shop'}",
        "genai-scaffold new services/NAME",
        "genai-scaffold update",
    ]


def test_a_third_service_is_two_commands(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (served / "README.md").read_text("utf-8")
    monkeypatch.chdir(served)
    commands = readme.partition("## One more service\n\n```bash\n")[2].partition("```")[0]
    new, update = commands.splitlines()
    run = made(tool(*new.split()[1:], *(flag for flag in SMALL if flag != "--quiet")))
    assert (
        f"To list it there, and then to commit both: genai-scaffold update {served}" in run.errors
    )
    assert "no git repository" not in run.errors
    document = said(tool(*update.split()[1:], "--json"))
    assert document["conflicts"] == []
    assert listed(served)[2] == "- [mail](services/mail)"
    assert included(served) == [
        f"services/{name}/compose.yaml" for name in ("chat", "ingest", "mail")
    ]
    commit(served)
    assert made(tool("check", str(served))).code == 0
    assert made(tool("update", str(served))).output == "✓ The project is up to date.\n"


def test_what_came_and_went_is_taken_up_and_what_the_user_added_stays(served: Path) -> None:
    with (served / "compose.yaml").open("a", encoding="utf-8") as file:
        file.write("services:\n  mail:\n    image: mailpit\n")
    readme = (served / "README.md").read_text("utf-8")
    (served / "README.md").write_text(f"{readme}\n## On call\n\nAsk Ada.\n", "utf-8")
    commit(served)
    service(served / "services/search")
    document = said(tool("update", str(served), "--json"))
    assert (document["conflicts"], len(listed(served))) == ([], 3)
    commit(served)
    git(served, "rm", "-r", "--quiet", "services/chat")
    commit(served)
    shutil.rmtree(served / "services/chat", ignore_errors=True)
    warned = json.loads(tool("check", str(served), "--json").output)["findings"]
    assert [(f["severity"], f["check"]) for f in warned] == [("warning", "placed")]
    document = said(tool("update", str(served), "--json"))
    assert document["answers"] == {
        key: {"before": ["chat", "ingest", "search"], "after": ["ingest", "search"]}
        for key in ("services", "composed")
    }
    assert document["conflicts"] == []
    assert included(served) == ["services/ingest/compose.yaml", "services/search/compose.yaml"]
    assert (served / "compose.yaml").read_text("utf-8").endswith("    image: mailpit\n")
    assert (served / "README.md").read_text("utf-8").endswith("Ask Ada.\n")


def test_without_services_there_is_no_compose_file_again(served: Path) -> None:
    git(served, "rm", "-r", "--quiet", "services")
    commit(served)
    shutil.rmtree(served / "services", ignore_errors=True)
    made(tool("update", str(served)))
    assert set(contents(served)) == ROOT


def test_compose_runs_those_that_can_be_run_so(shop: Path) -> None:
    service(shop / "services/chat")
    made(tool("new", str(shop / "services/bare"), *SMALL[:-1], "none"))
    by_hand = shop / "services/legacy"
    by_hand.mkdir()
    (by_hand / "requirements-dev.txt").touch()
    (shop / "services/notes").mkdir()
    made(tool("update", str(shop)))
    assert [line.partition("]")[0] for line in listed(shop)] == ["- [bare", "- [chat", "- [legacy"]
    assert included(shop) == ["services/chat/compose.yaml"]


def test_a_switch_of_one_service_leaves_all_else_alone(served: Path) -> None:
    before = {p: c for p, c in contents(served).items() if not p.startswith("services/chat/")}
    made(tool("switch", "flask", str(served / "services/chat")))
    after = {p: c for p, c in contents(served).items() if not p.startswith("services/chat/")}
    assert after == before
    assert (served / "services/chat/app.py").is_file()


def test_a_service_that_was_moved_is_learnt_by_both(served: Path) -> None:
    git(served, "mv", "services/chat", "services/talk")
    commit(served)
    made(tool("update", str(served)))
    assert listed(served) == ["- [ingest](services/ingest)", "- [talk](services/talk)"]
    commit(served)
    document = said(tool("update", str(served / "services/talk"), "--json"))
    assert document["answers"] == {
        "directory": {"before": "services/chat", "after": "services/talk"}
    }


def test_one_that_was_moved_out_of_services_is_named(served: Path) -> None:
    git(served, "mv", "services/chat", "chat")
    commit(served)
    run = made(tool("update", str(served)))
    assert "chat is none of its services" in run.errors
    assert listed(served) == ["- [ingest](services/ingest)"]
    commit(served)
    refused = tool("check", str(served))
    assert refused.code == 5
    assert "chat is none of its services: git mv it into services/ [placed]" in refused.output
    assert "services/ alone: git mv it there [placed]" in tool("check", str(served / "chat")).output
    assert tool("check", str(served), "--exclude", "chat").code == 0


def test_a_single_project_grows_into_a_workspace(work: Path) -> None:
    grown = work / "grown"
    made(tool("new", str(grown), "--name", "chat", *SMALL, "--feature", "ci"))
    refused = workspace(grown)
    assert (refused.code, "is a project" in refused.errors) == (3, True)
    (grown / "services/chat").mkdir(parents=True)
    for entry in sorted(set(grown.iterdir()) - {grown / ".git", grown / "services"}):
        git(grown, "mv", entry.name, f"services/chat/{entry.name}")
    commit(grown)
    made(tool("update", str(grown / "services/chat")))
    commit(grown)
    made(workspace(grown, "--name", "shop"))
    assert listed(grown) == ["- [chat](services/chat)"]
    commit(grown)
    for place in (grown, grown / "services/chat"):
        assert made(tool("check", str(place))).code == 0
        assert made(tool("update", str(place))).output == "✓ The project is up to date.\n"


@pytest.fixture
def repository(work: Path) -> Path:
    """One that was there before, with work of the user's."""
    top = work / "old"
    for path in ("docs/plan.md", ".github/ISSUE_TEMPLATE/bug.md", "services/legacy/main.go"):
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text("theirs\n", "utf-8")
    git(top, "init", "--quiet", "--initial-branch", "main")
    commit(top)
    return top


def test_it_comes_into_a_repository_that_has_none_of_its_paths(repository: Path) -> None:
    before = contents(repository)
    made(workspace(repository))
    after = contents(repository)
    assert after.items() >= before.items()
    assert set(after) - set(before) == ROOT
    commit(repository)
    assert made(tool("update", str(repository))).output == "✓ The project is up to date.\n"


@pytest.mark.parametrize(
    ("path", "named"),
    [
        pytest.param("README.md", "README.md", id="file"),
        pytest.param("readme.MD", "readme.MD", id="another-case"),
        pytest.param(".github/workflows/ci.yml", ".github/workflows/ci.yml", id="below"),
        pytest.param(".github/dependabot.yml/x", ".github/dependabot.yml", id="a-folder"),
        pytest.param("prek.toml", "prek.toml", id="hooks"),
    ],
)
def test_a_path_that_is_taken_is_named_and_nothing_is_written(
    path: str, named: str, repository: Path
) -> None:
    (repository / path).parent.mkdir(parents=True, exist_ok=True)
    (repository / path).write_text("theirs\n", "utf-8")
    before = contents(repository)
    refused = workspace(repository)
    assert refused.code == 3
    assert f"it holds {named}\n" in refused.errors
    assert "move these away" in refused.errors
    assert workspace(repository, "--dry-run").errors == refused.errors
    assert contents(repository) == before


def test_what_is_moved_in_halfway_is_moved_out_again(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, rename, moved = contents(repository), Path.rename, list[str]()

    def failing(path: Path, target: Path) -> Path:
        if path.name == "README.md" and target.parent == repository:
            raise OSError(28, "No space left on device")
        moved.append(path.name)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    assert workspace(repository).code != 0
    assert "dependabot.yml" in moved, "some were there already"
    assert contents(repository) == before


def test_what_says_that_it_is_a_workspace_is_moved_in_last(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, moved = Path.rename, list[str]()

    def noted(path: Path, target: Path) -> Path:
        moved.append(path.name)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", noted)
    made(workspace(repository))
    assert moved[-1] == ".copier-answers.yml"
    assert len(moved) > 1


def test_what_is_no_repository_is_not_filled(work: Path) -> None:
    (work / "heap").mkdir()
    (work / "heap/mine.txt").touch()
    refused = workspace(work / "heap")
    assert (refused.code, "or make it a repository with git init" in refused.errors) == (3, True)
    assert [path.name for path in (work / "heap").iterdir()] == ["mine.txt"]


REFUSED = [
    pytest.param("services/inner", ["--preset", "workspace"], "lies in", "NAME", id="inside-one"),
    pytest.param(".", ["--preset", "workspace"], "one already", "NAME", id="on-one"),
    pytest.param(".", [], "no place for a service", "services/NAME", id="service-at-the-root"),
    pytest.param("apps/mail", [], "no place for a service", "services/mail", id="elsewhere"),
    pytest.param("services/a/b", [], "no place for a service", "services/b", id="too-deep"),
    pytest.param("services/a b", ["--name", "ab"], "to quote", "services/NAME", id="quoted"),
    pytest.param("services/talk", ["--name", "chat"], "chat already", "chat-2", id="one-name"),
    pytest.param("services/chat-redis", [], "name chat-redis", "chat-redis-2", id="its-redis"),
    pytest.param("services/Chat", ["--name", "talk"], "case alone", "another", id="in-case-alone"),
    pytest.param("services/talk", ["--name", "CHAT"], "chat already", "chat-2", id="same-in-case"),
]


@pytest.mark.parametrize(("place", "flags", "why", "fix"), REFUSED)
def test_what_would_not_work_is_refused_with_what_to_do(
    place: str, flags: list[str], why: str, fix: str, served: Path
) -> None:
    before = contents(served)
    refused = tool("new", str(served / place), "--yes", *flags)
    assert refused.code == 2, refused.errors
    assert why in refused.errors
    assert fix in refused.errors.partition("fix: ")[2]
    dry = tool("new", str(served / place), "--yes", *flags, "--dry-run")
    assert dry.errors == refused.errors
    assert contents(served) == before
    assert git(served, "status", "--porcelain") == ""


def test_below_a_root_there_is_none(repository: Path) -> None:
    refused = workspace(repository / "docs/shop")
    assert refused.code == 2
    assert f"genai-scaffold new {repository} --preset workspace" in refused.errors


def test_a_repository_with_a_project_elsewhere_is_told_where_it_belongs(repository: Path) -> None:
    service(repository / "apps/chat")
    refused = workspace(repository)
    assert (refused.code, "git mv apps/chat services/chat" in refused.errors) == (2, True)
    assert not (repository / "README.md").exists()


def test_a_service_needs_the_repository(work: Path) -> None:
    made(workspace(work / "shop", "--no-git"))
    refused = tool("new", str(work / "shop/services/chat"), *SMALL)
    assert (refused.code, f"git -C {work / 'shop'} init" in refused.errors) == (2, True)
    assert not (work / "shop/services").exists()
    git(work / "shop", "init", "--quiet")
    service(work / "shop/services/chat")


@pytest.mark.parametrize("named", [True, False], ids=["port", "name"])
def test_two_that_cannot_run_beside_each_other_stop_an_update(served: Path, *, named: bool) -> None:
    talk = served / "services/talk"
    if named:
        answers = service(talk) / ".copier-answers.yml"
        answers.write_text(answers.read_text("utf-8").replace("\nport: 8002", ""), "utf-8")
    else:
        shutil.copytree(served / "services/chat", talk)
    commit(served)
    before = contents(served)
    refused = tool("update", str(served))
    told = "has port 8000" if named else "has the name chat"
    told += ", as services/chat has"
    fix = "" if named else " --set name=talk"
    assert (refused.code, f"services/talk {told}" in refused.errors) == (2, True)
    assert f"genai-scaffold update services/talk{fix}, and commit that" in refused.errors
    assert contents(served) == before
    assert tool("check", str(served)).code == 5
    made(tool("update", str(talk), *fix.split()))
    commit(served)
    made(tool("update", str(served)))
    assert len(listed(served)) == 3


def test_each_that_clashes_is_named_once(shop: Path) -> None:
    record = "preset: prototype\nframework: flask\nproject_name: chat\n"
    for number in range(1, 5):
        folder = shop / f"services/s{number}"
        folder.mkdir(parents=True)
        (folder / "requirements-dev.txt").touch()
        (folder / ".copier-answers.yml").write_text(record)
    assert [(clash.place, clash.problem) for clash in clashes_in(shop)] == [
        (f"services/s{number}", problem)
        for number in range(2, 5)
        for problem in (
            f"has {what}, as services/s1 has" for what in ("the name chat", "port 8000")
        )
    ]


LONG = "answers-for-our-best-customers"  # of which platforms keep all, and no more


@pytest.mark.parametrize(
    ("first", "place", "name", "shared", "free"),
    [
        ("chat", "chat-redis", "chat-redis", "chat-redis", "chat-redis-2"),
        ("chat-redis", "talk", "chat", "chat-redis", "talk"),
        (f"{LONG}-in-asia", f"{LONG}-too", f"{LONG}-too", LONG, f"{LONG[:28]}-2"),
    ],
    ids=["a-part", "a-part-of-it", "cut"],
)
def test_names_that_come_to_the_same_clash(
    first: str, place: str, name: str, shared: str, free: str, shop: Path
) -> None:
    for port, (folder, called) in enumerate({"a": first, place: name}.items(), 9001):
        made_there = shop / "services" / folder
        made_there.mkdir(parents=True)
        (made_there / "requirements-dev.txt").touch()
        record = f"preset: prototype\nframework: flask\nproject_name: {called}\nport: {port}\n"
        (made_there / ".copier-answers.yml").write_text(record)
    [clash] = clashes_in(shop)
    assert clash.problem == f"has the name {shared}, as services/a has"
    assert clash.fix == f"genai-scaffold update services/{place} --set name={free}"


@pytest.mark.parametrize("content", [b": [", b"\xff\x00"], ids=["no-yaml", "binary"])
def test_a_service_that_says_nothing_of_itself_is_named(content: bytes, served: Path) -> None:
    (served / "services/chat/.copier-answers.yml").write_bytes(content)
    checked = tool("check", str(served))
    assert checked.code == 5
    said_of_it = "it cannot be read: genai-scaffold check services/chat"
    assert f"services/chat/.copier-answers.yml:1: {said_of_it} [placed]" in checked.output


def test_what_cannot_be_looked_into_is_not_taken_for_gone(
    served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (served / "services/locked").mkdir()
    file = served / "services/locked/requirements-dev.txt"
    file.symlink_to(file)  # which nobody can look at
    _is_named_and_nothing_changes(served, str(file))
    file.unlink()
    iterdir = Path.iterdir

    def locked(path: Path) -> Iterator[Path]:
        if path.name == "services":
            raise PermissionError(13, "Permission denied", str(path))
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", locked)
    _is_named_and_nothing_changes(served, str(served / "services"))


def _is_named_and_nothing_changes(served: Path, path: str) -> None:
    before = git(served, "status", "--porcelain")
    for command in ("check", "update"):
        refused = tool(command, str(served))
        assert (refused.code, "make what is named readable" in refused.errors) == (4, True)
        assert path in refused.errors
    assert git(served, "status", "--porcelain") == before


@pytest.mark.parametrize("place", ["services", "services/mail"])
def test_a_service_in_a_repository_of_its_own_is_refused(place: str, served: Path) -> None:
    git(served, "init", "--quiet", place)
    refused = tool("new", str(served / "services/mail"), *SMALL)
    assert (refused.code, "in a repository of its own" in refused.errors) == (2, True)
    assert f"remove {served / place / '.git'}" in refused.errors.partition("fix: ")[2]
    assert not (served / "services/mail/.copier-answers.yml").exists()


def test_services_behind_a_link_are_refused_with_what_helps(served: Path) -> None:
    (served / "services").rename(served / "elsewhere")
    (served / "services").symlink_to("elsewhere")
    refused = tool("new", str(served / "services/mail"), *SMALL)
    assert (refused.code, "it is a symbolic link" in refused.errors) == (3, True)
    assert "put a directory in its place" in refused.errors


@pytest.mark.parametrize("link", ["services", "services/group"])
def test_a_service_is_not_made_behind_a_link_that_leads_out_of_the_workspace(
    shop: Path, link: str
) -> None:
    outside = shop.parent / "outside"
    outside.mkdir()
    (shop / link).parent.mkdir(exist_ok=True)
    (shop / link).symlink_to(outside)
    before = contents(shop)
    refused = tool("new", str(shop / link / "mail"), *SMALL)
    assert (refused.code, f"{shop / link} is in the way" in refused.errors) == (3, True)
    assert "it is a symbolic link" in refused.errors
    assert (contents(shop), list(outside.iterdir())) == (before, [])


def test_services_behind_a_link_are_found_and_not_taken_for_kept(served: Path) -> None:
    (served / "services").rename(served.parent / "elsewhere")
    (served / "services").symlink_to(served.parent / "elsewhere")
    commit(served)
    before = contents(served)
    refused = tool("update", str(served))
    assert (refused.code, refused.errors.partition("\n")[0]) == (
        2,
        "error: services is a symbolic link",
    )
    assert "services is a symbolic link" in tool("check", str(served)).output
    assert contents(served) == before


def test_a_service_that_is_a_repository_is_told_how_to_be_kept(served: Path) -> None:
    """It can be no better: to an update of its own it is a root, with a root's port and CI."""
    chat = served / "services/chat"
    git(chat, "init", "--quiet")
    before = contents(served)
    refused = tool("update", str(served))
    assert (refused.code, "services/chat is a repository" in refused.errors) == (2, True)
    for place in (served, chat):
        [_, problem] = tool("check", str(place)).output.split("a repository of its own", 1)
        assert "remove its .git" in problem
    assert contents(served) == before
    shutil.rmtree(chat / ".git")
    assert made(tool("check", str(served))).code == 0


@pytest.mark.parametrize("name", ["in\ngest", "a\x1b[2J", "a\rb"])
def test_a_name_that_would_write_over_the_terminal_is_escaped(name: str, served: Path) -> None:
    (served / "services/chat").rename(served / "services" / name)
    for run in (tool("check", str(served)), tool("update", str(served))):
        [line] = [one for one in (run.output + run.errors).split("\n") if "has a name" in one]
        assert f"services/{name!r}".replace("'", "") in line


def test_what_a_killed_run_left_is_named(repository: Path) -> None:
    (repository / MARKER).mkdir()
    refused = workspace(repository)
    assert (refused.code, f"remove {repository / MARKER}" in refused.errors) == (3, True)
    (repository / MARKER).rmdir()
    made(workspace(repository))


def test_a_name_that_files_would_have_to_quote_is_found(served: Path) -> None:
    git(served, "mv", "services/chat", "services/a b")
    assert [clash.place for clash in clashes_in(served)] == ["services/a b"]
    assert strays_in(served) == []


@pytest.mark.parametrize(
    ("command", "said_as"),
    [
        (["switch", "flask"], "switch flask"),
        (["add", "metrics"], "add metrics"),
        (["remove", "docker"], "remove docker"),
        (["update", "--set", "framework=flask"], "--set framework=flask"),
        (["update", "--set", "deploy=docker"], "--set deploy=docker"),
        (["update", "--set", "preset=service"], "nor a workspace something else"),
    ],
    ids=lambda value: "-".join(value).replace("--", "") if isinstance(value, list) else "",
)
def test_what_is_said_of_a_service_is_not_said_of_a_root(
    command: list[str], said_as: str, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop)
    before = contents(shop)
    refused = tool(*command)
    assert (refused.code, said_as in refused.errors) == (2, True), refused.errors
    assert "services/" in refused.errors.partition("fix: ")[2]
    assert contents(shop) == before


def test_a_service_does_not_become_a_root(served: Path) -> None:
    refused = tool("update", str(served / "services/chat"), "--set", "preset=workspace")
    assert (refused.code, "cannot become a workspace" in refused.errors) == (2, True)


@pytest.mark.parametrize(
    "flags",
    [
        ["--framework", "flask"],
        ["--provider", "azure"],
        ["--feature", "metrics"],
        ["--deploy", "docker"],
        ["--async", "none"],
        ["--no-docs"],
        ["--team", "flask"],
        ["--scale", "prototype"],
        ["--install"],
    ],
    ids=lambda flags: "-".join(flags).lstrip("-"),
)
def test_a_flag_that_is_for_a_service_is_not_dropped(flags: list[str], work: Path) -> None:
    refused = workspace(work / "shop", *flags)
    assert (refused.code, "is nothing for a workspace" in refused.errors) == (2, True)
    assert " ".join(flags) in refused.errors
    assert not (work / "shop").exists()


def test_what_the_machine_prefers_does_not_matter(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENAI_SCAFFOLD_PROVIDER", "azure")
    (Path.home() / ".config/genai-scaffold").mkdir()
    (Path.home() / ".config/genai-scaffold/config.yml").write_text("framework: flask\n")
    made(workspace(work / "shop", "--scale", "microservices", "--license", "none"))
    assert set(contents(work / "shop")) == ROOT - {"LICENSE"}


@pytest.mark.parametrize(
    "description", ["Fills {{ tags }} and {% blocks %}", "*a* [b](c) `d` <e> # f", "1. It's: 'é'"]
)
def test_any_text_is_taken(description: str, work: Path) -> None:
    made(workspace(work / "shop", "--description", description))
    recorded = yaml.safe_load((work / "shop/.copier-answers.yml").read_text("utf-8"))
    assert recorded["description"] == description
    assert made(tool("update", str(work / "shop"))).output == "✓ The project is up to date.\n"


@pytest.mark.parametrize(
    "services", ["", "chat", "[[a]]", "{a: 1}"], ids=["none", "text", "lists", "map"]
)
def test_a_list_by_hand_is_corrected(services: str, served: Path) -> None:
    answers = served / ".copier-answers.yml"
    text = answers.read_text("utf-8").replace(
        "services:\n- chat\n- ingest\n", f"services: {services}\n"
    )
    answers.write_text(text, "utf-8")
    commit(served)
    assert "run an update" in tool("check", str(served)).output
    made(tool("update", str(served)))
    assert yaml.safe_load(answers.read_text("utf-8"))["services"] == ["chat", "ingest"]


@pytest.mark.parametrize("names", [[], ["chat"], ["ingest", "chat"]], ids=["0", "1", "2"])
def test_its_workflow_finds_each_service_by_its_place(names: list[str], shop: Path) -> None:
    jobs = yaml.safe_load((shop / ".github/workflows/ci.yml").read_text("utf-8"))["jobs"]
    [step] = [step for step in jobs["find"]["steps"] if step.get("id") == "find"]
    (shop / "requirements-dev.txt").touch()  # of no service
    for name in names:
        (shop / "services" / name).mkdir(parents=True)
        (shop / "services" / name / "requirements-dev.txt").touch()
    output = shop / "output"
    command = [sys.executable, "-c", step["run"]]
    subprocess.run(command, cwd=shop, env={"GITHUB_OUTPUT": str(output)}, check=True)
    assert output.read_text("utf-8") == f"services={json.dumps(sorted(names))}\n"
    assert jobs["check"]["if"] == "needs.find.outputs.services != '[]'"
    assert jobs["passed"]["needs"] == ["find", "check"]
