"""The environment: what is read, and what refuses to start."""

import pytest

from backend.api_keys import digest
from backend.settings import load_settings

KEY = f"alice:{digest('a key')}"


def test_starts_with_nothing_set() -> None:
    assert load_settings().llm_api_key is None


def test_a_secret_cannot_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert "sk-secret" not in repr(load_settings())


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        pytest.param({"MAX_TOKENS": "many"}, "MAX_TOKENS", id="not a number"),
        pytest.param({"API_KEYS": "alice:secret"}, "API_KEYS", id="a key instead of its digest"),
        pytest.param({"APP_ENV": "staging"}, "APP_ENV", id="unknown environment"),
        pytest.param(
            {"APP_ENV": "production", "API_KEYS": KEY}, "LLM_API_KEY", id="no model in production"
        ),
        pytest.param(
            {"APP_ENV": "production", "LLM_API_KEY": "k"}, "API_KEYS", id="open in production"
        ),
    ],
)
def test_refuses_to_start_in_one_line(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], named: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as refusal:
        load_settings()
    message = str(refusal.value)
    assert named in message
    assert "\n" not in message
    assert "secret" not in message


def test_starts_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"APP_ENV": "production", "LLM_API_KEY": "k", "API_KEYS": KEY}.items():
        monkeypatch.setenv(name, value)
    assert load_settings().api_keys == (KEY,)
