"""The environment: what is read, and what refuses to start."""

import pytest

from backend.api_keys import digest
from backend.settings import START_FAILED, load_settings

PRODUCTION = {
    "APP_ENV": "production",
    "LLM_API_KEY": "a-secret",
    "LLM_BASE_URL": "https://upstream.example/v1",
    "LLM_MODEL": "some-model",
    "API_KEYS": f"alice:{digest('a key')}",
}


def test_starts_with_nothing_set() -> None:
    assert load_settings().llm_api_key is None


def test_starts_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, PRODUCTION)
    assert load_settings().api_keys == (PRODUCTION["API_KEYS"],)


def test_workers_that_count_together_start(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = {"WEB_CONCURRENCY": "2", "REDIS_URL": "redis://127.0.0.1:6379/0"}
    set_environment(monkeypatch, PRODUCTION | shared)
    assert load_settings().web_concurrency == 2


def test_reads_the_names_that_other_tools_use(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = {"OPENAI_API_KEY": "a-secret", "OPENAI_BASE_URL": PRODUCTION["LLM_BASE_URL"]}
    set_environment(monkeypatch, theirs | {"LLM_MODEL": "some-model"})
    settings = load_settings()
    assert settings.llm_api_key is not None
    assert settings.llm_base_url == PRODUCTION["LLM_BASE_URL"]


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
        pytest.param({"CORS_ORIGINS": "app.example"}, "CORS_ORIGINS", id="a host for an origin"),
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


def set_environment(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
