"""The measurements of the tool itself: whole processes, both sides in turn."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.projects import BASELINES
from benchmarks.results import Comparison, Share, Size

REPOSITORY = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent
TOOL, COPIER = str(PROGRAMS / "genai-scaffold"), str(PROGRAMS / "copier")
BARE = (sys.executable, str(BASELINES / "typer_program.py"))

NEW = (TOOL, "new", "my-app", "--yes")

START_ROUNDS, CREATE_ROUNDS, UPDATE_ROUNDS, SHARE_ROUNDS, SIZE_ROUNDS = 21, 9, 9, 7, 7
START_TARGET, CREATE_TARGET, UPDATE_TARGET = 1.3, 0.7, 1.5
FILES = (10, 100, 300, 1000)
PACKAGES = ("copier", "jinja2", "typer")
# Without them nothing would be committed.
IDENTITY = {
    f"GIT_{person}_{what}": value
    for person in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "bench"), ("EMAIL", "bench@example.org"))
}

Command = Sequence[str]


class Spent(NamedTuple):
    """Milliseconds of a command, with all that it ran."""

    wall: float
    cpu: float


def versions() -> dict[str, str]:
    git = run(("git", "--version"), ".").split()[2].decode()
    return {**{name: metadata.version(name) for name in PACKAGES}, "git": git}


def start() -> Iterator[Comparison]:
    """How long it takes to say what there is, beside the least that Typer can do.

    A recommendation is compared with the tool's own help.
    """
    for flag in ("--help", "--version"):
        yield compared(flag, START_TARGET, (TOOL, flag), (*BARE, flag), START_ROUNDS)
    answered, helped = (TOOL, "recommend"), (TOOL, "--help")
    yield compared("recommend", START_TARGET, answered, helped, START_ROUNDS)


def create() -> Iterator[Comparison]:
    """How long a project takes, beside plain Copier from the repository and from a bare copy."""
    with tempfile.TemporaryDirectory() as folder:
        copy = bare_copy(Path(folder))
        for name, source in (("repository", REPOSITORY), ("directory", copy)):
            theirs = (COPIER, "copy", "--defaults", str(source), "my-app")
            target = CREATE_TARGET if name == "repository" else None
            yield compared(name, target, NEW, theirs, CREATE_ROUNDS)


def update() -> Iterator[Comparison]:
    """How long a merge takes in a project that was just made, beside making it."""
    rounds = [made_and_updated() for _ in range(UPDATE_ROUNDS + 1)][1:]
    new, nothing, answer = zip(*rounds, strict=True)
    yield Comparison("answer", "ms", "at most", UPDATE_TARGET, answer, new)
    yield Comparison("nothing", "ms", "at most", None, nothing, new)


def made_and_updated() -> tuple[float, float, float]:
    """Measures `new`, an update of its project with nothing to merge, and one with an answer."""
    with tempfile.TemporaryDirectory() as folder:
        new = timed(NEW, folder)
        nothing = timed((TOOL, "update", "my-app"), folder)
        answer = timed((TOOL, "update", "my-app", "--set", "license=apache-2.0"), folder)
        merged = run(("git", "-C", "my-app", "diff", "--cached", "--name-only"), folder)
        if b"LICENSE" not in merged:
            raise RuntimeError("the update merged nothing")
    return new.wall, nothing.wall, answer.wall


def shares() -> Iterator[Share]:
    """Where the time of `new --yes` goes."""
    empty = median(alone((sys.executable, "-c", "pass")).wall for _ in range(SHARE_ROUNDS))
    yield Share("the interpreter", round(empty))
    measured = [phases() for _ in range(SHARE_ROUNDS)]
    for name in measured[0]:
        yield Share(name, round(median(phase[name] for phase in measured)))


def sizes() -> Iterator[Size]:
    """How the time grows with the number of files in the template."""
    with tempfile.TemporaryDirectory() as folder:
        templates = [synthetic(Path(folder, str(files)), files) for files in FILES]
        # Every round has all sizes: what slows the machine for a while is not one size's alone.
        rounds = [[of_both(template) for template in templates] for _ in range(SIZE_ROUNDS)]
    for files, pairs in zip(FILES, zip(*rounds, strict=True), strict=True):
        tool, copier = zip(*pairs, strict=True)
        yield Size(files, *zip(*tool, strict=True), *zip(*copier, strict=True))


def of_both(template: Path) -> tuple[Spent, Spent]:
    """Measures the tool and Copier with a template."""
    ours = (sys.executable, "-c", OTHER_TEMPLATE, str(template), "new", "my-app", "--yes")
    return alone(ours), alone((COPIER, "copy", "--defaults", str(template), "my-app"))


# The tool with another template than its own.
OTHER_TEMPLATE = """
import pathlib, sys
from genai_scaffold import cli, template
root = pathlib.Path(sys.argv[1])
template.root = lambda: root
cli.main(sys.argv[2:])
"""

# What `new` does, step by step, each with its milliseconds.
PHASES = Path(__file__).with_name("phases.py")


def phases() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        milliseconds, last = json.loads(run((sys.executable, str(PHASES)), folder))
        return {**milliseconds, "the end of the process": 1000 * (time.time() - last)}


def compared(
    name: str, target: float | None, ours: Command, theirs: Command, rounds: int
) -> Comparison:
    """Measures both, `rounds` times after a first round that only warms up."""
    values = [(alone(ours).wall, alone(theirs).wall) for _ in range(rounds + 1)][1:]
    return Comparison(name, "ms", "at most", target, *zip(*values, strict=True))


def alone(command: Command) -> Spent:
    """Measures a command in an empty directory."""
    with tempfile.TemporaryDirectory() as folder:
        return timed(command, folder)


def timed(command: Command, folder: str) -> Spent:
    before, cpu_before = time.perf_counter(), cpu_seconds()
    run(command, folder)
    wall, cpu = time.perf_counter() - before, cpu_seconds() - cpu_before
    return Spent(round(1000 * wall, 1), round(1000 * cpu, 1))


def cpu_seconds() -> float:
    """User and system time of all that we ran and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command: Command, folder: str) -> bytes:
    """Runs a command in a directory, and returns what it prints."""
    environment = {**os.environ, **IDENTITY}
    completed = subprocess.run(
        command, cwd=folder, check=True, capture_output=True, env=environment
    )
    return completed.stdout


def bare_copy(folder: Path) -> Path:
    """The template without the repository around it, which Copier would clone."""
    shutil.copy(REPOSITORY / "copier.yml", folder)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "templates", folder / "templates", ignore=ignored)
    return folder


def synthetic(folder: Path, files: int) -> Path:
    """The real questions over a template of so many files, all rendered."""
    project = folder / "templates" / "project"
    project.mkdir(parents=True)
    shutil.copy(REPOSITORY / "copier.yml", folder)
    for number in range(files):
        module = project / f"part_{number // 20}" / f"module_{number}.py.jinja"
        module.parent.mkdir(exist_ok=True)
        module.write_text(f'NAME = "{{{{ project_name }}}}"\nNUMBER = {number}\n')
    return folder
