"""Each service keeps what its API document promises, for requests that nobody thought of."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from e2e.machine import Machine
from e2e.projects import Project
from e2e.servers import Server, serving

pytestmark = pytest.mark.slow

SCHEMATHESIS = "schemathesis>=4.32,<5"
EXAMPLES = "30"
KEY = "key-of-a-client"
UNLIMITED = {"REQUESTS_PER_MINUTE": "1000000000", "TOKENS_PER_DAY": "1000000000000"}
ENVIRONMENT = {
    **UNLIMITED,  # so that no limit answers for the service
    "API_KEYS": f"alice:{hashlib.sha256(KEY.encode()).hexdigest()}",
}

# What only the newest message has to hold, no schema can say; nor that a call has an output, or
# that a tool which is chosen is among the tools.
CONFIGURATION = """
[[operations]]
include-path = "/api/chat"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422", "429"]

[[operations]]
include-path = "/v1/responses"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "401", "403", "404", "409", "429"]
"""


@pytest.mark.parametrize("framework", ["fastapi", "flask"])
def test_keeps_its_promises(
    project: Callable[[str], Project], machine: Machine, framework: str, tmp_path: Path
) -> None:
    schemathesis = machine.environment("schemathesis", SCHEMATHESIS) / "schemathesis"
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    with serving(project(framework), **ENVIRONMENT) as server:
        machine.run(
            str(schemathesis),
            "run",
            explicit(server, tmp_path),
            f"--url={server.url}",
            f"--header=Authorization: Bearer {KEY}",
            "--checks=all",
            f"--max-examples={EXAMPLES}",
            "--seed=1",  # what it finds, it finds again
            "--continue-on-failure",
            "--no-color",
            directory=tmp_path,  # where it keeps what failed
        )
        assert '"status":500' not in server.log.read_text()


def explicit(server: Server, folder: Path) -> str:
    """The path of the API document without the answers that fit any status: none is let pass."""
    document = httpx2.get(f"{server.url}/openapi.json").json()
    for path in document["paths"].values():
        for operation in path.values():
            del operation["responses"]["default"]
    (folder / "openapi.json").write_text(json.dumps(document))
    return str(folder / "openapi.json")
