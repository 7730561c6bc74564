"""Clients that leave while they are answered."""

from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from backend.application import create_app
from backend.settings import Settings
from tests.serving import WholeStream, leave, upstream

ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}], "stream": True}
ASK_FROM_PAGE = {"messages": [{"role": "user", "parts": [{"type": "text", "text": "Hi"}]}]}


@pytest.mark.parametrize("frames", [0, 1])
@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/v1/chat/completions", ASK),
        ("/v1/responses", {"input": "Hi", "stream": True}),
        ("/api/chat", ASK_FROM_PAGE),
    ],
)
def test_a_client_that_leaves_at_once_ends_what_it_began(
    path: str, asked: dict[str, Any], frames: int
) -> None:
    said = WholeStream(b'data: {"choices": [{"index": 0, "delta": {"content": "Hello"}}]}\n\n')
    model = upstream(lambda _: httpx2.Response(200, stream=said))
    app = create_app(Settings(log_level="INFO"), model)
    with capture_logs() as lines:

        def ended() -> bool:
            return any(line["event"] == "model_call" for line in lines) and said.closed.is_set()

        leave(app, path, asked, frames, ended)
    assert [line["outcome"] for line in lines if line["event"] == "model_call"] == ["cancelled"]
