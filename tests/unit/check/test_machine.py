"""What the doctor says about machines that lack something."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Run

from genai_scaffold.check.machine import Diagnosis, examine_machine

Command = Callable[..., Run]


def by_tool() -> dict[str, Diagnosis]:
    return {diagnosis.tool: diagnosis for diagnosis in examine_machine()}


def test_a_good_machine_is_told_so(run: Command) -> None:
    document = run("doctor", "--json").document
    checks = {check["tool"]: check for check in document["checks"]}
    assert checks["python"]["works"]
    assert checks["git identity"]["works"]
    assert checks["git"]["fix"] == ""


def test_what_is_missing_comes_with_what_to_do(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    ended = run("doctor")
    assert ended.code == 0
    found = by_tool()
    for tool in ("git", "git identity", "uv", "docker"):
        assert not found[tool].works
        assert found[tool].fix
        assert found[tool].fix in " ".join(ended.output.split())


def test_git_without_an_identity_is_told_how_to_get_one() -> None:
    (Path.home() / ".gitconfig").write_text("")
    diagnosis = by_tool()["git identity"]
    assert not diagnosis.works
    assert "git config --global" in diagnosis.fix


def test_a_program_that_fails_does_not_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text("#!/bin/sh\necho 'it is broken' >&2\nexit 3\n")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{uv.parent}{os.pathsep}{os.environ['PATH']}")
    assert by_tool()["uv"].detail == "it is broken"


def test_without_venv_and_uv_the_exit_code_says_so(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program = (
        "import importlib.util as u, sys; find = u.find_spec;"
        "u.find_spec = lambda name, *rest: None if name == 'ensurepip' else find(name, *rest);"
        "from genai_scaffold.cli.exits import main; main(['doctor'])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": str(tmp_path / "bin")},
    )
    assert ended.returncode == 4, ended.stderr
    assert "python3-venv" in ended.stdout


def test_a_terminal_is_needed_to_ask() -> None:
    assert by_tool()["terminal"].fix == "say --yes, or give --answers FILE"
