"""The environment: what is read, and what refuses to start."""

import re
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from backend import api_keys
from backend.api_keys import digest
from backend.settings import START_FAILED, Settings, load_settings
from tests.conftest import Serve

PRODUCTION = {
    "APP_ENV": "production",
    "LLM_API_KEY": "a-secret",
    "LLM_BASE_URL": "https://upstream.example/v1",
    "LLM_MODEL": "some-model",
    "API_KEYS": f"alice:{digest('a key')}",
}


def test_starts_with_nothing_set() -> None:
    settings = load_settings()
    assert (settings.llm_api_key, settings.api_keys, settings.cors_origins) == (None, (), ())


def test_the_example_shows_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = load_settings()
    example = (Path(__file__).parents[1] / ".env.example").read_text()
    shown = dict(re.findall(r"^# ([A-Z_]+)=([^<\n]+)$", example, re.MULTILINE))
    examples = {"LLM_API_KEY", "REDIS_URL"}  # these have no default
    set_environment(monkeypatch, {name: shown[name] for name in shown.keys() - examples})
    assert load_settings() == defaults


def test_reads_a_file_for_what_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("MAX_MESSAGES=7\nMAX_TOKENS=7\nPORT=8000\n")
    monkeypatch.setenv("MAX_TOKENS", "8")
    settings = load_settings()
    assert (settings.max_messages, settings.max_tokens) == (7, 8)


def test_starts_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, PRODUCTION)
    assert load_settings().api_keys == (PRODUCTION["API_KEYS"],)


def test_a_key_is_not_made_for_an_id_that_settings_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["api_keys", "bob:"])
    with pytest.raises(SystemExit, match="usage"):
        api_keys.main()


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param(PRODUCTION | {"REDIS_URL": "redis://127.0.0.1:6379/0"}, id="count together"),
        pytest.param({}, id="in development"),
    ],
)
def test_several_workers_start(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    shared = {"WEB_CONCURRENCY": "2"}
    set_environment(monkeypatch, environment | shared)
    assert load_settings().web_concurrency == 2


def test_reads_the_names_that_other_tools_use(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = {"OPENAI_API_KEY": "a-secret", "OPENAI_BASE_URL": PRODUCTION["LLM_BASE_URL"]}
    set_environment(monkeypatch, theirs | {"LLM_MODEL": "some-model"})
    settings = load_settings()
    assert settings.llm_api_key is not None
    assert settings.llm_base_url == PRODUCTION["LLM_BASE_URL"]


def test_prefers_its_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = {"OPENAI_API_KEY": "another", "OPENAI_BASE_URL": "https://another.example/v1"}
    set_environment(monkeypatch, PRODUCTION | theirs)
    settings = load_settings()
    assert settings.llm_api_key is not None
    assert settings.llm_api_key.get_secret_value() == PRODUCTION["LLM_API_KEY"]
    assert settings.llm_base_url == PRODUCTION["LLM_BASE_URL"]


@pytest.mark.parametrize("key", ["a-secret", None])
def test_its_own_names_stand_alone(monkeypatch: pytest.MonkeyPatch, key: str | None) -> None:
    theirs = {"OPENAI_API_KEY": "another", "OPENAI_BASE_URL": "https://another.example/v1"}
    set_environment(monkeypatch, theirs | {"LLM_MODEL": "some-model"})
    url = PRODUCTION["LLM_BASE_URL"]
    Path(".env").write_text(f"LLM_BASE_URL={url}\nLLM_API_KEY={key or ''}\n")
    settings = load_settings()
    sent = settings.llm_api_key and settings.llm_api_key.get_secret_value()
    assert (sent, settings.llm_base_url) == (key, url)


def test_a_secret_cannot_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, PRODUCTION)
    assert "a-secret" not in repr(load_settings())


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        pytest.param({"MAX_TOKENS": "many"}, "MAX_TOKENS", id="not a number"),
        pytest.param({"API_KEYS": "alice:secret"}, "API_KEYS", id="a key instead of its digest"),
        pytest.param({"LLM_BASE_URL": "upstream/v1"}, "LLM_BASE_URL", id="no address"),
        pytest.param({"REDIS_URL": "secret.example"}, "REDIS_URL", id="no address of a Redis"),
        pytest.param({"REDIS_URL": "redis://:secret@a:b"}, "REDIS_URL", id="a port as text"),
        *(
            pytest.param({"REDIS_URL": f"rediss://:secret@a{rest}"}, "REDIS_URL", id=rest)
            for rest in ("/x", "?no_such=1", "?db=x", "?max_connections=-1", "?ssl_cert_reqs=some")
        ),
        pytest.param({"CORS_ORIGINS": "app.example"}, "CORS_ORIGINS", id="a host for an origin"),
        *(
            pytest.param({"CORS_ORIGINS": value}, "CORS_ORIGINS", id=value)
            for value in ("null", "app://", "app:a", "http://[::1]/a", "http://a:b", "//a")
        ),
        *(
            pytest.param({"LLM_BASE_URL": value}, "LLM_BASE_URL", id=repr(value))
            for value in (
                "https://alice:@a.example/v1",
                "https://secret@a.example/v1",
                "https://a.example/v1?secret=1",
                "https://a.example/v1#secret",
                "https://a.example:port/v1",
                "https://a.example:99999/v1",
                "https://a..example/v1",
                f"https://{'a' * 64}.example/v1",
                "https://a.example/a b",
                "https://[::1/v1",
                "https:///v1",
                "ftp://a.example",
                "a.example/v1",
            )
        ),
        *(
            pytest.param({"LLM_API_KEY": value}, "LLM_API_KEY", id=repr(value))
            for value in ("secrét", "a secret", "a\nsecret", " ", "secret\x7f", "\udcff")
        ),
        *(
            pytest.param({"LLM_TIMEOUT_SECONDS": value}, "LLM_TIMEOUT_SECONDS", id=value)
            for value in ("inf", "-inf", "nan", "-1", "1e9", "1e999", "a minute")
        ),
        pytest.param({"LLM_FILES": "video/mp4"}, "LLM_FILES", id="a kind of file that none reads"),
        pytest.param({"CORS_ORIGINS": "https://a.example/b"}, "CORS_ORIGINS", id="with a path"),
        pytest.param(
            {"ALLOWED_MODELS": "a", "LLM_MODEL": "b"}, "LLM_MODEL", id="a default not allowed"
        ),
        pytest.param(
            {"ALLOWED_MODELS": PRODUCTION["LLM_MODEL"], "EMBEDDING_MODEL": "b"},
            "EMBEDDING_MODEL",
            id="an embedding model not allowed",
        ),
        pytest.param({"CORS_ORIGINS": "https://*.a.example"}, "CORS_ORIGINS", id="a pattern"),
        pytest.param({"FORWARDED_ALLOW_IPS": "proxy"}, "FORWARDED_ALLOW_IPS", id="no network"),
        pytest.param({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL", id="unknown level"),
        pytest.param({"LLM_TIMEOUT_SECONDS": "0"}, "LLM_TIMEOUT_SECONDS", id="no time"),
        *(
            pytest.param({name: "0"}, name, id=f"{name} of none")
            for name in (
                "MAX_BODY_BYTES",
                "MAX_MESSAGES",
                "MAX_TOKENS",
                "REQUESTS_PER_MINUTE",
                "TOKENS_PER_DAY",
                "WEB_CONCURRENCY",
            )
        ),
        *(
            pytest.param({"MAX_TOKENS": value}, "MAX_TOKENS", id=value[:9])
            for value in ("1" * 20, "9" * 5000, "1e3", "nan", "-1", "1.5")
        ),
        pytest.param({"WEB_CONCURRENCY": "2"}, "REDIS_URL", id="workers that count alone"),
        pytest.param({"APP_ENV": "staging"}, "APP_ENV", id="unknown environment"),
        pytest.param({"LLM_API_KEY": ""}, "LLM_API_KEY", id="no model in production"),
        pytest.param({"API_KEYS": ""}, "API_KEYS", id="open in production"),
    ],
)
def test_refuses_to_start_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changed: dict[str, str],
    named: str,
) -> None:
    set_environment(monkeypatch, PRODUCTION | changed)
    with pytest.raises(SystemExit, match=str(START_FAILED)):
        load_settings()
    [line] = capsys.readouterr().err.splitlines()
    assert named in line
    assert "secret" not in line


@pytest.mark.parametrize("blank", [" ", "\n", "\r\n", "\t"])
def test_blanks_around_a_value_are_no_part_of_it(
    monkeypatch: pytest.MonkeyPatch, blank: str
) -> None:
    set_environment(monkeypatch, PRODUCTION)
    plain = load_settings()
    padded = {name: f"{blank}{value}{blank}" for name, value in PRODUCTION.items()}
    set_environment(monkeypatch, padded)
    assert load_settings() == plain


@pytest.mark.parametrize("name", [name.upper() for name in Settings.model_fields])
@pytest.mark.parametrize(
    "value", [" ", "x", "0", "-1", "nan", "1e999", "\udcff", "\x1b", "9" * 5000, ","]
)
def test_every_setting_takes_a_value_or_refuses_it_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with suppress(SystemExit):
        load_settings()
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] in ([], ["settings"])


def test_a_file_that_is_not_utf_8_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path(".env").write_bytes(b"LLM_MODEL=caf\xe9\n")
    with pytest.raises(SystemExit, match=str(START_FAILED)):
        load_settings()
    [line] = capsys.readouterr().err.splitlines()
    assert ".env" in line


@pytest.mark.parametrize(
    "origin",
    [
        "app://obsidian.md",
        "chrome-extension://abcdefghijklmnop",
        "tauri://localhost",
        "capacitor://localhost",
        "http://[::1]:5173",
        "https://app.example",
    ],
)
def test_lets_a_page_of_any_scheme_ask(serve: Serve, origin: str) -> None:
    client = serve(cors_origins=origin)
    wish = {"access-control-request-method": "POST"}
    for page, allowed in ((origin, origin), (f"{origin}0", None), ("null", None)):
        responses = [
            client.get("/healthz", headers={"origin": page}),
            client.options("/healthz", headers={"origin": page, **wish}),
        ]
        for response in responses:
            assert response.headers.get("access-control-allow-origin") == allowed


def set_environment(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://127.0.0.1:1080",
        "ftp://x",
        "http://",
        "http://[",
        "http://proxy.example:many",
        "proxy.example:99999",
        "http://proxy..example",
        "not a proxy",
    ],
)
def test_a_proxy_that_cannot_be_used_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], proxy: str
) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setenv("LLM_API_KEY", "k")
    monkeypatch.setenv("LLM_BASE_URL", "http://model.example/v1")
    monkeypatch.setenv("LLM_MODEL", "m")
    with pytest.raises(SystemExit):
        load_settings()
    assert capsys.readouterr().err.startswith("settings: ALL_PROXY takes http://")
    monkeypatch.setenv("NO_PROXY", "model.example")
    load_settings()
