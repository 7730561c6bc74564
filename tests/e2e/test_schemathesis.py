"""Each service keeps what its API document promises, for requests that nobody thought of."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.machine import Machine
from e2e.projects import Project
from e2e.servers import serving

pytestmark = pytest.mark.slow

SCHEMATHESIS = "schemathesis>=4.32,<5"
EXAMPLES = "30"
KEY = "key-of-a-client"
UNLIMITED = {"REQUESTS_PER_MINUTE": "1000000000", "TOKENS_PER_DAY": "1000000000000"}
ENVIRONMENT = {
    **UNLIMITED,  # so that no limit answers for the service
    "API_KEYS": f"alice:{hashlib.sha256(KEY.encode()).hexdigest()}",
}


@pytest.mark.parametrize("framework", ["fastapi", "flask"])
def test_keeps_its_promises(
    project: Callable[[str], Project], machine: Machine, framework: str, tmp_path: Path
) -> None:
    schemathesis = machine.environment("schemathesis", SCHEMATHESIS) / "schemathesis"
    with serving(project(framework), **ENVIRONMENT) as server:
        machine.run(
            str(schemathesis),
            "run",
            f"{server.url}/openapi.json",
            f"--header=Authorization: Bearer {KEY}",
            "--checks=all",
            f"--max-examples={EXAMPLES}",
            "--seed=1",  # what it finds, it finds again
            "--continue-on-failure",
            "--no-color",
            directory=tmp_path,  # where it keeps what failed
        )
        assert '"status": 500' not in server.log.read_text()
