"""Stopped, killed, or out of room at any moment: nothing of ours is left, nothing else touched.

Some moments, the same in each run; the option `--whole` takes fifty for each signal.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from e2e.machine import Machine
from e2e.namespaces import separated
from genai_scaffold.project.record import ANSWERS_FILE
from genai_scaffold.project.soundness import faults_of_rendering
from genai_scaffold.system.staging import MARKER

pytestmark = pytest.mark.slow

SOME, ALL = 10, 50
SIZES = ("8k", "32k", "96k", "192k", "320k", "448k", "8m")
MINE = "a file of the user's\n"


class Attempt(NamedTuple):
    """A directory to work in, one for temporary files, and a run of `new` in them."""

    work: Path
    temporary: Path
    process: subprocess.Popen[str]


def attempt(machine: Machine, scaffold: Path, folder: Path) -> Attempt:
    work, temporary = folder / "work", folder / "tmp"
    work.mkdir(parents=True)
    temporary.mkdir()
    (work / "mine").write_text(MINE)
    process = subprocess.Popen(
        (str(scaffold), "new", "deep/bot", "--yes", "--quiet"),
        cwd=work,
        env={**machine.variables, "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # A parent that ignores Ctrl-C hands that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    return Attempt(work, temporary, process)


def others(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"mine"}


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name
)
def test_a_run_that_is_ended_leaves_all_or_nothing(
    number: signal.Signals,
    machine: Machine,
    scaffold: Path,
    tmp_path: Path,
    pytestconfig: pytest.Config,
) -> None:
    points = ALL if pytestconfig.getoption("whole") else SOME
    begin = time.monotonic()
    whole = attempt(machine, scaffold, tmp_path / "whole")
    assert whole.process.communicate(timeout=120)[1] == ""
    duration = time.monotonic() - begin
    dice = random.Random(number)  # noqa: S311 - the same points in every run
    codes = []
    for point in range(points):
        run = attempt(machine, scaffold, tmp_path / str(point))
        time.sleep(duration * dice.random())
        run.process.send_signal(number)
        _, errors = run.process.communicate(timeout=120)
        codes.append(run.process.returncode)
        if run.process.returncode == 0:
            duration *= 0.85  # too late: the machine was busier when the time was taken
        # Before our handlers stand it is the interpreter that is stopped, and says so its way.
        assert "Traceback" not in errors or "genai_scaffold/create" not in errors
        assert (run.work / "mine").read_text() == MINE
        left = others(run.work) - {"deep"}
        if (run.work / "deep/bot").exists():
            assert (run.work / "deep/bot" / ANSWERS_FILE).exists()
            assert faults_of_rendering(run.work / "deep/bot") == []
        elif number != signal.SIGKILL:
            assert others(run.work) == set()
        if number == signal.SIGKILL:
            assert len(left) <= 1
            assert_swept(machine, scaffold, run, left)
        else:
            assert run.process.returncode in (0, 128 + number, -number)
            assert left == others(run.temporary) == set()
    assert sum(code != 0 for code in codes) >= points // 2, "the points are too late"


def assert_swept(machine: Machine, scaffold: Path, killed: Attempt, left: Iterable[str]) -> None:
    """An hour later, the next run removes what the killed one left behind."""
    stages = [killed.work / name for name in left] + list(killed.temporary.iterdir())
    for stage in stages:
        assert stage.name.startswith(".")
        os.utime(stage / MARKER, (0, 0))
    if stages:
        again = (str(scaffold), "new", "other", "--yes", "--quiet", "--no-git")
        machine.run(*again, directory=killed.work, TMPDIR=str(killed.temporary))
    assert [stage for stage in stages if stage.exists()] == []


FILLED = """
mount -t tmpfs -o size=$1 tmpfs "$2" && cd "$2" && printf 'mine' > mine && cd "$3" || exit 99
"$4" new "$3/bot" --yes --quiet $6
code=$?
find "$2" -mindepth 1 | sort > "$5"
[ "$(cat "$2/mine")" = mine ] && exit $code
"""


@pytest.mark.parametrize(("full", "flag"), [("destination", ""), ("temporary", "--dry-run")])
def test_a_disk_that_fills_is_left_as_it_was(
    full: str, flag: str, machine: Machine, scaffold: Path, tmp_path: Path
) -> None:
    codes = []
    for size in SIZES:
        folder = tmp_path / size
        disk, work, listing = folder / "disk", folder / "work", folder / "listing"
        disk.mkdir(parents=True)
        work.mkdir()
        place = disk if full == "destination" else work
        temporary = disk if full == "temporary" else folder
        arguments = (size, disk, place, scaffold, listing, flag)
        ended = subprocess.run(
            (*separated("disks"), "sh", "-c", FILLED, "sh", *arguments),
            env={**machine.variables, "TMPDIR": str(temporary)},
            capture_output=True,
            text=True,
            check=False,
        )
        codes.append(ended.returncode)
        left = {line.removeprefix(f"{disk}/") for line in listing.read_text().splitlines()}
        assert "Traceback" not in ended.stderr
        if ended.returncode:
            assert ended.returncode == 4, ended.stderr
            assert len(ended.stderr.splitlines()) == 3
            assert left == {"mine"}
            assert list(work.iterdir()) == []
        elif flag:
            assert left == {"mine"}
        else:
            assert {"mine", "bot", "bot/README.md"} <= left
    assert codes[0] == 4, "the smallest disk is too large"
    assert codes[-1] == 0, "the largest disk is too small"
