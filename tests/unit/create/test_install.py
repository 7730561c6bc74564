"""Whether an environment still lies where it was made."""

import os
import sys
from pathlib import Path

import pytest

from genai_scaffold.create.install import is_moved as was_moved

if sys.platform == "win32":
    pytest.skip("it is told by a script that Windows has not", allow_module_level=True)


@pytest.mark.parametrize(
    ("script", "is_moved"),
    [
        pytest.param(b"#!/gone/.venv/bin/python\n", True, id="gone"),
        pytest.param(b"#!/\x00\xff\n", True, id="no-path"),
        pytest.param(f"#!{sys.executable}\n".encode(), False, id="there"),
        pytest.param(b"#!/usr/bin/env python\n", False, id="found-by-name"),
        pytest.param(b"#!\n", False, id="empty"),
    ],
)
def test_an_environment_was_moved_if_its_interpreter_is_gone(
    script: bytes, is_moved: bool, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/pip").write_bytes(script)
    assert was_moved(tmp_path) is is_moved


def test_what_is_no_file_says_nothing(tmp_path: Path) -> None:
    pip = tmp_path / "bin/pip"
    assert not was_moved(tmp_path)
    pip.parent.mkdir()
    pip.symlink_to(pip)
    assert not was_moved(tmp_path)
    pip.unlink()
    os.mkfifo(pip)
    pipe = os.open(pip, os.O_RDWR)
    os.write(pipe, b"#!/gone/.venv/bin/python\n")
    assert not was_moved(tmp_path), "a pipe that nobody writes to would never be read to its end"
    os.close(pipe)
