"""Swagger UI and ReDoc are seen in a real browser, with the network cut."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.browser import browsing
from e2e.conftest import required
from e2e.projects import PROTOTYPES, START, Project
from e2e.servers import serving, started

pytestmark = pytest.mark.slow

NETWORK = f"genai-scaffold-{os.getpid()}"


@pytest.fixture(scope="module")
def cut_off() -> Iterator[tuple[str, ...]]:
    """What to put before a command, so that it reaches nothing but what is started in the same way.

    To cut the network off takes root; for others the browser's own rules have to do.
    """
    ip = shutil.which("ip")
    if ip is None or subprocess.run((ip, "netns", "add", NETWORK), check=False).returncode != 0:
        yield ()
        return
    try:
        subprocess.run((ip, "-n", NETWORK, "link", "set", "lo", "up"), check=True)
        yield (ip, "netns", "exec", NETWORK)
    finally:
        subprocess.run((ip, "netns", "delete", NETWORK), check=True)


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
@pytest.mark.parametrize("combination", ["fastapi", "flask", *PROTOTYPES])
def test_an_operation_is_visible(
    project: Callable[[str], Project],
    cut_off: tuple[str, ...],
    combination: str,
    page: str,
    tmp_path: Path,
) -> None:
    chromium, curl = required("chromium"), required("curl")
    made = project(combination)
    command = " ".join((*cut_off, START[made.framework]))
    retry = ("--retry", "60", "--retry-delay", "1", "--retry-connrefused")
    with started(lambda _: command, made.folder, made.variables) as server:
        made.run(*cut_off, curl, "--silent", "--fail", *retry, f"{server.url}/healthz")
        with browsing((*cut_off, chromium), tmp_path / "profile") as browser:
            browser.visit(f"{server.url}{page}")
            visible = browser.shows("/v1/chat/completions")
            browser.photograph(tmp_path / f"{combination}{page.replace('/', '-')}.png")
    assert visible


MODEL = [
    "POST /v1/chat/completions",
    "POST /v1/responses",
    "POST /v1/embeddings",
    "POST /api/chat",
    "GET /v1/models",
    "GET /v1/models/{name}",
    "GET /v1/usage",
]
HISTORY = [
    "GET /api/chats",
    "GET /api/chats/{chat_id}",
    "PATCH /api/chats/{chat_id}",
    "POST /v1/conversations",
    "GET /v1/conversations/{conversation_id}",
    "POST /v1/conversations/{conversation_id}",
    "GET /v1/conversations/{conversation_id}/items",
    "POST /v1/conversations/{conversation_id}/items",
    "GET /v1/conversations/{conversation_id}/items/{item_id}",
    "GET /v1/responses/{response_id}",
    "GET /v1/responses/{response_id}/input_items",
    "GET /v1/history",
    "DELETE /v1/conversations/{conversation_id}/items/{item_id}",
    "DELETE /api/chats/{chat_id}",
    "DELETE /v1/conversations/{conversation_id}",
    "DELETE /v1/responses/{response_id}",
    "DELETE /v1/history",
]
DOCUMENTS = [
    "GET /v1/files",
    "POST /v1/files",
    "GET /v1/files/{file_id}",
    "GET /v1/files/{file_id}/content",
    "POST /v1/vector_stores",
    "GET /v1/vector_stores",
    "GET /v1/vector_stores/{vector_store_id}",
    "POST /v1/vector_stores/{vector_store_id}",
    "POST /v1/vector_stores/{vector_store_id}/files",
    "GET /v1/vector_stores/{vector_store_id}/files",
    "GET /v1/vector_stores/{vector_store_id}/files/{file_id}",
    "POST /v1/vector_stores/{vector_store_id}/files/{file_id}",
    "POST /v1/vector_stores/{vector_store_id}/search",
    "POST /answers",
    "DELETE /v1/vector_stores/{vector_store_id}/files/{file_id}",
    "DELETE /v1/files/{file_id}",
    "DELETE /v1/vector_stores/{vector_store_id}",
]
EXAMPLES = ["POST /summaries", "GET /healthz", "GET /readyz", "GET /", "POST /echo"]
OF_A_PROTOTYPE = ["POST /v1/chat/completions", "GET /", "POST /echo", "GET /healthz"]
OF_A_SERVICE = {"": [], "-kept-tools": HISTORY, "-documents": DOCUMENTS}
TRIED = [
    *(
        (f"{framework}{features}", ["Complete Chat"], [*MODEL, *operations, *EXAMPLES])
        for framework in ("fastapi", "flask")
        for features, operations in OF_A_SERVICE.items()
    ),
    *((name, ["/v1/chat/completions", "A GenAI backend"], OF_A_PROTOTYPE) for name in PROTOTYPES),
]


@pytest.mark.parametrize(("combination", "shown", "operations"), TRIED)
def test_each_operation_can_be_tried_as_it_stands(
    project: Callable[[str], Project],
    combination: str,
    shown: list[str],
    operations: list[str],
    tmp_path: Path,
) -> None:
    with (
        serving(project(combination)) as server,
        browsing((required("chromium"),), tmp_path / "profile") as browser,
    ):
        browser.visit(f"{server.url}/docs")
        assert all(browser.shows(text) for text in shown)
        answers = browser.try_all()
        browser.photograph(tmp_path / f"{combination}-tried.png")
    assert answers == dict.fromkeys(operations, "200")
    assert list(answers)[:6] == operations[:6]
