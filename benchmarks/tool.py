"""The measurements of the tool itself: wall-clock time of whole processes, both sides in turn."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.projects import BASELINES, Bench
from benchmarks.results import Comparison, Share, Size

REPOSITORY = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent
TOOL, COPIER = str(PROGRAMS / "genai-scaffold"), str(PROGRAMS / "copier")
BARE = (sys.executable, str(BASELINES / "typer_program.py"))

START_ROUNDS, CREATE_ROUNDS, SHARE_ROUNDS, SIZE_ROUNDS = 21, 9, 7, 5
START_TARGET, CREATE_TARGET = 1.3, 0.7
FILES = (10, 100, 300, 1000)

Command = Sequence[str]


def start(_: Bench) -> Iterator[Comparison]:
    """How long it takes to say what there is, beside the least that Typer can do."""
    for flag in ("--help", "--version"):
        rounds = in_turn((TOOL, flag), (*BARE, flag), START_ROUNDS)
        yield Comparison(flag, "ms", "at most", START_TARGET, *rounds)


def create(_: Bench) -> Iterator[Comparison]:
    """How long a project takes, beside plain Copier from the repository and from a bare copy."""
    with tempfile.TemporaryDirectory() as folder:
        copy = bare_copy(Path(folder))
        for name, source in (("repository", REPOSITORY), ("directory", copy)):
            ours = (TOOL, "new", "my-app", "--yes")
            theirs = (COPIER, "copy", "--defaults", str(source), "my-app")
            rounds = in_turn(ours, theirs, CREATE_ROUNDS)
            target = CREATE_TARGET if name == "repository" else None
            yield Comparison(name, "ms", "at most", target, *rounds)


def shares(_: Bench) -> Iterator[Share]:
    """Where the time of `new --yes` goes."""
    empty = median(timed((sys.executable, "-c", "pass")) for _ in range(SHARE_ROUNDS))
    yield Share("the interpreter", round(empty))
    measured = [phases() for _ in range(SHARE_ROUNDS)]
    for name in measured[0]:
        yield Share(name, round(median(phase[name] for phase in measured)))


def sizes(_: Bench) -> Iterator[Size]:
    """How the time grows with the number of files in the template."""
    with tempfile.TemporaryDirectory() as folder:
        for files in FILES:
            template = Path(folder, str(files))
            synthetic(template, files)
            ours = (sys.executable, "-c", OTHER_TEMPLATE, str(template), "new", "my-app", "--yes")
            theirs = (COPIER, "copy", "--defaults", str(template), "my-app")
            tool, copier = in_turn(ours, theirs, SIZE_ROUNDS)
            yield Size(files, round(median(tool)), round(median(copier)))


# The tool with another template than its own.
OTHER_TEMPLATE = """
import pathlib, sys
from genai_scaffold import cli, template
root = pathlib.Path(sys.argv[1])
template.root = lambda: root
cli.main(sys.argv[2:])
"""

# What `new` does, step by step, each with its milliseconds.
PHASES = """
import json, os, sys, time
from pathlib import Path
milliseconds, before = {}, time.perf_counter()
def done(name):
    global before
    milliseconds[name] = 1000 * (time.perf_counter() - before)
    before = time.perf_counter()
from genai_scaffold import cli, pipeline, render, report, template, verify
import rich.console, rich.table
done("imports: Typer, rich, ours")
planned = pipeline.plan(pipeline.sources({}, None, os.environ), "my-app")
done("answers and recommendation")
render.load()
done("imports: Copier, with Jinja")
os.mkdir("source")
source = template.checkout(Path("source"))
done("a clean copy of the template")
project = Path("my-app").absolute()
data = {**planned.answers.for_template(), "recommendation": planned.recommendation.as_dict()}
render.render_from(source, project, {**data, "scaffold_version": template.version()})
done("Copier and Jinja render")
assert verify.rendering(project) == []
done("verify")
pipeline._repository(project, project, None)
done("git: init, add, commit")
print(json.dumps(milliseconds))
"""


def phases() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = (sys.executable, "-c", PHASES)
        said = subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout
    milliseconds: dict[str, float] = json.loads(said)
    return milliseconds


def in_turn(ours: Command, theirs: Command, rounds: int) -> tuple[list[float], list[float]]:
    """Measures both, `rounds` times after a first round that only warms up."""
    values = [(timed(ours), timed(theirs)) for _ in range(rounds + 1)][1:]
    return [our for our, _ in values], [their for _, their in values]


def timed(command: Command) -> float:
    """Runs a command in an empty directory, and returns the milliseconds that it took."""
    with tempfile.TemporaryDirectory() as folder:
        before = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return round(1000 * (time.perf_counter() - before), 1)


def bare_copy(folder: Path) -> Path:
    """The template without the repository around it, which Copier would clone."""
    shutil.copy(REPOSITORY / "copier.yml", folder)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "templates", folder / "templates", ignore=ignored)
    return folder


def synthetic(folder: Path, files: int) -> None:
    """The real questions over a template of so many files, all rendered."""
    project = folder / "templates" / "project"
    project.mkdir(parents=True)
    shutil.copy(REPOSITORY / "copier.yml", folder)
    for number in range(files):
        module = project / f"part_{number // 20}" / f"module_{number}.py.jinja"
        module.parent.mkdir(exist_ok=True)
        module.write_text(f'NAME = "{{{{ project_name }}}}"\nNUMBER = {number}\n')
