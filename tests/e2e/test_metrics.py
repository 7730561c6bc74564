"""Several workers count as one."""

import re
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from e2e.projects import Project
from e2e.servers import serving

pytestmark = pytest.mark.slow

REQUESTS = 20
COUNTED = re.compile(r'^http_requests_total\{.*"/readyz".*\} (.*)$', re.MULTILINE)


@pytest.mark.parametrize("combination", ["fastapi-azure", "flask-azure"])
def test_workers_are_counted_together(
    project: Callable[[str], Project], combination: str, tmp_path: Path
) -> None:
    environment = {"WEB_CONCURRENCY": "2", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    with serving(project(combination), **environment) as server:
        for _ in range(REQUESTS):
            httpx2.get(f"{server.url}/readyz")  # each on its own connection, for either worker
        pages = [httpx2.get(f"{server.url}/metrics").text for _ in range(5)]
    assert [COUNTED.findall(page) for page in pages] == [[f"{REQUESTS}.0"]] * len(pages)
