"""A project passes its own checks, on nothing but what it pins."""

import json
import re
import shlex
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.machine import Machine
from e2e.projects import COMBINATIONS, PROTOTYPES, Project
from e2e.servers import Server, running

pytestmark = pytest.mark.slow


# Their own tests are run as the README says.
README_FOLLOWED = ("fastapi", "flask")
# These differ from others only by who serves the model: what does not depend on it was run there.
ANOTHER_PROVIDER = {"fastapi-anthropic", "flask-gemini", "fastapi-ollama", "flask-openrouter"}
ABOUT_A_PROVIDER = tuple(
    f"tests/test_{name}.py" for name in ("settings", "upstream", "embeddings", "limits", "logs")
)


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(("ruff", "check", "."), id="lint"),
        pytest.param(("ruff", "format", "--check", "."), id="format"),
        pytest.param(("mypy", "."), id="types"),
    ],
)
@pytest.mark.parametrize("combination", COMBINATIONS)
def test_passes_its_own_checks(
    project: Callable[[str], Project], combination: str, check: tuple[str, ...]
) -> None:
    project(combination).run(*check)


@pytest.mark.parametrize(
    "combination", [name for name in COMBINATIONS if name not in README_FOLLOWED]
)
def test_passes_its_own_tests(project: Callable[[str], Project], combination: str) -> None:
    where = ABOUT_A_PROVIDER if combination in ANOTHER_PROVIDER else ()
    project(combination).run("pytest", "-q", *where)


# Views as Flask's people write them, and what comes of each.
COMPOSED = """
import functools
from typing import Literal

from flask import Blueprint, Response, abort, current_app, request
from flask.views import MethodView
from pydantic import BaseModel

from backend.api.routing import typed
from backend.api.streaming import event_stream
from backend.application import create_app

own = Blueprint("own", __name__)


class Item(BaseModel):
    name: str


def login_required(view):
    @functools.wraps(view)
    def for_users(*args, **kwargs):
        return view(*args, **kwargs) if "x-user" in request.headers else abort(403)

    return for_users


@own.post("/above/<int:item_id>")
@login_required
@typed(tag="own")
def above(item_id: int, body: Item) -> tuple[Item, Literal[201]]:
    return Item(name=f"{item_id} {body.name}"), 201


@own.post("/below")
@typed()
@login_required
def below(body: Item) -> Item:
    return body


class Things(MethodView):
    decorators = [login_required]

    @typed()
    def get(self, item_id: int, more: int = 1) -> Item:
        return Item(name=str(item_id + more))

    @typed()
    def delete(self, item_id: int) -> tuple[Item, int]:
        return Item(name="gone"), 202


@own.get("/stream")
@typed()
def stream() -> Response:
    def words():
        yield str(current_app.config["MAX_MESSAGES"])

    return event_stream(words())


@own.get("/plain")
def plain():
    return "x"


own.add_url_rule("/things/<item_id>", view_func=Things.as_view("things"))
app = create_app()
app.register_blueprint(own)
client = app.test_client()
user = {"headers": {"x-user": "me"}}
for method, path, more in (
    ("POST", "/above/3", {**user, "json": {"name": "x"}}),
    ("POST", "/above/3", {"json": {"name": "x"}}),
    ("POST", "/below", {**user, "json": {"name": "x"}}),
    ("GET", "/things/4?more=2", user),
    ("GET", "/things/4", {}),
    ("GET", "/things/x", user),
    ("DELETE", "/things/4", user),
    ("GET", "/stream", {}),
    ("GET", "/plain", {}),
):
    answer = client.open(path, method=method, **more)
    print(answer.status_code, answer.text.partition(chr(10))[0])
paths = client.get("/openapi.json").json["paths"]
for path in ("/above/{item_id}", "/below", "/things/{item_id}"):
    print(path, {method: [*shown["responses"]] for method, shown in paths[path].items()})
"""


def test_views_compose_as_flask_s_do(project: Callable[[str], Project]) -> None:
    refused = '{"error":{"message":"Forbidden","type":"invalid_request_error","param":null,'
    printed = project("flask").run("python", "-c", COMPOSED).splitlines()
    said = [line for line in printed if not line.startswith('{"')]
    assert [re.split('"code"| valid', line)[0] for line in said] == [
        '201 {"name":"3 x"}',
        f"403 {refused}",
        '200 {"name":"x"}',
        '200 {"name":"6"}',
        f"403 {refused}",
        '422 {"error":{"message":"item_id: Input should be a',
        '202 {"name":"gone"}',
        '200 data: "1000"',
        "200 x",
        "/above/{item_id} {'post': ['201', 'default']}",
        "/below {'post': ['200', 'default']}",
        "/things/{item_id} {'delete': ['2XX', 'default'], 'get': ['200', 'default']}",
    ]
    [told] = [line for line in printed if "not_in_the_api_document" in line]
    assert '"views":["GET /plain"]' in told


NAMESAKES = """
import json, re
from app import app
from backend.api.routing import typed
from pydantic import BaseModel

class Message(BaseModel):  # as one of the gateway's is called, too
    subject: str

@app.post("/mine")
@typed(tag="features")
def mine(message: Message) -> Message:
    return message

document = app.test_client().get("/openapi.json").json
[content] = document["paths"]["/mine"]["post"]["requestBody"]["content"].values()
name = content["schema"]["$ref"].rpartition("/")[2]
print(list(document["components"]["schemas"][name]["properties"]))
named = set(re.findall('#/components/schemas/([^"]+)', json.dumps(document)))
print(named - set(document["components"]["schemas"]))
"""


def test_models_that_share_a_name_are_told_apart_in_flask_s_document(
    project: Callable[[str], Project],
) -> None:
    printed = project("flask").run("python", "-c", NAMESAKES).splitlines()
    assert printed[-2:] == ["['subject']", "set()"]


REFUSED = """
from backend.api.responses import Echo, Greeting
from backend.api.routing import typed

try:

    @typed(tag="example")
    {view}: ...

except TypeError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        pytest.param("def find()", "annotate what it returns", id="returns nothing"),
        pytest.param("def find() -> list[Greeting]", "RootModel[list[...]]", id="returns a list"),
        pytest.param("def find(a: Echo, b: Echo) -> Greeting", "one model", id="two models"),
        pytest.param("def find(tags: list[str]) -> Greeting", "tags is not", id="a list"),
        pytest.param(
            "def find(like: Echo | None) -> Greeting", "like is not", id="perhaps a model"
        ),
    ],
)
def test_a_view_that_nothing_could_call_is_refused_by_its_name(
    project: Callable[[str], Project], view: str, reason: str
) -> None:
    said = project("flask").run("python", "-c", REFUSED.format(view=view))
    assert said.startswith("find: ")
    assert reason in said


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_is_found_sound(
    project: Callable[[str], Project], scaffold: Path, combination: str
) -> None:
    project(combination).run(str(scaffold), "check")


@pytest.mark.parametrize(
    "combination",
    [
        *("fastapi", "fastapi-azure", "fastapi-prototype-plain"),
        *("flask", "flask-azure", "flask-threads-no-docs", "flask-prototype"),
    ],
)
def test_its_requirements_are_what_their_command_makes(
    project: Callable[[str], Project], combination: str, tmp_path: Path
) -> None:
    made = project(combination)
    again = made._replace(folder=tmp_path / "again")
    shutil.copytree(made.folder, again.folder)
    for name in ("requirements.txt", "requirements-dev.txt"):
        [command] = re.findall(r"^# +(uv pip compile .*)$", made.read(name), re.MULTILINE)
        # What is pinned stays pinned; a release may have got more files since, with their hashes.
        again.run(*shlex.split(command))
        before, after = (lines_of(there.read(name)) for there in (made, again))
        known = set(before)
        assert [line for line in after if line in known or "--hash=" not in line] == before


def lines_of(requirements: str) -> list[str]:
    return requirements.replace(" \\\n", "\n").splitlines()


def pinned(requirements: str) -> set[str]:
    return set(re.findall(r"^[a-z0-9.-]+==\S+", requirements, re.MULTILINE))


@pytest.mark.parametrize("combination", ["fastapi", "flask"])
def test_its_bill_of_materials_names_all_that_it_pins(
    project: Callable[[str], Project], combination: str, tmp_path: Path
) -> None:
    made = project(combination)._replace(folder=tmp_path / "my-app")
    shutil.copytree(project(combination).folder, made.folder)
    [command] = re.findall(r"^(uvx .*cyclonedx.*)$", made.read("README.md"), re.MULTILINE)
    made.run(*shlex.split(command))
    bill = json.loads(made.read("sbom.json"))
    assert bill["metadata"]["component"]["name"] == "my-app"
    parts = {f"{part['name']}=={part['version']}" for part in bill["components"]}
    assert parts == pinned(made.read("requirements.txt"))
    assert all(part["externalReferences"][0]["hashes"] for part in bill["components"])


@pytest.mark.parametrize("framework", README_FOLLOWED)
def test_its_readme_is_enough(
    machine: Machine, scaffold: Path, framework: str, tmp_path: Path
) -> None:
    folder = tmp_path / "my-app"
    machine.run(str(scaffold), "new", str(folder), "--yes", "--framework", framework)
    readme = (folder / "README.md").read_text()
    run, test, ask = re.findall(r"```bash\n(.*?)\n```", readme, re.DOTALL)[:3]
    assert " passed" in machine.run("sh", "-c", test, directory=folder)
    with running(lambda port: on_port(run, port), folder, machine.variables) as server:
        assert_answers(machine, ask, server)


def on_port(run: str, port: int) -> str:
    """What a README says to start the project with, for another port than it says."""
    assert run.endswith("8000")
    return run.removesuffix("8000") + str(port)


def assert_answers(machine: Machine, ask: str, server: Server) -> None:
    assert ask.count("http://127.0.0.1:8000") == 1
    said = machine.run("sh", "-c", ask.replace("http://127.0.0.1:8000", server.url))
    assert "Hello!" in said
    assert "data: [DONE]" in said


@pytest.mark.parametrize(
    "combination", ["fastapi", "flask-openrouter", "fastapi-azure", *PROTOTYPES]
)
def test_it_is_built_and_installed_and_leaves_nothing_but_dist(
    project: Callable[[str], Project], combination: str, tmp_path: Path
) -> None:
    made = project(combination)._replace(folder=tmp_path / "my-app")
    ignored = shutil.ignore_patterns(".*_cache", "__pycache__")
    shutil.copytree(project(combination).folder, made.folder, ignore=ignored)
    (made.folder / ".env").write_text("LLM_API_KEY=none\n")
    before = set(made.folder.iterdir())
    made.run("uv", "build", "--quiet")
    site, module = tmp_path / "site", "main" if made.framework == "fastapi" else "app"
    made.run("uv", "pip", "install", "--quiet", "--no-deps", "--target", str(site), ".")
    assert set(made.folder.iterdir()) - before == {made.folder / "dist"}
    [wheel], [sdist] = (
        list((made.folder / "dist").glob(f"*.{kind}")) for kind in ("whl", "tar.gz")
    )
    packed = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in packed if ".dist-info/" not in name}
    assert tops == {f"{module}.py"} | ({"backend"} if (made.folder / "backend").exists() else set())
    with tarfile.open(sdist) as archive:
        assert not any(name.endswith(".env") for name in archive.getnames())
    find = f"import importlib.util as u; print(u.find_spec('{module}').origin)"
    found = made._replace(folder=site).run("python", "-c", find)
    assert found == f"{site / module}.py\n"
