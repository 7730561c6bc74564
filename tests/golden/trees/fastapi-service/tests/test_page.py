"""The chat page, and for whom it is."""

import re
from base64 import b64encode
from hashlib import sha256

import httpx2
import pytest

from tests.conftest import Serve
from tests.test_api import IN_PRODUCTION

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        pytest.param(BROWSER, "text/html", id="a browser"),
        pytest.param("Text/HTML; charset=utf-8", "text/html", id="capitals"),
        pytest.param("application/json;q=0.5, text/html;q=0.6", "text/html", id="rather HTML"),
        pytest.param("*/*", "application/json", id="curl"),
        pytest.param("application/json, text/plain, */*", "application/json", id="a script"),
        pytest.param("text/html;q=0.8, */*", "application/json", id="rather anything"),
        pytest.param("text/html;q=0, */*;q=0", "application/json", id="no HTML"),
        pytest.param("text/html;q=nan", "application/json", id="no number"),
        pytest.param(",;q=,text/*;", "application/json", id="no type"),
    ],
)
def test_is_shown_to_browsers_alone(client: httpx2.Client, accept: str, kind: str) -> None:
    response = client.get("/", headers={"accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"].partition(";")[0] == kind
    assert response.headers["vary"] == "Accept"


def test_reads_each_line_of_a_header(client: httpx2.Client) -> None:
    response = client.get("/", headers=[("accept", "text/plain"), ("accept", "text/html")])
    assert response.headers["content-type"].startswith("text/html")


def test_answers_a_probe_with_no_page(client: httpx2.Client) -> None:
    response = client.head("/", headers={"accept": BROWSER})
    assert (response.status_code, response.content) == (200, b"")


def test_is_in_production_where_it_is_wanted(serve: Serve) -> None:
    silent = serve(**IN_PRODUCTION).get("/", headers={"accept": BROWSER})
    assert (silent.status_code, silent.json()["error"]["code"]) == (401, "invalid_api_key")
    speaking = serve(**IN_PRODUCTION, page=True)
    assert speaking.get("/", headers={"accept": BROWSER}).status_code == 200
    assert speaking.get("/", headers={"accept": "*/*"}).status_code == 401
    assert speaking.get("/v1/models").status_code == 401


def test_is_left_out_where_it_is_not_wanted(serve: Serve) -> None:
    response = serve(page=False).get("/", headers={"accept": BROWSER})
    assert response.json()["message"].startswith("Hello from ")
    assert "vary" not in response.headers


def test_may_run_its_own_script_and_nothing_else(client: httpx2.Client) -> None:
    response = client.get("/", headers={"accept": "text/html"})
    policy = dict(
        directive.split(" ", 1)
        for directive in response.headers["content-security-policy"].split("; ")
    )
    for tag in ("script", "style"):
        [text] = re.findall(f"<{tag}>(.*?)</{tag}>", response.text, re.DOTALL)
        allowed = b64encode(sha256(text.encode()).digest()).decode()
        assert policy[f"{tag}-src"] == f"'sha256-{allowed}'"
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r"<[^>]*\s(on\w+|style|src)=", response.text.partition("<script>")[0])


def test_is_small(client: httpx2.Client) -> None:
    assert len(client.get("/", headers={"accept": "text/html"}).content) <= 20_000
