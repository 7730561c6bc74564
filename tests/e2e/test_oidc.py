"""A route asks for a scope in one line, and the page takes a token; the issuer is a real one."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from e2e.browser import READY, browsing
from e2e.conftest import required
from e2e.projects import Project
from e2e.servers import serving

pytestmark = pytest.mark.slow

ROUTERS = {
    "fastapi": """
from fastapi import APIRouter
from pydantic import BaseModel

from backend.api.dependencies import ClientDep, needs_scope
from backend.api.routing import StrictRoute

router = APIRouter(route_class=StrictRoute)


class Report(BaseModel):
    writer: str


@router.post("/reports", dependencies=[needs_scope("reports:write")])
async def write_report(client: ClientDep) -> Report:
    return Report(writer=client)
""",
    "flask": """
from flask import Blueprint
from pydantic import BaseModel

from backend.api.dependencies import admit_with, client
from backend.api.routing import typed

router = Blueprint("reports", __name__)


class Report(BaseModel):
    writer: str


@router.post("/reports")
@typed(guard=admit_with("reports:write"))
def write_report() -> Report:
    return Report(writer=client())
""",
}
TEST = """
from backend.api_keys import digest
from tests.conftest import Serve
from tests.test_identity import Issuer, configured, issuer

__all__ = ["issuer"]


def test_asks_for_a_scope(issuer: Issuer, serve: Serve) -> None:
    client = serve(**configured(issuer), api_keys=f"batch:{digest('a-key')}")

    def written(bearer: str) -> tuple[int, object]:
        answer = client.post("/reports", headers={"authorization": f"Bearer {bearer}"})
        body = answer.json()
        return answer.status_code, body.get("writer") or body["error"]["code"]

    assert written(issuer.token(scope="reports:read reports:write")) == (200, "alice")
    assert written(issuer.token(scope="reports:read")) == (403, "insufficient_scope")
    assert written(issuer.token()) == (403, "insufficient_scope")
    assert written("a-key") == (200, "batch")
    assert written("another") == (401, "invalid_token")
    assert client.post("/reports").status_code == 401
"""


@pytest.mark.parametrize("name", ["fastapi-azure", "flask-azure"])
def test_a_route_asks_for_a_scope(
    project: Callable[[str], Project], name: str, tmp_path: Path
) -> None:
    made = project(name)
    folder = tmp_path / "my-app"
    shutil.copytree(made.folder, folder)
    here = made._replace(folder=folder)
    (folder / "backend/api/routers/reports.py").write_text(ROUTERS[here.framework])
    (folder / "backend/api/routers/__init__.py").write_text(
        "from backend.api.routers import reports, summaries\n\n"
        "FEATURES = [summaries.router, reports.router]\n"
    )
    (folder / "tests/test_scope.py").write_text(TEST)
    assert "1 passed" in here.run("pytest", "-q", "tests/test_scope.py")
    here.run("mypy", "backend", "tests/test_scope.py")


ISSUER = """
import time
from threading import Thread
from tests.test_identity import AUDIENCE, Issuer

with Issuer() as issuer:
    Thread(target=issuer.serve_forever, daemon=True).start()
    print(issuer.url, AUDIENCE, issuer.token(sub="ada", exp=time.time() + 3600), flush=True)
    input()
    issuer.shutdown()
"""


def test_the_page_takes_a_token(project: Callable[[str], Project], tmp_path: Path) -> None:
    made = project("fastapi-azure")
    with subprocess.Popen(
        (made.programs / "python", "-c", ISSUER),
        cwd=made.folder,
        env=made.variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as issuer:
        assert issuer.stdout
        url, audience, token = issuer.stdout.readline().split()
        with (
            serving(made, OIDC_ISSUER=url, OIDC_AUDIENCE=audience) as server,
            browsing((required("chromium"),), tmp_path / "profile") as browser,
        ):
            browser.listen()
            browser.visit(f"{server.url}/")
            browser.wait(f"{READY} && document.querySelector('dialog')?.open")
            for given in (f"{token}x", token):
                browser.value("document.querySelector('#given').focus()")
                browser.type(given)
                browser.press("Enter", "\r")
                if given != token:
                    browser.wait("document.querySelector('#refused').innerText")
                    refused = browser.value("document.querySelector('#refused').innerText")
                    assert refused == "The token is not valid"
            browser.wait("!document.querySelector('dialog').open")
            browser.value("document.querySelector('#text').focus()")
            browser.type("Hello")
            browser.press("Enter", "\r")
            browser.wait("document.querySelector('#log').innerText.includes('You said: Hello')")
            headers = {"authorization": f"Bearer {token}"}
            usage = httpx2.get(f"{server.url}/v1/usage", headers=headers).json()
        issuer.communicate("enough")
    assert usage["client"] == "ada"
    assert usage["tokens"]["used"] > 0
