"""The chat page in a real browser: what it shows and keeps, and how it takes what goes wrong."""

import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest

from e2e.browser import READY, Browser, browsing
from e2e.conftest import REPOSITORY, required
from e2e.machine import Machine
from e2e.projects import START, Project
from e2e.servers import serving, started
from e2e.upstream import PATIENCE, Call, Upstream, chunk, listening

pytestmark = pytest.mark.slow

KEY = "the-key-of-ada"
KEYS = f"ada:{sha256(KEY.encode()).hexdigest()}"
HOSTILE = """<img src=x onerror="window.caught = 1"><script>window.caught = 1</script>

[a](javascript:window.caught=1) [b](https://b.example) **c**

- d
"""
ASKED = "How do I add a route that sorts what customers write?"
ANSWER = """A feature is a **prompt**, the **form** of its answer, and a route:

1. Say in `backend/features/tickets.py` what the model is told:
   ```python
   class Ticket(BaseModel):
       subject: str
       team: Literal["billing", "delivery", "other"]
   ```
2. Take it from a route in `backend/api/routers/tickets.py`.
3. Add that route to the list in `backend/api/routers/__init__.py`.

The README goes through it, step by step."""
WIDE = f"{'w' * 5000}\n\n```\n{'x' * 5000}\n```\n\n{'- ' * 3000}"


class Chat(NamedTuple):
    """The page in a browser, of a service whose model is told what to say."""

    browser: Browser
    upstream: Upstream

    def open(self, url: str) -> None:
        """Opens it in a tab that has kept nothing."""
        self.browser.visit(f"{url}/healthz")
        self.browser.value("sessionStorage.clear()")
        self.browser.visit(f"{url}/")
        self.browser.wait(f"document.title === 'my-app' && {READY}")

    def reload(self) -> None:
        self.browser.value("window.old = true")
        self.browser.run("location.reload()")
        self.browser.wait(f"!window.old && {READY}")

    def say(self, text: str) -> None:
        self.browser.value("document.querySelector('#text').focus()")
        self.browser.type(text)
        self.browser.press("Enter", "\r")

    def ask(self, text: str) -> str:
        """Returns all that the answer comes to on the page."""
        self.say(text)
        return self.whole()

    def whole(self) -> str:
        self.browser.wait("document.querySelector('#send').textContent === 'Send'")
        return self.last()

    def last(self) -> str:
        last: str = self.browser.value("document.querySelector('#log').lastChild?.innerText ?? ''")
        return last.strip()

    def shows(self, text: str) -> None:
        shown = "document.querySelector('#log').innerText"
        self.browser.wait(f"{shown}.includes({json.dumps(text)})")

    def count(self, selector: str) -> int:
        number: int = self.browser.value(
            f"document.querySelectorAll({json.dumps(selector)}).length"
        )
        return number

    def text(self, selector: str) -> str:
        text: str = self.browser.value(f"document.querySelector({json.dumps(selector)}).innerText")
        return text

    def asked(self) -> Call:
        return self.upstream.next_call()


@pytest.fixture(scope="module", params=["fastapi", "flask"])
def made(request: pytest.FixtureRequest, project: Callable[[str], Project]) -> Project:
    return project(request.param)


@pytest.fixture(scope="module")
def browser(made: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    profile = tmp_path_factory.mktemp(made.framework) / "profile"
    with browsing((required("chromium"),), profile) as browser:
        browser.listen()
        yield browser


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with listening() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def offline(made: Project) -> Iterator[str]:
    with serving(made, REQUESTS_PER_MINUTE="1000") as server:
        yield server.url


@pytest.fixture(scope="module")
def remembering(
    made: Project, project: Callable[[str], Project], machine: Machine
) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="database-", dir=machine.folder))
    variables = {"DATABASE_URL": f"sqlite:///{folder / 'app.db'}", "REQUESTS_PER_MINUTE": "1000"}
    with serving(project(f"{made.framework}-history"), **variables) as server:
        yield server.url


def of(upstream: Upstream) -> dict[str, str]:
    return {"LLM_API_KEY": "any", "LLM_BASE_URL": upstream.url, "REQUESTS_PER_MINUTE": "1000"}


@pytest.fixture(scope="module")
def real(made: Project, upstream: Upstream) -> Iterator[str]:
    with serving(made, **of(upstream)) as server:
        yield server.url


@pytest.fixture
def chat(browser: Browser, upstream: Upstream) -> Iterator[Chat]:
    browser.emulate(1000, 800)
    browser.complaints.clear()
    yield Chat(browser, upstream)
    assert browser.complaints == []
    while not upstream.calls.empty():
        upstream.calls.get()


def test_says_that_the_offline_model_answers(chat: Chat, offline: str) -> None:
    chat.open(offline)
    chat.browser.wait("!document.querySelector('#offline').hidden")
    assert "LLM_API_KEY" in chat.text("#offline")
    assert chat.ask("**Hello**, you") == "You said: Hello, you"
    assert chat.text("#log article:last-child strong") == "Hello"
    assert chat.ask("again") == "You said: again"
    chat.reload()
    assert (chat.count("article.user"), chat.last()) == (2, "You said: again")
    chat.browser.value("document.querySelector('#new').click()")
    assert chat.count("article") == 0
    chat.reload()
    assert chat.count("article") == 0


def test_streams_and_has_a_screen_reader_say_the_whole(chat: Chat, real: str) -> None:
    chat.open(real)
    assert chat.browser.value("document.querySelector('#offline').hidden")
    chat.say("wait")
    chat.shows("Once")
    assert (chat.text("#send"), chat.text("#spoken")) == ("Stop", "The model answers.")
    chat.asked().go_on.set()
    assert chat.whole() == "Once upon a time"
    assert chat.text("#spoken").strip() == "Once upon a time"
    assert chat.count("[aria-live=off][role=log]") == 1
    assert "upon a time" in chat.browser.value("Object.values(sessionStorage).join()")


def test_keeps_half_an_answer_over_a_reload(chat: Chat, real: str) -> None:
    chat.open(real)
    chat.say("wait")
    chat.shows("Once")
    chat.reload()
    assert chat.last().startswith("Once")
    assert "The connection was lost before the answer was whole." in chat.last()
    chat.asked().go_on.set()


def test_stops_the_model(chat: Chat, real: str) -> None:
    chat.open(real)
    chat.say("endless")
    chat.shows("and and and")
    chat.browser.wait("Date.now() > running.since + 400")
    chat.browser.press("Escape")
    assert chat.whole().endswith("You stopped this answer.")
    assert chat.asked().left.wait(PATIENCE)
    assert chat.ask("tell") == "Once upon a time"
    told = [message["role"] for message in chat.asked().request["messages"]]
    assert told == ["user", "assistant", "user"]
    chat.reload()
    assert chat.count("article .note") == 1


def test_a_second_click_neither_sends_nor_stops(chat: Chat, real: str) -> None:
    chat.open(real)
    chat.browser.value("document.querySelector('#text').value = 'wait'")
    chat.browser.value("for (const _ of '12') document.querySelector('#send').click()")
    chat.browser.wait("Date.now() > running.since + 400")
    chat.say("while it answers")
    call = chat.asked()
    call.go_on.set()
    assert chat.whole() == "Once upon a time"
    assert (chat.count("article"), chat.upstream.calls.qsize()) == (2, 0)
    assert chat.browser.value("document.querySelector('#text').value") == "while it answers"


def saying(text: str, reason: str = "stop") -> Callable[[Call], Iterator[str]]:
    def tale(_: Call) -> Iterator[str]:
        yield from (chunk({"content": text[at : at + 50]}) for at in range(0, len(text), 50))
        yield chunk({}, reason)
        yield "[DONE]"

    return tale


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        pytest.param("busy", "The model is busy. Wait 1 s. Try again", id="429"),
        pytest.param("nothing", "The model gave no answer Try again", id="error"),
        pytest.param("refuse", "I will not.\nThe model declined, or", id="refusal"),
        pytest.param("long", "So\nThe answer has reached its greatest length", id="length"),
        pytest.param("think", "Reasoning\nthought", id="reasoning"),
    ],
)
def test_says_in_words_what_became_of_an_answer(
    chat: Chat, real: str, wish: str, told: str
) -> None:
    chat.upstream.tales["long"] = saying("So", "length")
    chat.open(real)
    shown = chat.ask(wish)
    assert "\n".join(line for line in shown.splitlines() if line).startswith(told)
    assert chat.text("#spoken").strip()
    if "Try again" not in told:
        return
    while not chat.upstream.calls.empty():
        chat.asked()
    chat.browser.value("document.querySelector('.note button').click()")
    assert chat.whole() == shown
    assert [message["role"] for message in chat.asked().request["messages"]] == ["user"]


def test_asks_for_a_key_and_keeps_it_in_the_tab(
    chat: Chat, made: Project, upstream: Upstream
) -> None:
    with serving(made, API_KEYS=KEYS, **of(upstream)) as server:
        chat.open(server.url)
        chat.browser.wait("document.querySelector('dialog').open")
        assert "session storage" in chat.text("dialog")
        for given in ("wrong", f" {KEY}\n"):
            chat.browser.value("document.querySelector('#given').focus()")
            chat.browser.type(given.strip("\n"))
            chat.browser.press("Enter", "\r")
            if given == "wrong":
                chat.browser.wait("document.querySelector('#refused').innerText")
                assert chat.text("#refused") == "Missing or unknown API key"
        chat.browser.wait("!document.querySelector('dialog').open")
        assert chat.ask("tell") == "Once upon a time"
        chat.reload()
        assert chat.ask("tell") == "Once upon a time"
        kept = chat.browser.value("[Object.values(sessionStorage), localStorage.length]")
        assert (f'"{KEY}"' in kept[0], kept[1]) == (True, 0)
        chat.browser.value("document.querySelector('#key').click()")
        chat.browser.press("Escape")
        assert chat.ask("tell") == "Once upon a time"
        chat.browser.value("document.querySelector('#key').click()")
        chat.browser.press("Enter", "\r")  # an empty one
        chat.browser.wait("document.querySelector('dialog').open")
        chat.browser.press("Escape")
        assert chat.ask("tell").startswith("Missing or unknown API key")


def test_says_that_the_service_was_lost(chat: Chat, made: Project, upstream: Upstream) -> None:
    everything = {**made.variables, **of(upstream)}
    with started(lambda _: START[made.framework], made.folder, everything) as server:
        server.wait_until_healthy()
        chat.open(server.url)
        chat.say("wait")
        chat.shows("Once")
        os.killpg(server.process.pid, signal.SIGKILL)
        told = chat.whole()
        assert told.startswith("Once")
        assert "The connection was lost before the answer was whole." in told
        assert "The service cannot be reached. Is it running?" in chat.ask("more")
        assert (
            chat.browser.value("getComputedStyle(document.querySelector('.note button')).display")
            == "none"
        )


def test_says_that_a_stream_just_ended(chat: Chat, real: str) -> None:
    chat.open(real)
    told = 'data: {"type": "start", "messageId": "1"}\n\ndata: {"type": "new"}\n\n'
    chat.browser.value(f"fetch = async () => new Response({json.dumps(told)}), 0")
    assert chat.ask("Hello").startswith("The connection was lost before the answer was whole.")


def test_shows_hostile_text_as_text(chat: Chat, real: str) -> None:
    chat.upstream.tales["hostile"] = saying(HOSTILE)
    chat.open(real)
    shown = chat.ask("hostile")
    assert '<img src=x onerror="window.caught = 1"><script>' in shown
    assert "[a](javascript:window.caught=1) b (b.example) c" in shown
    assert chat.count("#log img, #log script") == 0
    assert chat.count("#log a[href='https://b.example/'][rel='noreferrer nofollow']") == 1
    assert (chat.text("#log strong"), chat.text("#log li")) == ("c", "d")
    assert chat.browser.value("window.caught") is None
    assert chat.browser.complaints == []
    forbidden = "try { log.innerHTML = '<b>'; 'done' } catch (error) { error.name }"
    assert chat.browser.value(forbidden) == "TypeError"
    assert "TrustedHTML" in "".join(chat.browser.complaints)
    chat.browser.complaints.clear()


def test_shows_an_answer_as_in_the_picture(
    chat: Chat, real: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """`--update-golden` takes the README's picture again."""
    chat.upstream.tales[ASKED] = saying(ANSWER)
    chat.browser.emulate(800, 640, 2, color_scheme="light")
    chat.open(real)
    chat.ask(ASKED)
    found = [chat.count(f"#log {tag}") for tag in ("p", "strong", "ol", "li", "pre", "code")]
    assert found == [3, 2, 2, 3, 1, 4]
    chat.browser.value("document.activeElement.blur()")
    chat.browser.photograph(tmp_path / "page.png")
    if request.config.getoption("--update-golden"):
        chat.browser.photograph(REPOSITORY / "docs" / "images" / "page.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_a_narrow_phone_and_a_long_chat(
    chat: Chat, real: str, scheme: str, tmp_path: Path
) -> None:
    chat.upstream.tales["wide"] = saying(WIDE)
    chat.browser.emulate(360, 740, color_scheme=scheme, reduced_motion="reduce")
    chat.open(real)
    chat.ask("wide")
    for _ in range(49):
        chat.browser.value("chat.messages.push(...structuredClone(chat.messages.slice(0, 2))), 0")
    chat.reload()
    chat.browser.photograph(tmp_path / f"{scheme}.png")
    assert chat.count("article") == 100
    assert chat.browser.value("document.documentElement.scrollWidth") <= 360
    assert chat.browser.value("getComputedStyle(document.querySelector('pre')).overflowX") == "auto"
    page = "document.scrollingElement"
    assert chat.browser.value(f"{page}.scrollTop + innerHeight >= {page}.scrollHeight - 1")
    dark = (
        chat.browser.value("getComputedStyle(document.body).backgroundColor")
        != "rgb(255, 255, 255)"
    )
    assert dark == (scheme == "dark")
    chat.say("wait")
    assert chat.browser.value("getComputedStyle(log.lastChild, '::after').animationName") == "none"
    chat.asked()
    chat.asked().go_on.set()
    assert chat.whole() == "Once upon a time"


def test_lists_opens_renames_and_deletes_chats_that_are_kept(
    chat: Chat, remembering: str, tmp_path: Path
) -> None:
    lines = "[...chats.children]"  # of which two may be of the same second
    titles = f"{lines}.map(each => each.firstChild.innerText).sort().join()"
    is_open = "chats.matches(':popover-open')"

    def list_chats(expected: str) -> None:
        chat.browser.wait("!document.querySelector('#list').hidden")
        chat.browser.value("document.querySelector('#list').click()")
        chat.browser.wait(f"{is_open} && {titles} === {json.dumps(expected)}")

    def click(title: str, button: int) -> None:
        of_title = f"{lines}.find(each => each.firstChild.innerText === {json.dumps(title)})"
        chat.browser.value(f"{of_title}.children[{button}].click()")

    chat.open(remembering)
    for text in ("One", "Two"):
        assert chat.ask(text) == f"You said: {text}"
        chat.browser.value("document.querySelector('#new').click()")
    list_chats("One,Two")
    chat.browser.photograph(tmp_path / "chats.png")
    click("One", 0)
    chat.shows("You said: One")
    assert (chat.count("article"), chat.browser.value(is_open)) == (2, False)
    assert chat.ask("more") == "You said: more"
    chat.open(remembering)  # in a tab that has kept nothing
    list_chats("One,Two")
    click("One", 0)
    chat.shows("You said: more")
    assert chat.count("article") == 4
    list_chats("One,Two")
    chat.browser.value("prompt = (words, title) => `${title} more`, 0")
    click("Two", 1)
    chat.browser.wait(f"{titles} === 'One,Two more'")
    click("One", 2)
    chat.browser.wait(f"{titles} === 'Two more'")
    assert chat.count("article") == 0
    chat.browser.press("Escape")
    chat.browser.wait(f"!{is_open}")
    chat.browser.value("ask = async () => { throw new Told('The service is lost.') }, 0")
    chat.browser.value("document.querySelector('#list').click()")
    chat.browser.wait("chats.innerText === 'The service is lost.'")


def test_says_where_a_chat_is_kept(chat: Chat, offline: str, remembering: str) -> None:
    for url, kept in ((offline, False), (remembering, True)):
        chat.open(url)
        chat.browser.wait("!document.querySelector('#offline').hidden")
        assert chat.browser.value("document.querySelector('#list').hidden") is not kept
        assert chat.browser.value("document.querySelector('#alone').hidden") is kept


def test_works_where_nothing_can_be_kept(chat: Chat, offline: str) -> None:
    chat.open(offline)
    chat.browser.value("Storage.prototype.setItem = () => { throw new DOMException('full') }")
    assert chat.ask("Hello") == "You said: Hello"
    assert "keeps no more" in chat.text("#hint")


def test_asks_below_its_own_path(chat: Chat, offline: str) -> None:
    chat.open(offline)
    asked = (
        "new Promise(tell => { fetch = async url => { tell(url); throw new Error() }; start() })"
    )
    assert chat.browser.value(asked) == f"{offline}/v1/models"
    chat.browser.value("history.replaceState(null, '', '/below')")
    assert chat.browser.value(asked) == f"{offline}/below/v1/models"


def test_is_all_keyboard(chat: Chat, offline: str) -> None:
    chat.open(offline)
    assert chat.browser.value("document.activeElement.id") == "text"
    chat.browser.type("one")
    chat.browser.press("Enter", "\r", shift=True)
    chat.browser.type("two")
    assert chat.browser.value("text.value") == "one\ntwo"
    chat.browser.press("Tab")
    assert chat.browser.value("document.activeElement.id") == "send"
    chat.browser.press("Enter", "\r")
    assert chat.whole() == "You said: one\ntwo"
    every = "[...document.querySelectorAll('button, textarea, input, dialog, #log, article')]"
    name = "each.ariaLabel || each.innerText || each.getAttribute('aria-labelledby')"
    assert chat.browser.value(f"{every}.filter(each => !({name})).length") == 0
