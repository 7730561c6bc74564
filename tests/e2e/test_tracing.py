"""What a collector receives of a service, and when."""

import signal
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx2
import pytest

from e2e.collector import collecting
from e2e.projects import START, Project
from e2e.servers import refusal, started

pytestmark = pytest.mark.slow

CANARY = "canary-7f3a"
NAME = b"gen_ai.provider.name"
observed = pytest.mark.parametrize("combination", ["fastapi-azure", "flask-azure"])


def chat_and_stop(project: Project, variables: Mapping[str, str]) -> Path:
    """Asks once, sends SIGTERM at once, and returns the log."""
    everything = {**project.variables, **variables}
    with started(lambda _: START[project.framework], project.folder, everything) as server:
        server.wait_until_healthy()
        ask = {"messages": [{"role": "user", "content": CANARY}]}
        answer = httpx2.post(f"{server.url}/v1/chat/completions", json=ask)
        server.process.send_signal(signal.SIGTERM)
        server.ended()
    assert CANARY in answer.text
    return server.log


@observed
def test_the_last_span_is_sent_before_the_end_and_holds_no_text(
    project: Callable[[str], Project], combination: str
) -> None:
    with collecting() as collector:
        chat_and_stop(project(combination), {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
        batch = collector.batches.get_nowait()
    assert NAME in batch
    assert b"azure.ai.openai" in batch
    assert CANARY.encode() not in batch


@observed
@pytest.mark.parametrize(("exporter", "on_console"), [("none", False), ("console", True)])
def test_another_exporter_is_chosen(
    project: Callable[[str], Project], combination: str, exporter: str, on_console: bool
) -> None:
    with collecting() as collector:
        variables = {
            "OTEL_TRACES_EXPORTER": exporter,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        }
        log = chat_and_stop(project(combination), variables).read_text()
        assert collector.batches.empty()
    assert (NAME.decode() in log) == on_console
    assert CANARY not in log


@observed
def test_a_protocol_that_is_not_installed_is_refused_in_one_line(
    project: Callable[[str], Project], combination: str
) -> None:
    variables = {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    code, said = refusal(project(combination), **variables)
    assert code == 3
    [line] = [line for line in said.splitlines() if line.startswith("settings: ")]
    assert "OTEL_EXPORTER_OTLP_PROTOCOL" in line
    assert "otlp_proto_http" in line
    assert "Traceback" not in said
