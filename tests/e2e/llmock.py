"""An upstream that fails to order, and judges how its client takes it: the `llmock` package."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx2

from e2e.machine import Machine
from e2e.servers import Server, started

LLMOCK = "llmock>=0.2.2,<0.3"
START_SECONDS = 30
Behavior = dict[str, Any]


class Llmock(NamedTuple):
    """A running llmock; each test gets it with nothing planned and nothing remembered."""

    control: httpx2.Client
    url: str
    program: Path
    machine: Machine

    def plan(self, *behaviors: Behavior) -> None:
        """Says what befalls the next requests, in order; then it answers as a model does."""
        if behaviors:
            self._post("/_llmock/scenario", {"behaviors": behaviors})

    def reset(self) -> None:
        self._post("/_llmock/reset", {})

    def requests(self) -> list[dict[str, Any]]:
        """What it was asked, retries included."""
        requests: list[dict[str, Any]] = self._get("/_llmock/requests")["requests"]
        return requests

    def findings(self) -> list[str]:
        """What it holds against its client."""
        return [finding["code"] for finding in self._get("/_llmock/verdict")["findings"]]

    def report(self) -> None:
        """Runs its own report, which fails where there is anything to find."""
        self.machine.run(str(self.program), "report", "--strict", "--url", self.url)

    def _get(self, path: str) -> Any:
        return self.control.get(path).raise_for_status().json()

    def _post(self, path: str, body: object) -> None:
        self.control.post(path, json=body).raise_for_status()


@contextmanager
def running_llmock(machine: Machine) -> Iterator[Llmock]:
    program = machine.environment("llmock", LLMOCK) / "llmock"

    def command(port: int) -> str:
        return f"exec {program} serve --port {port} --log-level warning"

    with started(command, machine.folder, machine.variables) as server:
        wait_until_healthy(server)
        with httpx2.Client(base_url=server.url, timeout=30) as control:
            yield Llmock(control, server.url, program, machine)


def wait_until_healthy(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.process.poll() is None, server.log.read_text()
        with suppress(httpx2.TransportError):
            if httpx2.get(f"{server.url}/health", timeout=5).is_success:
                return
        time.sleep(0.05)
    raise AssertionError(f"no health in {START_SECONDS} s:\n{server.log.read_text()}")
