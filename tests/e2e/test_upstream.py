"""With a key, a project hands on what a real OpenAI-compatible upstream says, as it says it."""

import hashlib
import json
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import openai
import pytest

from e2e.machine import Machine
from e2e.projects import PROTOTYPES, SERVICES, Project
from e2e.replies import REPLIES, replies, told
from e2e.servers import Server, refusal, running, serving
from e2e.stories import CHAT, RESPONSES, WAYS, Way, add_stories, words_of
from e2e.upstream import MODEL, PATIENCE, PAUSE, RETRY_AFTER, WORDS, Call, Upstream, listening

pytestmark = pytest.mark.slow

UPSTREAM_KEY, CLIENT_KEY = "key-of-the-service", "key-of-a-client"
PRODUCTION = {
    "APP_ENV": "production",
    "API_KEYS": f"alice:{hashlib.sha256(CLIENT_KEY.encode()).hexdigest()}",
}
everywhere = pytest.mark.parametrize("server", [*SERVICES, *PROTOTYPES], indirect=True)
services = pytest.mark.parametrize("server", SERVICES, indirect=True)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with listening() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def server(
    request: pytest.FixtureRequest,
    project: Callable[[str], Project],
    upstream: Upstream,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    made = project(request.param)
    if made.name in SERVICES:
        made = with_stories(made, tmp_path_factory.mktemp("stories"))
    with serving(made, **connected(upstream), REQUESTS_PER_MINUTE="1000") as server:
        yield server


def with_stories(project: Project, place: Path) -> Project:
    """A copy with a feature that streams."""
    folder = place / project.folder.name
    shutil.copytree(project.folder, folder)
    add_stories(folder, project.framework)
    return project._replace(folder=folder)


def connected(upstream: Upstream) -> dict[str, str]:
    """The environment of a project in production; a prototype reads the first three."""
    model = {"LLM_API_KEY": UPSTREAM_KEY, "LLM_BASE_URL": upstream.url, "LLM_MODEL": MODEL}
    return model | PRODUCTION


def outcomes(server: Server, count: int) -> list[tuple[str, str]]:
    """What the log says of the calls of the model, once there are so many."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        lines = [line for line in server.log.read_text().splitlines() if '"model_call"' in line]
        if len(lines) >= count:
            calls = map(json.loads, lines)
            return sorted((call["operation"], call["outcome"]) for call in calls)
        time.sleep(0.05)
    raise AssertionError(server.log.read_text())


def ask(server: Server, wish: str) -> str | None:
    """The whole answer, as OpenAI's own client reads it."""
    with openai.OpenAI(
        base_url=f"{server.url}/v1", api_key=CLIENT_KEY, max_retries=0, timeout=30
    ) as client:
        answer = client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": wish}]
        )
    return answer.choices[0].message.content


def reply(server: Server, upstream: Upstream, name: str) -> tuple[int, str]:
    """What a client gets and reads of what a model was seen to send."""
    upstream.sent[name] = REPLIES[name].sent
    body = CHAT.body(name) | {"stream": REPLIES[name].streams}
    headers = {"authorization": f"Bearer {CLIENT_KEY}"}
    response = httpx2.post(f"{server.url}{CHAT.path}", json=body, headers=headers, timeout=PATIENCE)
    upstream.next_call()
    return response.status_code, told(response)


@contextmanager
def streaming(server: Server, wish: str, way: Way = CHAT) -> Iterator[Iterator[str]]:
    """The words of an answer, each as soon as it is here; leaving closes the connection."""
    headers = {"authorization": f"Bearer {CLIENT_KEY}"}
    url = f"{server.url}{way.path}"
    with httpx2.stream("POST", url, json=way.body(wish), headers=headers, timeout=30) as response:
        yield words_of(response.iter_lines(), way)


@everywhere
def test_the_first_token_is_here_before_the_last_is_made(
    server: Server, upstream: Upstream
) -> None:
    with streaming(server, "wait") as words:
        call = upstream.next_call()
        assert next(words) == WORDS[0]
        assert not call.ended.is_set()
        call.go_on.set()
        assert list(words) == [*WORDS[1:], "[DONE]"]


@pytest.mark.parametrize("way", ["responses", "a feature"])
@services
def test_so_it_is_in_every_form(server: Server, upstream: Upstream, way: str) -> None:
    with streaming(server, "wait", WAYS[way]) as words:
        call = upstream.next_call()
        assert next(words) == WORDS[0]
        assert not call.ended.is_set()
        call.go_on.set()
        assert list(words) == [*WORDS[1:], "[DONE]"]


def test_a_stream_is_whole_beside_gunicorn(
    project: Callable[[str], Project], upstream: Upstream, machine: Machine
) -> None:
    made = project("fastapi")
    pins = ("--no-verify-hashes", "-r", str(made.folder / "requirements.txt"))
    programs = machine.environment("gunicorn-asgi", *pins, "gunicorn")
    command = f"{programs}/gunicorn -k asgi main:app --bind 127.0.0.1:$PORT"
    variables = {**made.variables, **connected(upstream)}
    with (
        running(lambda _: command, made.folder, variables) as server,
        streaming(server, "wait") as words,
    ):
        assert next(words) == WORDS[0]
        upstream.next_call().go_on.set()
        assert list(words) == [*WORDS[1:], "[DONE]"]


@services
def test_takes_no_more_than_its_client_reads(server: Server, upstream: Upstream) -> None:
    with streaming(server, "flood") as words:
        call = upstream.next_call()
        next(words)
        while call.taken.acquire(timeout=2):  # as fast as it likes, until it waits for us
            assert not call.ended.is_set()
    assert call.left.wait(PATIENCE)


@services
@replies
def test_all_tell_alike_what_real_models_send(
    server: Server, upstream: Upstream, name: str
) -> None:
    assert reply(server, upstream, name) == (REPLIES[name].status, REPLIES[name].told)


@everywhere
def test_sends_its_own_key_and_the_conversation(server: Server, upstream: Upstream) -> None:
    assert ask(server, "tell") == "".join(WORDS)
    call = upstream.next_call()
    assert call.authorization == f"Bearer {UPSTREAM_KEY}"
    assert call.request["model"] == MODEL
    assert call.request["messages"] == [{"role": "user", "content": "tell"}]


@everywhere
def test_who_leaves_a_stream_ends_it(server: Server, upstream: Upstream) -> None:
    with streaming(server, "endless") as words:
        call = upstream.next_call()
        next(words)
    assert call.left.wait(5)


@pytest.mark.parametrize("way", ["responses", "a feature"])
@services
def test_who_leaves_it_in_another_form_ends_it(
    server: Server, upstream: Upstream, way: str
) -> None:
    with streaming(server, "endless", WAYS[way]) as words:
        call = upstream.next_call()
        next(words)
    assert call.left.wait(5)


@pytest.mark.parametrize("combination", ["fastapi", "flask"])
def test_who_leaves_a_response_that_is_passed_on_ends_it(
    project: Callable[[str], Project], upstream: Upstream, combination: str
) -> None:
    upstream.tales["respond"] = responding
    with serving(project(combination), **connected(upstream), LLM_RESPONSES="pass") as server:
        with streaming(server, "respond", RESPONSES) as words:
            call = upstream.next_call()
            assert next(words) == WORDS[0]
        assert call.left.wait(5)
        assert outcomes(server, 1) == [("chat", "cancelled")]


def responding(_: Call) -> Iterator[str]:
    """The events of a response that has no end."""
    response = {"id": "resp_1", "object": "response", "status": "in_progress"}
    yield json.dumps({"type": "response.created", "response": response})
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        yield json.dumps({"type": "response.output_text.delta", "delta": WORDS[0]})
        time.sleep(PAUSE)


@pytest.mark.parametrize(
    ("combination", "seconds"),
    [
        pytest.param("fastapi", 3, id="fastapi, at once"),
        # The first ping is answered with a reset, at which the second fails.
        pytest.param("flask", 25, id="flask, at the second ping"),
        pytest.param("flask-threads-no-docs", 25, id="flask with threads, likewise"),
    ],
)
def test_who_leaves_while_the_model_is_silent_ends_it(
    project: Callable[[str], Project],
    upstream: Upstream,
    combination: str,
    seconds: float,
    tmp_path: Path,
) -> None:
    made = with_stories(project(combination), tmp_path)
    with serving(made, **connected(upstream)) as server:
        with ExitStack() as streams:
            calls = []
            for way in WAYS.values():
                words = streams.enter_context(streaming(server, "silent", way))
                calls.append(upstream.next_call())
                assert next(words) == WORDS[0]
        assert all(call.left.wait(seconds) for call in calls)
        ended = [(operation, "cancelled") for operation in ("chat", "chat", "stories")]
        assert outcomes(server, len(calls)) == ended


@pytest.mark.parametrize("combination", ["fastapi", "flask"])
def test_a_model_that_takes_no_connection_is_given_up_in_seconds(
    project: Callable[[str], Project], combination: str
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as full,
        socket.create_connection(full.getsockname()),
        serving(project(combination), **unreachable(full.getsockname()[1])) as server,
    ):
        body = {"messages": [{"role": "user", "content": "tell"}]}
        headers = {"authorization": f"Bearer {CLIENT_KEY}"}
        url = f"{server.url}/v1/chat/completions"
        # Three times five seconds and the pauses between; one read alone would have sixty.
        answer = httpx2.post(url, json=body, headers=headers, timeout=40)
    assert answer.status_code == 504
    assert "x-request-id" in answer.headers


def unreachable(port: int) -> dict[str, str]:
    model = {"LLM_API_KEY": UPSTREAM_KEY, "LLM_BASE_URL": f"http://127.0.0.1:{port}/v1"}
    return {**model, **PRODUCTION, "LLM_MODEL": MODEL}


@services
@pytest.mark.parametrize("key", [None, "guessed", UPSTREAM_KEY])
def test_lets_only_known_keys_in(server: Server, key: str | None) -> None:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    assert httpx2.get(f"{server.url}/v1/models", headers=headers).status_code == 401


@services
def test_says_when_a_busy_model_can_be_asked_again(server: Server, upstream: Upstream) -> None:
    with pytest.raises(openai.RateLimitError) as refused:
        ask(server, "busy")
    assert refused.value.response.headers["retry-after"] == RETRY_AFTER
    tries = [upstream.next_call() for _ in range(3)]  # the first, and two more
    assert {call.wish for call in tries} == {"busy"}
    assert upstream.calls.empty()


@pytest.mark.parametrize("combination", [*SERVICES, *PROTOTYPES])
def test_a_stream_that_runs_is_finished_after_sigterm(
    project: Callable[[str], Project], upstream: Upstream, combination: str
) -> None:
    with serving(project(combination), **connected(upstream)) as server:
        with streaming(server, "wait") as words:
            call = upstream.next_call()
            assert next(words) == WORDS[0]
            server.process.send_signal(signal.SIGTERM)
            server.wait_until_closed()
            call.go_on.set()
            assert list(words) == [*WORDS[1:], "[DONE]"]
        # uvicorn ends as the signal would have ended it, gunicorn by itself.
        assert server.ended() in {0, -signal.SIGTERM}


@pytest.mark.parametrize("combination", SERVICES)
def test_a_stream_that_outlasts_the_grace_ends_with_an_error(
    project: Callable[[str], Project], upstream: Upstream, combination: str
) -> None:
    grace = {
        "UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN": "1",
        "GUNICORN_CMD_ARGS": "--graceful-timeout 4",
    }
    said = {"role": "user", "content": "silent", "parts": [{"type": "text", "text": "silent"}]}
    body = {"messages": [{"id": "1", **said}], "input": "silent", "stream": True}
    headers = {"authorization": f"Bearer {CLIENT_KEY}"}
    with (
        serving(project(combination), **connected(upstream), **grace) as server,
        httpx2.Client(base_url=server.url, headers=headers, timeout=30) as client,
        client.stream("POST", "/v1/chat/completions", json=body) as chat,
        client.stream("POST", "/api/chat", json=body) as ui,
        client.stream("POST", "/v1/responses", json=body) as response,
    ):
        server.process.send_signal(signal.SIGTERM)
        answers = (chat, ui, response)
        ends = [[*filter(None, answer.iter_lines())][-3:] for answer in answers]
        assert "service_unavailable_error" in ends[0][-1]
        assert '"errorText"' in ends[1][-1]
        assert ends[2][::2] == ["event: response.failed", "data: [DONE]"]
        assert server.ended() in {0, -signal.SIGTERM}
        assert server.log.read_text().count('"outcome":"cancelled"') == len(ends)
        assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("combination", ["flask-threads-no-docs", "flask-prototype"])
def test_who_is_connected_at_sigterm_is_served(
    project: Callable[[str], Project], combination: str
) -> None:
    with serving(project(combination)) as server, ExitStack() as stack:
        [worker] = server.workers()
        os.kill(worker, signal.SIGSTOP)
        clients = [stack.enter_context(server.connect()) for _ in range(20)]
        for client in clients:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        server.process.send_signal(signal.SIGTERM)
        server.wait_until_it_says("Handling signal: term")
        os.kill(worker, signal.SIGCONT)
        answers = [client.recv(4096) for client in clients]
    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 200"] * len(clients)


@pytest.mark.parametrize(
    ("combination", "variables", "flags"),
    [
        pytest.param("fastapi", {"WEB_CONCURRENCY": "2"}, "", id="fastapi, by variable"),
        pytest.param("fastapi", {}, "--workers 2", id="fastapi, by flag"),
        pytest.param("flask", {"WEB_CONCURRENCY": "2"}, "", id="flask, by variable"),
        pytest.param("flask", {}, "-w 2", id="flask, by flag"),
        pytest.param(
            "flask", {"GUNICORN_CMD_ARGS": "--workers=2"}, "", id="flask, by gunicorn's variable"
        ),
    ],
)
def test_production_refuses_workers_that_would_count_alone(
    project: Callable[[str], Project],
    upstream: Upstream,
    combination: str,
    variables: dict[str, str],
    flags: str,
) -> None:
    _, said = refusal(project(combination), flags, **{**connected(upstream), **variables})
    lines = [line for line in said.splitlines() if line.startswith("settings: REDIS_URL must")]
    assert len(lines) in {1, 2}  # from each worker at most once: none is tried again


@pytest.mark.parametrize(
    ("combination", "variables", "flags"),
    [
        pytest.param("fastapi", {"WEB_CONCURRENCY": "0"}, "", id="fastapi, by variable"),
        pytest.param("flask", {"WEB_CONCURRENCY": "0"}, "", id="flask, by variable"),
        pytest.param("flask", {}, "-w 0", id="flask, by flag"),
    ],
)
def test_no_workers_at_all_are_refused(
    project: Callable[[str], Project], combination: str, variables: dict[str, str], flags: str
) -> None:
    code, said = refusal(project(combination), flags, **variables)
    assert code not in {0, -signal.SIGTERM}
    assert "settings: WEB_CONCURRENCY" in said


@pytest.mark.parametrize("missing", ["LLM_API_KEY", "API_KEYS"])
@pytest.mark.parametrize("combination", SERVICES)
def test_production_refuses_to_start_without(
    project: Callable[[str], Project], upstream: Upstream, combination: str, missing: str
) -> None:
    code, said = refusal(project(combination), **{**connected(upstream), missing: ""})
    assert code not in {0, -signal.SIGTERM}
    [line] = [line for line in said.splitlines() if missing in line]
    assert line.startswith("settings: ")
    assert "Traceback" not in said
    assert UPSTREAM_KEY not in said
