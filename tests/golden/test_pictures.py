"""The README's pictures show what the tool says now; `--update-golden` takes them again."""

import re
import runpy
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from conftest import REPOSITORY

PICTURES = runpy.run_path(str(REPOSITORY / "scripts" / "pictures.py"))
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.mark.parametrize("name", PICTURES["RUNS"])
def test_a_picture_shows_what_the_tool_says(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if name in PICTURES["KEYS"] and not shutil.which("tmux"):
        pytest.skip("needs tmux")
    if request.config.getoption("--update-golden"):
        PICTURES["take"](name)
    command = PICTURES["RUNS"][name]
    said = f"genai-scaffold$ {command} " + CONTROL.sub("", PICTURES["run"](name, tmp_path))
    picture = (REPOSITORY / "docs" / "images" / f"{name}.svg").read_text("utf-8")
    lines = ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")  # noqa: S314 - ours
    shown = "".join(line.text or "" for line in lines)
    # Where lines are broken, and commands go on, depends on how long the directory's name is.
    unbroken = [text.replace("\\", "").split() for text in (shown, said)]
    assert "".join(unbroken[0]) == "".join(unbroken[1])
    assert "url(http" not in picture, "it fetches something"
