"""What a merge leaves to the user: code that uses what is gone, and settings that changed."""

import ast
import json
import sys
from pathlib import Path

import pytest
from repositories import commit, new, tool

from genai_scaffold.merge.change import Conflict
from genai_scaffold.update.leftovers import Setting, find_leftovers, find_variables
from genai_scaffold.update.uses import Use

OLD = {
    "main.py": "import fastapi\nimport json\nfrom backend import errors, metrics\n",
    "backend/__init__.py": "",
    "backend/errors.py": "class AppError(Exception): ...\nLIMIT: int = 3\nfrom os import path\n"
    "async def raised(): ...\ndef kept(): ...\nasync def later(): ...\n"
    "class Service:\n    async def complete(self): ...\n    def stream(self): ...\n"
    "    async def same(self): ...\n",
    "backend/metrics.py": "import prometheus_client\n",
    "requirements.txt": "fastapi==1\nprometheus-client==2\n",
    ".env.example": "# How much.\n# AMOUNT=1\n# Gone.\n# OLD=1\n# As it was.\nSAME=1\n",
}
NEW = {
    "app.py": "import flask\nfrom backend import errors\n",
    "backend/__init__.py": "",
    "backend/errors.py": "class OtherError(Exception): ...\nfrom os import path\n"
    "def raised(): ...\ndef kept(): return 2\ndef later(): ...\n"
    "class Service:\n    def complete(self): ...\n    async def stream(self): ...\n"
    "    async def same(self): ...\n",
    "requirements.txt": "flask==1\nanyio==2\n",
    ".env.example": "# How much, otherwise.\n# AMOUNT=1\n# As it was.\nSAME=1\n",
}


def written(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("code", "problems"),
    [
        pytest.param("import fastapi\n", ["1: imports fastapi"], id="package"),
        pytest.param("\nimport fastapi.routing as r\n", ["2: imports fastapi"], id="its module"),
        pytest.param("from fastapi import APIRouter\n", ["1: imports fastapi"], id="its name"),
        pytest.param(
            "def f():\n    import prometheus_client\n", ["2: imports prometheus_client"], id="inner"
        ),
        pytest.param(
            "import backend.metrics\n", ["1: imports backend.metrics, which"], id="module"
        ),
        pytest.param("from backend import metrics\n", ["1: imports metrics from"], id="submodule"),
        pytest.param("from backend.errors import AppError\n", ["1: imports AppError"], id="class"),
        pytest.param("from backend.errors import LIMIT\n", ["1: imports LIMIT"], id="constant"),
        pytest.param("from ..errors import AppError\n", ["1: imports AppError"], id="relative"),
        pytest.param(
            "from backend.errors import raised, kept\n",
            ["1: imports raised from backend.errors, where it is different"],
            id="function that is different",
        ),
        pytest.param("from ..metrics import x\n", ["1: imports backend.metrics"], id="gone, too"),
        pytest.param(
            "from backend.errors import AppError, LIMIT\nimport fastapi, fastapi.routing\n",
            [
                "1: imports AppError from backend.errors, where it is gone; imports LIMIT",
                "2: imports fastapi, which is not installed any more",
            ],
            id="one line a place",
        ),
        pytest.param(
            "from backend.errors import Service\ndef f(s: Service) -> None:\n    s.complete()\n",
            ["3: calls complete, which is not async any more"],
            id="method that was async",
        ),
        pytest.param(
            "import backend.errors\nasync def f(s):\n    async for x in s.stream(): ...\n",
            ["3: calls stream, which is async now"],
            id="method that is async now",
        ),
        pytest.param(
            "from backend.errors import later as x\nasync def f():\n    return await x()\n",
            ["1: imports later", "3: calls later, which is not async any more"],
            id="function that was async",
        ),
        pytest.param("async def f(s):\n    await s.complete()\n", [], id="a method of others"),
        pytest.param(
            "import backend.errors\ndef later(): ...\nlater()\nx.same()\n", [], id="its function"
        ),
        pytest.param(
            "from backend import errors as e\nimport backend.errors\nimport backend.errors as m\n"
            "e.AppError.x\nbackend.errors.LIMIT\nm.later\n",
            [
                "4: uses AppError from backend.errors, where it is gone",
                "5: uses LIMIT from backend.errors, where it is gone",
                "6: uses later from backend.errors, where it is different now",
            ],
            id="through a module",
        ),
        pytest.param(
            "from backend import errors\nx = other.AppError\ny = errors().AppError\n",
            [],
            id="of something else",
        ),
        pytest.param(
            "from backend import metrics\nmetrics.count()\n",
            ["1: imports metrics from backend, where it is gone"],
            id="of a module that is gone",
        ),
        pytest.param(
            "mock.patch('backend.errors.AppError')\nmock.patch('backend.metrics.count')\n"
            "uvicorn.run('main:app')\n'backend.errors.kept'\n'Not backend.metrics'\n",
            [
                "1: names AppError from backend.errors, where it is gone",
                "2: names backend.metrics, which is gone",
                "3: names main, which is gone",
            ],
            id="in a text",
        ),
        pytest.param("import json, anyio, os.path\n", [], id="what is there"),
        pytest.param("from backend.errors import path\n", [], id="what is imported there"),
        pytest.param("from backend import errors\n", [], id="module that is there"),
        pytest.param("import numpy\nimport mine\n", [], id="what was never the template's"),
        pytest.param("from . import sibling\nfrom .... import x\n", [], id="its own"),
        pytest.param("this is not Python\n", [], id="not Python"),
        pytest.param("\0", [], id="bytes"),
    ],
)
def test_code_that_uses_what_is_gone(code: str, problems: list[str], tmp_path: Path) -> None:
    old, new_ = written(tmp_path / "old", OLD), written(tmp_path / "new", NEW)
    merged = written(tmp_path / "merged", {**NEW, "backend/mine/module.py": code})
    found = find_leftovers(old, new_, merged, tmp_path).uses
    assert all(use.path == "backend/mine/module.py" for use in found)
    assert len(found) == len(problems)
    for use, words in zip(found, problems, strict=True):
        assert f"{use.line}: {use.problem}".startswith(words)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        pytest.param("requirements.txt", b"# caf\xe9\nanyio==1\n", id="requirements in Latin-1"),
        pytest.param(".env.example", b"# caf\xe9\n# AMOUNT=1\n", id="settings in Latin-1"),
        pytest.param("backend/errors.py", b"LIMIT = 1" + b" + 1" * 1500, id="a long sum"),
        pytest.param("mine.py", b"raised" + b".of" * 5000, id="a long chain"),
        pytest.param("mine.py", b"import backend\nbackend" + b".of" * 5000, id="of ours"),
        pytest.param("mine.py", b"raised = " + b"(" * 900 + b")" * 900, id="deep brackets"),
        pytest.param("mine.py", b"raised = '" + b"x" * 4_000_000 + b"'", id="a long line"),
        pytest.param("mine.py", b"# caf\xe9\nimport raised\n", id="code in Latin-1"),
        pytest.param("run.sh", b"python -m caf\xe9 -m backend.metrics\n", id="a script, too"),
        pytest.param("m\udce9.py", b"import raised\n", id="a name that is no text"),
    ],
)
def test_what_a_user_has_may_be_any_bytes(path: str, content: bytes, tmp_path: Path) -> None:
    old, new = (written(tmp_path / name, files) for name, files in (("old", OLD), ("new", NEW)))
    merged = written(tmp_path / "merged", {**NEW, "user.py": "import fastapi\n"})
    for folder in (merged, new) if path == "requirements.txt" else (merged,):
        (folder / path).write_bytes(content)
    uses, _ = find_leftovers(old, new, merged, merged)
    assert "user.py" in {use.path for use in uses}


@pytest.mark.parametrize(
    ("added", "own", "problem"),
    [
        ("backend/keys.py", "backend/keys/__init__.py", "hides backend/keys.py"),
        ("backend/keys.py", "backend/keys/mine.py", "is hidden by backend/keys.py"),
        ("keys/__init__.py", "keys.py", "is hidden by keys/__init__.py"),
        ("backend/keys.py", "backend/other/keys.py", None),
        ("keys/__init__.py", "keys/mine.py", None),
        ("backend/errors.py", "backend/errors/__init__.py", None),
    ],
    ids=["package", "folder", "module", "elsewhere", "within", "not-new"],
)
def test_modules_of_one_name(added: str, own: str, problem: str | None, tmp_path: Path) -> None:
    old, new_ = written(tmp_path / "old", OLD), written(tmp_path / "new", {added: "", **NEW})
    merged = written(tmp_path / "merged", {added: "", **NEW, own: ""})
    expected = [Use(own, 1, f"{problem}, which the template adds")] if problem else []
    assert list(find_leftovers(old, new_, merged, tmp_path).uses) == expected


def test_scripts_that_run_what_is_gone(tmp_path: Path) -> None:
    old = {**OLD, "main.py": "app = 1\n", "Dockerfile": "CMD uvicorn main:app\n"}
    mine = {
        "run.sh": "python -m backend.metrics\nx -m backend.errors\nuvicorn main:app -m main\n",
        "push.sh": "git push origin main:main\nhttp://main:80\ngit commit -m 'main'\n",
        "Dockerfile": "CMD uvicorn main:app\nRUN python  -m main\n",
        "photo.png": "\x89\0-m",
    }
    old_, new_ = written(tmp_path / "old", old), written(tmp_path / "new", NEW)
    merged = written(tmp_path / "merged", {**NEW, **mine})
    assert find_leftovers(old_, new_, merged, tmp_path).uses == (
        Use("Dockerfile", 2, "runs main, which is gone"),
        Use("run.sh", 1, "runs backend.metrics, which is gone"),
        Use("run.sh", 3, "runs main, which is gone"),
    )


def test_only_code_that_mentions_what_changed_is_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = "import json\n\nMINE = [json, 'raises AppErrors']\n"
    old, new_ = written(tmp_path / "old", OLD), written(tmp_path / "new", NEW)
    merged = written(tmp_path / "merged", {**NEW, "mine.py": own, "use.py": "import fastapi\n"})
    parsed, parse = [], ast.parse

    def remembering(text: bytes) -> ast.Module:
        parsed.append(text)
        return parse(text)

    with monkeypatch.context() as patch:
        patch.setattr(ast, "parse", remembering)
        found = find_leftovers(old, new_, merged, tmp_path)
    assert [use.path for use in found.uses] == ["use.py"]
    assert own.encode() not in parsed


ROUTES = "from fastapi import APIRouter\n\nrouter = APIRouter()\nLIMIT = 3\n"
THEIRS = "from flask import Blueprint\n\nrouter = Blueprint()\nLIMIT = 3\n"
MINE = "@router.get('/mine')\ndef mine():\n    return LIMIT\n"
CLEAN = f"{THEIRS}{MINE}"
CONFLICT = f"{THEIRS}<<<<<<< HEAD\nimport fastapi.responses\n{MINE}=======\nrouter.x\n>>>>>>> new\n"
DIFF3 = CONFLICT.replace("=======", "||||||| base\nrouter.y\n=======")
WHOLE = f"<<<<<<< HEAD\n{ROUTES}{MINE}=======\n{THEIRS}>>>>>>> new\n"


@pytest.mark.parametrize(
    ("merged", "problems"),
    [
        pytest.param(CLEAN, ["5: uses router"], id="clean"),
        pytest.param(CONFLICT, ["6: imports fastapi", "7: uses router"], id="conflict"),
        pytest.param(DIFF3, ["6: imports fastapi", "7: uses router"], id="with its base"),
        pytest.param(WHOLE, ["6: uses router"], id="in conflict as a whole"),
        pytest.param(f"{CONFLICT}def\n", [], id="not Python"),
    ],
)
def test_the_users_own_lines_in_a_file_of_the_template(
    merged: str, problems: list[str], tmp_path: Path
) -> None:
    old = written(tmp_path / "old", {**OLD, "routes.py": ROUTES})
    new_ = written(tmp_path / "new", {**NEW, "routes.py": THEIRS})
    result = written(tmp_path / "merged", {**NEW, "routes.py": merged})
    found = find_leftovers(old, new_, result, tmp_path).uses
    assert len(found) == len(problems)
    for use, words in zip(found, problems, strict=True):
        assert f"{use.line}: {use.problem}".startswith(words)


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        pytest.param("def used(a): ...", "", True, id="function that is gone"),
        pytest.param("def used(a): ...", "def used(a, b): ...", True, id="other parameters"),
        pytest.param("def used() -> int: ...", "def used() -> str: ...", True, id="other result"),
        pytest.param("async def used(): ...", "def used(): ...", True, id="not awaited any more"),
        pytest.param("def used(): return 1", "def used(): return 2", False, id="other body"),
        pytest.param("class used: ...", "", True, id="class that is gone"),
        pytest.param("class used: a = 1", "class used: a = 2", False, id="class that is there"),
        pytest.param("used: int = 1", "", True, id="constant that is gone"),
        pytest.param("used: int = 1", "used: int = 2", True, id="other constant"),
        pytest.param("used = 1", "used: int = 1", False, id="constant that got a type"),
    ],
)
def test_what_a_module_defines(before: str, after: str, named: bool, tmp_path: Path) -> None:
    old = written(tmp_path / "old", {"module.py": f"{before}\n"})
    new_ = written(tmp_path / "new", {"module.py": f"{after}\n"})
    result = written(tmp_path / "merged", {"module.py": f"{after}\nmine = [used]\n"})
    uses = find_leftovers(old, new_, result, tmp_path).uses
    problem = "uses used, which is gone or different now"
    assert list(uses) == ([Use("module.py", 2, problem)] if named else [])


def test_a_switch_names_the_lines_of_a_conflict(work: Path) -> None:
    project = new(work / "my-app", "--framework", "fastapi")
    routes = project / "backend/api/routers/gateway.py"
    mine = '@router.get("/mine")\nasync def mine(client: ClientDep) -> str:\n    return "x"\n\n\n'
    before, route, after = routes.read_text().partition("@router.")
    routes.write_text(f"{before}{mine}{route}{after}")
    commit(project)
    run = tool("switch", "flask", str(project), "--json")
    assert run.code == 3, run.errors
    lines = routes.read_text().splitlines()
    uses = json.loads(run.output)["uses"]
    assert [(use["problem"].split(",")[0], lines[use["line"] - 1][:13]) for use in uses] == [
        ("uses router", '@router.get("'),
        ("uses ClientDep", "async def min"),
    ]


def test_settings_that_are_gone_or_mean_something_else(tmp_path: Path) -> None:
    old, new_ = written(tmp_path / "old", OLD), written(tmp_path / "new", NEW)
    project = written(tmp_path / "project", {".env": "OLD=2\nSAME=3\n"})
    assert find_leftovers(old, new_, new_, project).settings == (
        Setting("AMOUNT", "works differently: .env.example says how", is_set=False),
        Setting("OLD", "is not read any more", is_set=True),
    )


def test_variables_of_the_server_that_is_gone(tmp_path: Path) -> None:
    mine = {
        "render.yaml": "envVars:\n- {key: SERVER_ARGS, value: '--secret'} # SERVER_ARGS\n",
        ".env": "SERVER_TRACKED=1\n",
        "README.md": "MY_SERVER_ARGS\n",
        "conflict.yaml": "SERVER_ARGS: 1\n",
        "Dockerfile": "ENV SERVER_ARGS=generated\n",
        "photo.png": "\x89\0",
    }
    new_ = written(tmp_path / "new", {**NEW, "Dockerfile": mine["Dockerfile"]})
    merged = written(tmp_path / "merged", {**NEW, **mine})
    (merged / "link.yaml").symlink_to("nowhere")
    own = "# SERVER_OFF=1\nSERVER_ARGS=--secret\nexport SERVER_KEY=secret\nOTHER=SERVER_NO\n"
    project = written(tmp_path / "project", {".env": own})
    conflicts = (Conflict("conflict.yaml", "changed by you and by the template"),)
    found = find_variables(("SERVER_",), new_, merged, project, conflicts)
    assert found.uses == (Use("render.yaml", 2, "names SERVER_ARGS, which is not read any more"),)
    assert found.settings == (
        Setting("SERVER_ARGS", "is not read any more", is_set=True),
        Setting("SERVER_KEY", "is not read any more", is_set=True),
    )
    assert find_variables((), new_, merged, project, conflicts) == ((), ())


@pytest.mark.parametrize(
    ("before", "after", "variable"),
    [("flask", "fastapi", "GUNICORN_CMD_ARGS"), ("fastapi", "flask", "UVICORN_LIMIT_CONCURRENCY")],
)
def test_a_switch_names_what_only_the_other_server_reads(
    before: str, after: str, variable: str, work: Path
) -> None:
    project = new(work / "my-app", "--framework", before)
    (project / ".env").write_text(f"{variable}=a-secret\n")
    with (project / "render.yaml").open("a") as file:
        file.write(f"      - key: {variable}\n        value: a-secret\n")
    commit(project)
    run = tool("switch", after, str(project), "--json")
    assert run.code == 0, run.errors
    said = json.loads(run.output)
    problem = f"names {variable}, which is not read any more"
    assert [(use["path"], use["problem"]) for use in said["uses"]] == [("render.yaml", problem)]
    named = {setting["name"]: setting for setting in said["settings"]}
    assert named[variable]["is_set"] is True
    assert "a-secret" not in run.output


def test_a_switch_names_what_it_cannot_carry_over(work: Path) -> None:
    project = new(work / "my-app", "--framework", "flask", "--feature", "metrics")
    (project / ".env").write_text("FORWARDED_ALLOW_IPS=10.0.0.1\n")
    (project / "mine.py").write_text("from flask import Blueprint\n")
    left_to_the_user = project / "backend/api/routers/__init__.py"
    text = left_to_the_user.read_text()
    left_to_the_user.write_text(f"{text}from flask import Blueprint\n")
    commit(project)
    run = tool("switch", "fastapi", str(project), "--json")
    assert run.code == 0, run.errors
    said = json.loads(run.output)
    places = [("backend/api/routers/__init__.py", text.count("\n") + 1), ("mine.py", 1)]
    problem = "imports flask, which is not installed any more"
    assert said["uses"] == [
        {"path": path, "line": line, "problem": problem} for path, line in places
    ]
    named = {setting["name"]: setting for setting in said["settings"]}
    assert named["FORWARDED_ALLOW_IPS"]["is_set"] is True
    assert (project / ".env").read_text() == "FORWARDED_ALLOW_IPS=10.0.0.1\n"
    commit(project)
    shown = tool("switch", "flask", str(project))
    assert "FORWARDED_ALLOW_IPS works differently: .env.example says how (your .env sets it)" in (
        shown.output
    )
    *_, before, checks, _, _, _ = shown.output.splitlines()
    assert ".venv/bin/pip install" in before
    assert ".venv/bin/mypy ." in checks
    assert "To look at (not complete: mypy finds more)" in shown.output
    commit(project)
    assert "mypy" not in tool("add", "fly", str(project)).output


@pytest.mark.parametrize("is_edited", [False, True])
def test_a_list_goes_with_what_it_lists_unless_somebody_wrote_in_it(
    work: Path, is_edited: bool
) -> None:
    project = new(work / "my-app", "--framework", "flask")
    before = {path for path in project.rglob("*.py") if ".git" not in path.parts}
    assert tool("add", "tools", "--project", str(project)).code == 0
    tools = project / "backend/tools/__init__.py"
    if is_edited:
        tools.write_text(f"{tools.read_text()}# mine\n")
    commit(project)
    run = tool("remove", "tools", "--project", str(project))
    assert run.code == 0, run.errors
    assert tools.exists() == is_edited
    after = {path for path in project.rglob("*.py") if ".git" not in path.parts}
    assert after - before == ({tools} if is_edited else set())


def test_a_package_of_ones_own_that_is_called_as_a_list_is_not_taken_for_it(work: Path) -> None:
    project = new(work / "my-app", "--framework", "flask")
    own = project / "backend/tools/__init__.py"
    own.parent.mkdir()
    own.write_text("HAMMER = 1\n")
    commit(project)
    run = tool("add", "tools", "--project", str(project))
    assert (run.code, "backend/tools/__init__.py" in run.output) == (3, True)
    assert "HAMMER = 1\n" in own.read_text()
    assert "TOOLS = [" in own.read_text()


@pytest.mark.parametrize("framework", ["fastapi", "flask"])
def test_tools_come_and_go_beside_features_of_ones_own(work: Path, framework: str) -> None:
    project = new(work / "my-app", "--framework", framework)
    summaries = project / "backend/features/summaries.py"
    summaries.with_name("orders.py").write_text(summaries.read_text())
    routers = project / "backend/api/routers/__init__.py"
    routers.write_text(f"{routers.read_text()}# and of orders\n")
    settings = project / "backend/settings.py"
    level = '    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"\n'
    settings.write_text(settings.read_text().replace(level, f"{level}    orders: int = 17\n"))
    commit(project)
    before = sources(project)
    assert tool("add", "tools", "--project", str(project)).code == 0
    assert "orders: int = 17" in settings.read_text()
    assert "signing_key" in settings.read_text()
    commit(project)
    run = tool("remove", "tools", "--project", str(project))
    assert run.code == 0, run.errors
    assert sources(project) == before


def sources(project: Path) -> dict[Path, str]:
    return {path: path.read_text() for path in project.rglob("*.py") if ".git" not in path.parts}


@pytest.mark.parametrize("is_moved", [True, False])
def test_an_environment_that_was_moved_is_made_anew(is_moved: bool, work: Path) -> None:
    project = new(work / "my-app")
    script = project / ".venv/bin/pip"
    script.parent.mkdir(parents=True)
    script.write_text(f"#!{'/gone/.venv/bin/python' if is_moved else sys.executable}\nimport pip\n")
    shown = tool("add", "peers", "--project", str(project)).output
    assert ("python3 -m venv --clear .venv" in shown) is is_moved
    assert ".venv/bin/pip install -r" in shown
