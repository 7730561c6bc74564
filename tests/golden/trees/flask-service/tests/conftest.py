from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import httpx2
import pytest

from backend.ai.provider import OfflineProvider, Provider
from backend.application import create_app
from backend.settings import Settings
from tests.serving import Answer, running, upstream

Serve = Callable[..., httpx2.Client]
TLS = httpx2.create_ssl_context()  # made once, since that is slow; the tests use no TLS


class Broken(OfflineProvider):
    """A model that fails in a way that nobody foresaw."""

    def __init__(self, message: str = "") -> None:
        super().__init__()
        self._message = message

    def complete(self, request: object, path: str = "") -> NoReturn:  # noqa: ARG002
        raise RuntimeError(self._message)


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keeps this machine's variables and `.env` out of the tests."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts the application on a free port and returns a client of it."""
    with ExitStack() as stack:

        def start(
            *,
            provider: Provider | None = None,
            answer: Answer | None = None,
            system: str = "",
            **settings: Any,
        ) -> httpx2.Client:
            model = upstream(answer) if answer else provider or OfflineProvider(pause=0)
            settings = {"log_level": "WARNING", **settings}
            app = create_app(Settings(**settings), model, system)
            url = stack.enter_context(running(app))
            return stack.enter_context(httpx2.Client(base_url=url, verify=TLS))

        yield start


@pytest.fixture
def client(serve: Serve) -> httpx2.Client:
    return serve()
