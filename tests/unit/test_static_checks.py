"""What is found by reading alone: bandit's rules and secrets, in the tool and in what it makes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

TREES = sorted((REPOSITORY / "tests/golden/trees").iterdir())
# ruff's own port of these marks the lines that may stay: safe loaders, and templates of no HTML.
# The third takes any method called `extra` for Django's.
MARKED = "B506,B701,B610"
# It looks for words such as `secret`, not for what secrets look like.
WORDS = "KeywordDetector"

PLANTED = {
    "OpenAI": "sk-" + "Zb3kQ9xW7mTfR2vLp8Yc" + "T3BlbkFJ" + "hN6dJ4sGq1AeUo5iKzXw",
    "AWS": "AKIA" + "QZ7XN2M4KP6R3T5V",
    "GitHub": "ghp_" + "a8Kd02LmQx93ZpVw71" + "RtYu56BnCe48SfGh1J",
    "Slack": "xoxb-" + "123456789012-123456789012-" + "AbCdEfGhIjKl" + "MnOpQrStUvWx",
    "private-key": "-----BEGIN RSA PRIVATE " + "KEY-----",
    "basic-auth": "https://admin:" + "hunter2hunter2@example.org/v1",
}


def checked(*command: str, directory: Path = REPOSITORY) -> str:
    completed = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return completed.stdout


def test_bandit_finds_nothing_in_the_tool() -> None:
    checked("bandit", "-q", "-ll", "-s", MARKED, "-r", "src", "scripts", "benchmarks")


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.name)
def test_security_rules_find_nothing_in_a_project(tree: Path) -> None:
    # The tests of a project are full of assertions, and of keys that are none.
    checked(
        "bandit",
        "-q",
        "-ll",
        "-r",
        ".",
        "-x",
        "./tests,./test_app.py,./test_main.py",
        directory=tree,
    )
    rules = ("--isolated", "--no-cache", "--select", "S", "--ignore", "S101")
    checked("ruff", "check", *rules, ".", directory=tree)


def secrets(*where: str, directory: Path = REPOSITORY) -> dict[str, list[object]]:
    scan = ("detect_secrets", "scan", "--disable-plugin", WORDS, *where)
    found: dict[str, list[object]] = json.loads(checked(*scan, directory=directory))["results"]
    return found


def test_the_repository_holds_no_secret() -> None:
    assert secrets(".") == {}


FORMS = {
    "settings.py": 'VALUE = "{}"\n',
    ".env.example": "VALUE={}\n",
    "compose.yaml": 'value: "{}"\n',
}


def test_a_planted_secret_is_found(tmp_path: Path) -> None:
    planted = set()
    for kind, secret in PLANTED.items():
        for name, line in FORMS.items():
            (tmp_path / kind).mkdir(exist_ok=True)
            (tmp_path / kind / name).write_text(line.format(secret))
            planted.add(f"{kind}/{name}")
    assert set(secrets("--all-files", *PLANTED, directory=tmp_path)) == planted
