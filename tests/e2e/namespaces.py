"""A process in namespaces of its own: without a network, or with disks that only it sees."""

import os
import subprocess

import pytest

from e2e.conftest import required

FLAGS = {"network": "--net", "disks": "--mount"}


def separated(*what: str) -> tuple[str, ...]:
    """What a command begins with to run apart; where the system forbids it, as without the tool."""
    command = (required("unshare"), "--map-root-user", *(FLAGS[name] for name in what))
    refused = subprocess.run((*command, "true"), capture_output=True, text=True, check=False)
    if refused.returncode:
        reason = f"this system has no namespaces for us: {refused.stderr.strip()}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return command
