"""What one client may use: requests a minute, and tokens a day."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from redis import Redis

from backend.ai.call import Call
from backend.ai.tokens import most_tokens
from backend.api_keys import digest
from backend.counting import MemoryCounter
from backend.errors import UpstreamFailed, UpstreamTimedOut
from backend.gateway.policy import admit_chat
from backend.gateway.schemas import ChatCompletionRequest
from backend.limits import PREFIX
from backend.settings import Settings
from tests.conftest import Serve

ASK = {"messages": [{"role": "user", "content": "hello"}]}
IMAGE = f"data:image/png;base64,{'A' * 500_000}"
KEYS = {name: f"a key of {name}" for name in ("alice", "bob")}


def needed(**fields: Any) -> int:
    """The tokens that must be free for a request."""
    request = ChatCompletionRequest.model_validate({**ASK, **fields})
    return most_tokens(admit_chat(request, Settings()))


def ask(client: httpx2.Client, name: str = "alice", *, stream: bool = False) -> httpx2.Response:
    headers = {"authorization": f"Bearer {KEYS[name]}"}
    return client.post("/v1/chat/completions", json={**ASK, "stream": stream}, headers=headers)


@pytest.fixture(params=["memory", "redis"])
def limited(serve: Serve, request: pytest.FixtureRequest) -> Serve:
    """Starts the application with a key for Alice and one for Bob, counting in either storage."""

    def start(**settings: object) -> httpx2.Client:
        if request.param == "redis":
            settings["redis_url"] = request.getfixturevalue("redis_url")
        keys = ",".join(f"{name}:{digest(key)}" for name, key in KEYS.items())
        return serve(api_keys=keys, **settings)

    return start


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis of our own on a free port."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [program, "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as redis:  # noqa: S603
        wait_for(port)
        yield f"redis://127.0.0.1:{port}"
        redis.terminate()


def wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


def test_counts_requests_of_each_client(limited: Serve) -> None:
    client = limited(requests_per_minute=2)
    assert [ask(client).status_code for _ in range(3)] == [200, 200, 429]
    assert ask(client, "bob").status_code == 200


@pytest.mark.parametrize(
    ("limit", "code", "seconds"),
    [
        pytest.param({"requests_per_minute": 1}, "rate_limit_exceeded", 60, id="requests"),
        pytest.param({"tokens_per_day": 1}, "insufficient_quota", 24 * 60 * 60, id="tokens"),
    ],
)
def test_says_when_to_ask_again(
    limited: Serve, limit: dict[str, int], code: str, seconds: int
) -> None:
    client = limited(**limit)
    ask(client)
    refused = ask(client)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, code)
    assert seconds / 2 < int(refused.headers["retry-after"]) <= seconds


def test_shows_a_client_what_it_has_spent(limited: Serve) -> None:
    client = limited(requests_per_minute=5, tokens_per_day=10_000)
    headers = {"authorization": f"Bearer {KEYS['alice']}"}
    before = client.get("/v1/usage", headers=headers).json()
    assert before["tokens"] == {
        "limit": 10_000,
        "remaining": 10_000,
        "resets_at": None,
        "used": 0,
    }
    ask(client)
    client.post("/v1/embeddings", json={"input": "hello"}, headers=headers)
    ask(client, "bob")
    usage = client.get("/v1/usage", headers=headers).json()
    assert (usage["object"], usage["client"]) == ("usage", "alice")
    assert (usage["requests"]["limit"], usage["requests"]["remaining"]) == (5, 1)
    assert 0 < usage["requests"]["resets_at"] - time.time() <= 61
    used = usage["tokens"]["used"]
    assert usage["by_operation"].keys() == {"chat", "embeddings"}
    assert sum(usage["by_operation"].values()) == used > 0
    assert usage["tokens"]["remaining"] == 10_000 - used
    assert 24 * 60 * 60 - 60 < usage["tokens"]["resets_at"] - time.time() <= 24 * 60 * 60 + 1


def test_a_look_begins_no_window() -> None:
    now = 0.0
    counter = MemoryCounter(100, 60, lambda: now)
    assert counter.look("alice").seconds is None
    counter.settle(counter.take("alice", 30), -10, "chat", 20)
    now = 59.0
    assert counter.look("alice") == (100, 20, 1.0, {"chat": 20})
    now = 60.0
    assert counter.look("alice") == (100, 0, None, {})


def test_settles_in_the_window_that_was_reserved_in() -> None:
    now = 0.0
    counter = MemoryCounter(100, 60, lambda: now)
    before = counter.take("alice", 100)
    now = 60.0
    counter.take("alice", 30)
    counter.settle(before, -90, "chat", 10)
    assert [counter.take("alice", amount).allowed for amount in (71, 70)] == [False, True]


def test_forgets_the_longest_known_where_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("backend.counting.MOST_CLIENTS", 3)
    now = 0.0
    counter = MemoryCounter(1, 60, lambda: now)
    assert all(counter.take(client, 1).allowed for client in "abcd")
    assert [counter.take(client, 1).allowed for client in "dba"] == [False, False, True]
    assert len(counter) == 3
    now = 60.0
    for client in "efgh":
        counter.take(client, 1)
    assert len(counter) <= 3


def test_a_flush_of_redis_leaves_nobody_with_more_than_the_budget(
    serve: Serve, redis_url: str
) -> None:
    redis = Redis.from_url(redis_url)

    def answer(_: httpx2.Request) -> httpx2.Response:
        redis.flushall()
        return httpx2.Response(200, json={"choices": [], "usage": {"total_tokens": 1}})

    client = serve(answer=answer, redis_url=redis_url, max_tokens=1000, tokens_per_day=1500)
    for _ in range(3):
        assert client.post("/v1/chat/completions", json=ASK).status_code == 200
    large = {**ASK, "n": 2, "max_tokens": 1000}
    assert client.post("/v1/chat/completions", json=large).status_code == 429


def test_counts_under_a_name_of_its_own(serve: Serve, redis_url: str) -> None:
    assert ask(serve(redis_url=redis_url)).status_code == 200
    names = [key.decode() for key in Redis.from_url(redis_url).scan_iter()]
    assert len(names) == 2
    assert {name.split(":")[0] for name in names} == {PREFIX}


@pytest.mark.parametrize("stream", [True, False])
def test_keeps_each_client_within_its_budget(limited: Serve, stream: bool) -> None:
    client = limited(tokens_per_day=75, max_tokens=30)
    codes = [ask(client, stream=stream).status_code for _ in range(5)]
    assert codes[0] == 200  # about 60 tokens reserved, about 10 used
    assert codes[-1] == 429
    assert ask(client, "bob").status_code == 200


@pytest.mark.parametrize(
    ("usage", "codes"),
    [
        # About 75 must be free each time, and are there three times.
        pytest.param({"total_tokens": 7}, [200, 200, 200, 429], id="7 are taken"),
        pytest.param({"total_tokens": -7}, [200, 429, 429, 429], id="no count: all are taken"),
        pytest.param([], [200, 429, 429, 429], id="nothing: all are taken"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_charges_what_the_model_counted(
    serve: Serve, usage: object, codes: list[int], stream: bool
) -> None:
    said = {"id": "1", "choices": [{"finish_reason": "stop"}], "usage": usage}
    events = [json.dumps(said), '{"choices": [], "usage": null}', "[DONE]"]
    text = "".join(f"data: {event}\n\n" for event in events) if stream else json.dumps(said)
    client = serve(
        answer=lambda _: httpx2.Response(200, text=text),
        tokens_per_day=needed(stream=stream, max_completion_tokens=40) + 15,
        max_tokens=40,
    )
    body = {**ASK, "stream": stream}
    assert [client.post("/v1/chat/completions", json=body).status_code for _ in codes] == codes


@pytest.mark.parametrize(
    ("path", "large"),
    [
        pytest.param("chat/completions", {"max_tokens": 50}, id="a long answer"),
        pytest.param("chat/completions", {"n": 3}, id="several answers"),
        pytest.param("chat/completions", {"tools": [{"type": "x" * 200}]}, id="tools"),
        pytest.param("chat/completions", {"prediction": {"content": "x" * 200}}, id="others"),
        pytest.param(
            "chat/completions", {"messages": [{"role": "user", "content": "x" * 200}]}, id="prompt"
        ),
        pytest.param("embeddings", {"input": ["x" * 100] * 3}, id="embeddings"),
        pytest.param("embeddings", {"input": [7] * 50}, id="embeddings of tokens"),
    ],
)
def test_refuses_what_may_cost_too_much_and_charges_nothing(
    serve: Serve, path: str, large: dict[str, object]
) -> None:
    client = serve(tokens_per_day=60)
    small = {**ASK, "max_tokens": 20, "input": "hello"}
    codes = [client.post(f"/v1/{path}", json=body).status_code for body in (small | large, small)]
    assert codes == [429, 200]


@pytest.mark.parametrize(
    ("beside", "status"),
    [
        pytest.param("", 200, id="by what it is"),
        pytest.param("x" * 20_000, 429, id="and what is beside it by its length"),
    ],
)
def test_reserves_for_an_image_whatever_its_length(serve: Serve, beside: str, status: int) -> None:
    image = {"type": "image_url", "image_url": {"url": IMAGE}, "text": beside}
    client = serve(tokens_per_day=6000)
    body = {"messages": [{"role": "user", "content": [image]}], "max_tokens": 20}
    assert client.post("/v1/chat/completions", json=body).status_code == status


@pytest.mark.parametrize(
    ("content", "least"),
    [
        pytest.param("x" * 4000, 1000, id="a text"),
        pytest.param("漢" * 4000, 3000, id="a text whose letters are 3 bytes"),
        pytest.param([{"type": "text", "text": "x" * 4000}], 1000, id="a part"),
        pytest.param([{"type": "video_url", "video_url": {"url": "x"}}], 1500, id="a film"),
        pytest.param([{"type": "x", "image_url": {"url": IMAGE}}], 125_000, id="no image"),
        pytest.param([{"type": "image_url", "image_url": {"url": "x" * 4000}}], 2500, id="no data"),
        pytest.param(
            [{"type": "image_url", "image_url": {"url": f"data:text/plain,{'x' * 4000}"}}],
            2500,
            id="a text for an image",
        ),
        pytest.param(
            [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{'x ' * 2000}"}}],
            2500,
            id="a text in an image's data",
        ),
    ],
)
def test_reserves_a_quarter_of_what_is_sent(content: object, least: int) -> None:
    assert needed(messages=[{"role": "user", "content": content}], max_tokens=1) >= least


@pytest.mark.parametrize("name", ["x", "image_url", "url"])
def test_nothing_is_hidden_in_a_tool(name: str) -> None:
    schema = {"properties": {name: {"description": "x" * 4000, name: {"url": "x" * 4000}}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    assert needed(tools=[tool], max_tokens=1) >= 2000


def test_reserves_the_longest_answer_of_each_choice() -> None:
    one = needed(max_tokens=1)
    assert needed(max_tokens=101) - one in (100, 101)  # its digits are sent, too
    assert needed(max_tokens=10, max_completion_tokens=5) >= one + 9
    assert needed(max_tokens=100, n=3) >= one + 299


def test_charges_nothing_for_a_failure(serve: Serve) -> None:
    refusal = httpx2.Response(400, json={"error": {"message": "no"}})
    client = serve(answer=lambda _: refusal, tokens_per_day=90, max_tokens=40)
    codes = [client.post("/v1/chat/completions", json=ASK).status_code for _ in range(4)]
    assert codes == [400] * 4


@pytest.mark.parametrize(
    ("failure", "charged"),
    [
        pytest.param(GeneratorExit(), True, id="the client left"),
        pytest.param(UpstreamTimedOut("slow"), True, id="no answer in time"),
        pytest.param(UpstreamFailed("broken"), False, id="a failure"),
    ],
)
def test_charges_before_an_answer_only_where_the_model_may_have_worked(
    failure: BaseException, charged: bool
) -> None:
    call = Call("chat", "alice", {"model": "some-model", **ASK, "max_tokens": 40})
    call.begin()
    call.finish(failure)
    assert call.used == (call.reserved if charged else 0)


def test_charges_for_an_answer_that_took_too_long(serve: Serve) -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("too long")

    client = serve(answer=answer, tokens_per_day=90, max_tokens=40)
    codes = [client.post("/v1/chat/completions", json=ASK).status_code for _ in range(2)]
    assert codes == [504, 429]


def test_without_redis_lets_requests_in_but_spends_no_tokens(serve: Serve) -> None:
    client = serve(redis_url="redis://127.0.0.1:1")
    assert client.get("/v1/models").status_code == 200
    refused = client.post("/v1/chat/completions", json=ASK)
    assert (refused.status_code, refused.json()["error"]["type"]) == (
        503,
        "service_unavailable_error",
    )
    assert client.get("/v1/usage").status_code == 503
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "degraded", "lost": ["redis"]})


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("REPLICAOF 127.0.0.1 1", id="read-only"),
        pytest.param("CONFIG SET maxmemory 1", id="full"),
        pytest.param("CONFIG SET min-replicas-to-write 1", id="without its replicas"),
    ],
)
def test_says_that_redis_takes_no_writes(serve: Serve, redis_url: str, command: str) -> None:
    client = serve(redis_url=redis_url)
    assert client.get("/readyz").json() == {"status": "ok", "lost": []}
    redis: Any = Redis.from_url(redis_url)  # whose types are not those of every version
    redis.execute_command(*command.split())
    assert client.get("/readyz").json() == {"status": "degraded", "lost": ["redis"]}


def test_an_answer_outlives_redis(serve: Serve, redis_url: str) -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        Redis.from_url(redis_url).shutdown()
        return httpx2.Response(200, json={"choices": []})

    client = serve(answer=answer, redis_url=redis_url)
    assert client.post("/v1/chat/completions", json=ASK).status_code == 200


@pytest.mark.parametrize(
    ("forwarded", "codes"),
    [
        pytest.param(["203.0.113.1", "203.0.113.2"], [200, 200], id="two clients of a proxy"),
        pytest.param(["203.0.113.1", "203.0.113.1"], [200, 429], id="one client"),
        pytest.param(["1.1.1.1, 203.0.113.1", "2.2.2.2, 203.0.113.1"], [200, 429], id="made up"),
        pytest.param(["203.0.113.1, 10.0.0.1", "203.0.113.1, 10.9.9.9"], [200, 429], id="proxies"),
    ],
)
def test_counts_by_address_where_no_key_is_configured(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, forwarded: list[str], codes: list[int]
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "127.0.0.1, 10.0.0.0/8")
    client = serve(requests_per_minute=1)
    headers = [{"x-forwarded-for": route} for route in forwarded]
    assert [client.get("/v1/models", headers=h).status_code for h in headers] == codes


@pytest.mark.parametrize("proxy", ["10.0.0.1", "unknown"])
def test_believes_all_where_it_is_told_to(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    client = serve(requests_per_minute=1)
    headers = [{"x-forwarded-for": f"203.0.113.{number}, {proxy}"} for number in (1, 2)]
    assert [client.get("/v1/models", headers=h).status_code for h in headers] == [200, 200]


def test_does_not_believe_a_stranger(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "192.0.2.1")
    client = serve(requests_per_minute=1)
    headers = [{"x-forwarded-for": address} for address in ("203.0.113.1", "203.0.113.2")]
    assert [client.get("/v1/models", headers=h).status_code for h in headers] == [200, 429]
