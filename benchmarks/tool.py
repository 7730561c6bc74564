"""The measurements of the tool itself: whole processes, both sides in turn."""

import json
import os
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
from benchmarks.results import OWN_MODULES, Comparison, Share, Size

REPOSITORY = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent
TOOL, COPIER = str(PROGRAMS / "genai-scaffold"), str(PROGRAMS / "copier")
BARE = (sys.executable, str(BASELINES / "typer_program.py"))

NEW = (TOOL, "new", "my-app", "--yes")

START_ROUNDS, CREATE_ROUNDS, UPDATE_ROUNDS, SHARE_ROUNDS, SIZE_ROUNDS = 21, 9, 9, 7, 7
LARGE_ROUNDS = 5
START_TARGET, CREATE_TARGET, UPDATE_TARGET, LARGE_TARGET = 1.3, 0.7, 1.5, 2.0
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
    """Milliseconds of a command, with all that it ran, and the most memory of one of these."""

    wall: float
    cpu: float
    megabytes: float = 0.0


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


def large() -> Iterator[Comparison]:
    """What an update costs in a project with many modules of the user's, beside Copier's."""
    with tempfile.TemporaryDirectory() as folder:
        template, project = Path(folder, "template"), Path(folder, "my-app")
        older, newer = two_versions(template)
        archive = Path(folder, "history.zip")
        run((sys.executable, "-c", RECORD, str(older), str(archive)), folder)
        source = f"git+file://{template}"
        run((COPIER, "copy", "--defaults", "--vcs-ref", OLDER, source, str(project)), folder)
        own_modules(project)
        git(project, "init", "--quiet")
        committed(project)
        ours = (sys.executable, "-c", RELEASED, str(newer), str(archive), "update", "--yes")
        theirs = (COPIER, "update", "--defaults", "--vcs-ref", NEWER)
        rounds = [(merged(ours, project), merged(theirs, project)) for _ in range(LARGE_ROUNDS + 1)]
    ours_, theirs_ = zip(*rounds[1:], strict=True)
    cpu = ([spent.cpu for spent in side] for side in (ours_, theirs_))
    yield Comparison("CPU", "ms", "at most", LARGE_TARGET, *cpu)
    memory = ([spent.megabytes for spent in side] for side in (ours_, theirs_))
    yield Comparison("memory", "MB", "at most", None, *memory)


def two_versions(repository: Path) -> tuple[Path, Path]:
    """Makes a repository of the template in two versions, and a folder with each."""
    older, newer = (repository.with_name(version) for version in (OLDER, NEWER))
    for folder in (older, newer):
        folder.mkdir()
        bare_copy(folder)
    for module in (newer / "templates").rglob("*.py"):
        module.write_text(module.read_text().replace("log_bug", "log_failure"))
    for folder in (older, newer):
        shutil.copytree(folder, repository, dirs_exist_ok=True)
        if folder == older:
            git(repository, "init", "--quiet")
        committed(repository)
        git(repository, "tag", folder.name)
    return older, newer


def own_modules(project: Path) -> None:
    """Adds the user's modules, of which some use what the newer template renamed."""
    for number in range(OWN_MODULES):
        module = project / "jobs" / f"part_{number // 100}" / f"job_{number}.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        text = OWN_MODULE.format(number=number)
        module.write_text(text if number % AFFECTED else text + AFFECTED_CODE)


def merged(update: Command, project: Path) -> Spent:
    """Measures an update, and takes it back."""
    spent = timed(update, str(project))
    changes = run(("git", "status", "--porcelain", "--untracked-files=no"), str(project))
    if b"backend/" not in changes:
        raise RuntimeError("the update merged nothing")
    git(project, "reset", "--quiet", "--hard")
    git(project, "clean", "--quiet", "-fd")
    return spent


def committed(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "As it is")


def git(folder: Path, *arguments: str) -> None:
    run(("git", *arguments), str(folder))


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
from genai_scaffold.cli.exits import main
from genai_scaffold.template import packaged
root = pathlib.Path(sys.argv[1])
packaged.template_root = lambda: root
main(sys.argv[2:])
"""

OLDER, NEWER = "v7.0.0", "v8.0.0"
# A release of the tool: its template, its version, and the archive with the one before.
RELEASED = f"""
import pathlib, sys
from genai_scaffold.cli.exits import main
from genai_scaffold.template import history, packaged
root, archive = map(pathlib.Path, sys.argv[1:3])
packaged.template_root, packaged.__version__ = lambda: root, "{NEWER[1:]}"
history.archive = lambda: archive
main(sys.argv[3:])
"""
RECORD = f"""
import pathlib, sys
from genai_scaffold.template import history, packaged
older, archive = map(pathlib.Path, sys.argv[1:3])
history.archive = lambda: archive
history.append_release("{OLDER[1:]}", packaged.template_files(older), {{}})
"""
OWN_MODULE = '''"""Job {number}, of the user's."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from backend.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job{number}:
    """What is to be done, and for whom."""

    name: str
    owner: str
    amount: int = {number}

    def as_json(self) -> str:
        return json.dumps({{"name": self.name, "owner": self.owner, "amount": self.amount}})


def total(jobs: Iterable[Job{number}]) -> int:
    return sum(job.amount for job in jobs)


def by_owner(jobs: Iterable[Job{number}]) -> Mapping[str, list[Job{number}]]:
    found: dict[str, list[Job{number}]] = {{}}
    for job in jobs:
        found.setdefault(job.owner, []).append(job)
    logger.info("%d owners", len(found))
    return found


def run(settings: Settings, jobs: Iterable[Job{number}]) -> None:
    for owner, owned in by_owner(jobs).items():
        logger.info("%s has %d in %s", owner, total(owned), settings)
'''

AFFECTED = 100
AFFECTED_CODE = """

def guarded(settings: Settings) -> None:
    from backend.logs import log_bug

    try:
        run(settings, [])
    except ValueError as error:
        log_bug(error)
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
    environment = {**os.environ, **IDENTITY}
    before = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=said, stderr=subprocess.STDOUT
        )
        # With all that it waited for, which no other way to wait says of one process.
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - before
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            raise RuntimeError(said.read().decode())
    cpu, megabytes = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    return Spent(round(1000 * wall, 1), round(1000 * cpu, 1), round(megabytes, 1))


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
