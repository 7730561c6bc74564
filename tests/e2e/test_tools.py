"""Tools as their clients meet them: `useChat` in a browser, and the SDKs of MCP."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx2
import pytest

from e2e.browser import READY, Browser, browsing
from e2e.conftest import required
from e2e.machine import Machine
from e2e.projects import Project
from e2e.servers import Server, serving

pytestmark = pytest.mark.slow

CLIENTS = Path(__file__).parent / "clients"
KEY = "key-of-a-client"
KEYS = f"alice:{hashlib.sha256(KEY.encode()).hexdigest()}"
FEEDBACK = "My feedback: good, about its speed"
# The AI SDK 6, and 7 in its place; and what is made of it.
USE_CHAT = {
    "6": ("tools-page.mjs",),
    "7": ("tools-page.mjs", "--alias:ai=ai-7", "--alias:@ai-sdk/react=@ai-sdk/react-4"),
}
BUNDLES = {**USE_CHAT, "assistant-ui": ("tools-assistant-ui.mjs", "--alias:ai=ai-7")}


@pytest.fixture(scope="module")
def site(machine: Machine) -> Iterator[tuple[str, Path]]:
    """The address of pages with `useChat` of each version, and the folder of the scripts."""
    npm = required("npm")
    folder = machine.folder / "tools"
    shutil.copytree(CLIENTS, folder, ignore=shutil.ignore_patterns("node_modules"))
    machine.run(npm, "install", "--no-package-lock", "--no-audit", "--no-fund", directory=folder)
    for name, (script, *aliases) in BUNDLES.items():
        out = folder / "site" / name
        bundled = ("--bundle", "--minify", f"--outfile={out}/page.js", *aliases)
        define = '--define:process.env.NODE_ENV="production"'
        program = f"{folder}/node_modules/.bin/esbuild"
        machine.run(program, f"{folder}/{script}", *bundled, define, directory=folder)
        (out / "index.html").write_text("<body><script src=page.js></script>")
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{site.server_port}", folder
        site.shutdown()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing((required("chromium"),), tmp_path_factory.mktemp("tools") / "profile") as browser:
        browser.listen()
        yield browser


@pytest.fixture(scope="module")
def server(
    request: pytest.FixtureRequest, project: Callable[[str], Project], site: tuple[str, Path]
) -> Iterator[Server]:
    limits = {"API_KEYS": KEYS, "REQUESTS_PER_MINUTE": "1000", "CORS_ORIGINS": site[0]}
    with serving(project(request.param), **limits) as server:
        yield server


twins = pytest.mark.parametrize(
    "server", ["fastapi-tools", "flask-tools"], indirect=True, scope="module"
)


@twins
@pytest.mark.parametrize("version", USE_CHAT)
def test_use_chat_calls_asks_and_goes_on(
    server: Server, site: tuple[str, Path], version: str, browser: Browser
) -> None:
    browser.visit(f"{site[0]}/{version}/?{urlencode({'server': server.url, 'key': KEY})}")
    assert browser.shows("status: ready")
    for script, shown in (
        (ask("How many requests are left?"), "[tool-show_usage output-available]"),
        (ask(FEEDBACK), "[tool-send_feedback approval-requested]"),
        ("decide(true)", "You said: The feedback is sent"),
        (ask(FEEDBACK), "[tool-send_feedback approval-requested]"),
        ("decide(false)", "You said: The user did not allow this call."),
        (ask("hi"), "You said: hi (My tools: show_usage, send_feedback)"),
    ):
        browser.run(script)
        assert browser.shows(shown), script
        assert browser.shows("status: ready"), script
    assert browser.shows("[tool-send_feedback output-available]")
    assert browser.shows("[tool-send_feedback output-denied]")
    assert browser.shows("errors: 0")


@twins
def test_assistant_ui_calls_asks_and_goes_on(
    server: Server, site: tuple[str, Path], browser: Browser
) -> None:
    browser.visit(f"{site[0]}/assistant-ui/?{urlencode({'server': server.url, 'key': KEY})}")
    browser.wait("window.ask")
    for script, shown in (
        ("ask('How many requests are left?')", "[show_usage complete]"),
        (f"ask({FEEDBACK!r})", "[send_feedback requires-action]"),
        ("decide(true)", "You said: The feedback is sent"),
        (f"ask({FEEDBACK!r})", "[send_feedback requires-action]"),
        ("decide(false)", "You said: The user did not allow this call."),
    ):
        browser.run(script)
        assert browser.shows(shown), script


@twins
def test_the_ai_sdk_for_vue_calls_asks_and_goes_on(
    server: Server, site: tuple[str, Path], machine: Machine
) -> None:
    node = site[1] / "node_modules/.bin/node"
    machine.run(str(node), str(site[1] / "tools-vue.mjs"), server.url, KEY)


def ask(text: str) -> str:
    return f"chat.sendMessage({json.dumps({'text': text})})"


@pytest.mark.parametrize(
    ("name", "others"), [("fastapi-tools", ""), ("flask-tools", "--worker-class gthread")]
)
def test_an_approval_is_used_once_by_all_processes(
    project: Callable[[str], Project], redis_url: str, name: str, others: str
) -> None:
    shared = {"REDIS_URL": redis_url, "SIGNING_KEY": "k" * 32, "REQUESTS_PER_MINUTE": "1000"}
    made = project(name)
    with (
        serving(made, **shared) as one,
        serving(made, **shared, GUNICORN_CMD_ARGS=others) as other,
    ):
        question = {"role": "user", "parts": [{"type": "text", "text": FEEDBACK}]}
        asked = httpx2.post(f"{one.url}/api/chat", json={"messages": [question]}, timeout=60)
        parts = [json.loads(line[6:]) for line in asked.text.splitlines() if line[:7] == "data: {"]
        told = {part["type"]: part for part in parts}
        call = {
            "type": "tool-send_feedback",
            "state": "approval-responded",
            "toolCallId": told["tool-input-available"]["toolCallId"],
            "input": told["tool-input-available"]["input"],
            "approval": {"id": told["tool-approval-request"]["approvalId"], "approved": True},
        }
        approved = {"id": told["start"]["messageId"], "role": "assistant", "parts": [call]}
        body = {"messages": [question, approved]}

        def post(server: Server) -> int:
            return httpx2.post(f"{server.url}/api/chat", json=body, timeout=60).status_code

        with ThreadPoolExecutor(8) as threads:
            statuses = list(threads.map(post, [one, other] * 4))
    assert sorted(statuses) == [200, *[409] * 7]


class Page(NamedTuple):
    """The chat page, in a tab that has kept nothing but the key."""

    browser: Browser

    def open(self, url: str) -> None:
        self.browser.visit(f"{url}/healthz")
        self.browser.value("sessionStorage.clear()")
        self.browser.visit(f"{url}/")
        self.browser.wait(f"document.title === 'my-app' && {READY} && entry.open")
        self.browser.value(f"key = {json.dumps(KEY)}; entry.close(); keep('key', key)")

    def ask(self, text: str) -> str:
        self.browser.value("text.focus()")
        self.browser.type(text)
        self.browser.press("Enter", "\r")
        return self.whole()

    def whole(self) -> str:
        """Returns all that the answer comes to on the page, line by line."""
        self.browser.wait("at('send').textContent === 'Send'")
        shown: str = self.value("log.lastChild.innerText")
        return "\n".join(line for line in shown.splitlines() if line.strip())

    def value(self, expression: str) -> Any:
        return self.browser.value(expression)

    def reload(self) -> None:
        self.browser.value("window.old = true")
        self.browser.run("location.reload()")
        self.browser.wait(f"!window.old && {READY}")


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    browser.emulate(1000, 800)
    browser.complaints.clear()
    page = Page(browser)
    page.open(server.url)
    yield page
    assert browser.complaints == []


BUTTONS = "[...document.querySelectorAll('#log button')]"
NAMES = f"{BUTTONS}.map(button => button.ariaLabel ?? button.innerText).join()"
DECISIONS = "Approve send_feedback,Deny send_feedback"


@twins
def test_the_page_shows_what_was_called(page: Page) -> None:
    assert page.ask("How many requests are left?").startswith("show_usage: done\nYou said: ")
    assert page.value("log.querySelector('details').open") is False
    assert '"of": "requests"' in page.value("log.querySelector('details').textContent")
    assert '"limit": 1000' in page.value("log.querySelector('details').textContent")


@twins
def test_the_page_asks_before_it_writes(page: Page) -> None:
    assert page.ask(FEEDBACK).startswith("send_feedback: not approved")
    assert '"about": "speed"' in page.value("log.lastChild.innerText")
    assert "It waits for your approval." in page.value("at('spoken').innerText")
    assert page.value(NAMES) == DECISIONS
    page.browser.press("Tab", shift=True)
    page.browser.press("Tab", shift=True)
    assert page.value("document.activeElement.ariaLabel") == "Approve send_feedback"
    page.browser.press("Enter", "\r")
    assert page.whole() == "send_feedback: done\nYou said: The feedback is sent"
    assert page.value("document.activeElement.id") == "text"
    page.ask(FEEDBACK)
    page.reload()
    assert page.value(NAMES) == DECISIONS
    page.browser.value(f"{BUTTONS}[1].click()")
    assert page.whole() == "send_feedback: denied\nYou said: The user did not allow this call."
    assert page.value("log.querySelectorAll('article').length") == 4


@twins
def test_the_page_lets_something_else_be_said_than_yes_or_no(page: Page) -> None:
    page.ask(FEEDBACK)
    assert page.ask("hi").startswith("You said: hi")
    assert page.value(NAMES) == ""


@twins
def test_the_page_tells_that_an_approval_was_used(page: Page) -> None:
    page.ask(FEEDBACK)
    page.value("another = JSON.stringify(chat)")
    page.browser.value(f"{BUTTONS}[0].click()")
    page.whole()
    page.browser.value("chat = JSON.parse(another), showChat()")
    page.browser.value(f"{BUTTONS}[0].click()")
    assert "This approval was used before" in page.whole()
    assert page.value(NAMES) == "Try again"
    page.browser.value(f"{BUTTONS}[0].click()")
    assert page.whole().startswith("send_feedback: not approved")


HOSTILE = '<img src=x onerror="window.caught = 1">\u202e' + "w" * 500
CALL = {"toolCallId": "a", "toolName": HOSTILE}


@pytest.mark.parametrize("server", ["fastapi-tools"], indirect=True, scope="module")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_shows_a_call_as_text(page: Page, scheme: str, tmp_path: Path) -> None:
    page.browser.emulate(360, 740, color_scheme=scheme)
    page.ask(FEEDBACK)
    page.browser.photograph(tmp_path / f"{scheme}.png")
    told = [
        {"type": "start", "messageId": "1"},
        {"type": "tool-input-start", **CALL},
        {"type": "tool-input-delta", "toolCallId": "a", "inputTextDelta": "{"},
        {"type": "tool-input-available", **CALL, "input": {"a": HOSTILE}},
        {"type": "tool-output-available", "toolCallId": "a", "output": None},
        {"type": "tool-input-error", **CALL, "toolCallId": "b", "input": "{", "errorText": HOSTILE},
        {"type": "finish", "finishReason": "stop"},
    ]
    stream = "".join(f"data: {json.dumps(event)}\n\n" for event in told)
    page.browser.value(f"fetch = async () => new Response({json.dumps(stream)}), 0")
    page.ask("hi")
    page.browser.value("log.querySelectorAll('details').forEach(each => { each.open = true })")
    shown = page.value("log.lastChild.innerText")
    assert shown.count('onerror=\\"window') == 2
    assert "\u202e" not in shown.replace(HOSTILE, "")
    assert '"output": null' in shown
    assert page.value("document.querySelectorAll('#log img').length") == 0
    assert page.browser.value("document.documentElement.scrollWidth") <= 360


@twins
@pytest.mark.parametrize(
    ("requirement", "script"),
    [("mcp==2.3.0", "mcp_today.py"), ("mcp==1.30.0", "mcp_before.py")],
    ids=["today", "before"],
)
def test_the_official_sdk_of_mcp(
    server: Server, machine: Machine, requirement: str, script: str
) -> None:
    python = machine.environment(script.removesuffix(".py"), requirement) / "python"
    machine.run(str(python), str(CLIENTS / script), server.url, KEY)


@twins
def test_the_sdk_of_mcp_in_typescript(
    server: Server, site: tuple[str, Path], machine: Machine
) -> None:
    machine.run(required("node"), str(site[1] / "mcp.mjs"), server.url, KEY)
