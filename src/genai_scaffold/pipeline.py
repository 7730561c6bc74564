"""Creates a project: answers, recommendation, render, verify, git, one rename."""

import atexit
import contextlib
import functools
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from genai_scaffold import (
    answers,
    files,
    git,
    kept,
    names,
    process,
    render,
    signals,
    staging,
    template,
    verify,
)
from genai_scaffold.answers import Answers, Given, Givens
from genai_scaffold.errors import (
    DestinationError,
    EnvironmentFailure,
    InstallError,
    ScaffoldError,
    UsageError,
)
from genai_scaffold.recommend import Recommendation, recommend

FILES_SHOWN = 10
INSTALL_SECONDS = 1800.0
THIS_FILE = Path("src", "genai_scaffold", "pipeline.py")
# How pip and uv say that nobody answered; pip's last line then blames a package.
UNREACHED = re.compile(r"NewConnectionError|ConnectTimeoutError|\(Connect\)|network was disabled")
CLONED = re.compile(r"\.git(ignore)?|(?i:readme|licen[cs]e)(\..+)?")
IDENTIFY = (
    'Run git config --global user.name "Your Name" '
    "&& git config --global user.email you@example.org, then git commit."
)

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What will be created, and where; nothing is written yet.

    Attributes:
        asked: the keys that a person answered, if only by agreeing with the default.
        start: whether a person wants it installed and started at once.
    """

    directory: str
    destination: Path
    given: Givens
    answers: Answers
    recommendation: Recommendation
    asked: frozenset[str] = frozenset()
    start: bool = False

    @property
    def command(self) -> list[str]:
        return answers.command(self.directory, self.given)


@dataclass(frozen=True)
class Created:
    """A finished project."""

    plan: Plan
    files: tuple[str, ...]
    notes: tuple[str, ...]
    repository: bool


def plan(given: Givens, directory: str | None = None) -> Plan:
    """Decide everything that was not given, and check what was.

    Args:
        given: the answers from all sources.
        directory: where the project goes; named after it unless a name was given.

    Raises:
        UsageError: an answer, the name, or a combination of answers is not accepted.
    """
    given = answers.with_texts(_with_name(given, directory))
    implied = answers.imply(given)
    verdict = recommend(answers.stated(implied))
    resolved = answers.resolve(implied, verdict.framework)
    directory = directory or resolved.text("name")
    # As it is printed in commands, it must not look like a flag.
    directory = f"./{directory}" if directory.startswith("-") else directory
    return Plan(directory, destination(directory), given, resolved, verdict)


def preview(planned: Plan) -> tuple[str, ...]:
    """Render the project where it is thrown away, and list its files.

    Raises:
        DestinationError: the real thing would find something in its way.
    """
    check_destination(planned.destination)
    with (
        _explained(planned.destination),
        staging.directory(Path(tempfile.gettempdir()), "genai-scaffold") as stage,
    ):
        return _rendered(planned, stage / planned.destination.name)


def create(
    planned: Plan, *, git: bool | None = None, progress: Progress = lambda _: None
) -> Created:
    """Create the project: all of it, or nothing.

    Args:
        planned: what to create, and where.
        git: True insists on a repository, False wants none, None takes one if it is possible.
        progress: told what is being done.

    Raises:
        ScaffoldError: it could not be created, and the destination is as it was.
    """
    destination = planned.destination
    with _explained(destination):
        if destination.is_dir() and not destination.is_symlink():
            staging.sweep(destination)
    check_destination(destination)
    notes = list(planned.answers.notes)
    with _stage(destination) as stage:
        project = stage / destination.name
        progress("Rendering")
        files = _rendered(planned, project)
        progress("Setting up git")
        repository, remarks = _repository(project, destination, git)
        notes += remarks
        if place := _place(destination):
            notes += _belongs_to_the_root(planned, place)
        is_shared = bool(place or _of_a_clone(destination))
        progress("Moving it into place")
        with _parents(destination.parent):
            _move(project, destination)
    notes += _left_out(destination, files) if is_shared else ()
    if git is not False:
        _keep_template(destination)
    return Created(planned, files, tuple(notes), repository)


def install(project: Path, shown: str) -> None:
    """Make a virtual environment inside a project, and install its dependencies.

    Args:
        project: the directory of a finished project, with a requirements-dev.txt.
        shown: the project's directory as the user wrote it, for the command that finishes.

    Raises:
        InstallError: it failed; the project is kept.
    """
    python = Path(".venv", "Scripts" if os.name == "nt" else "bin", "python")
    requirements = "requirements-dev.txt"
    if uv := process.find("uv"):
        steps = [
            [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, ".venv"],
            [uv, "pip", "install", "--quiet", "--python", str(python), "-r", requirements],
        ]
    else:
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input"]
        steps = [
            [sys.executable, "-m", "venv", ".venv"],
            [*pip, "install", "--quiet", "-r", requirements],
        ]
    finish = answers.shell_line(["cd", shown]) + (
        f" && python3 -m venv .venv && {python} -m pip install -r {requirements}"
    )
    for step in steps:
        try:
            completed = process.run(step, directory=project, timeout=INSTALL_SECONDS)
        except BaseException as interruption:
            interruption.add_note(f"To install: {finish}")
            raise
        if completed.code != 0:
            raise InstallError(
                "The project was created, but its dependencies were not installed",
                why="the package index could not be reached"
                if UNREACHED.search(completed.errors)
                else completed.last_words,
                fix=finish,
            )


@contextlib.contextmanager
def saved_answers(planned: Plan, path: Path | None) -> Iterator[None]:
    """Write the answers to a new file, and take it away again if what follows fails.

    Raises:
        UsageError: the file would be in the project's own directory.
        DestinationError: there is a file of that name.
    """
    if path is None:
        yield
        return
    if destination(str(path)).is_relative_to(planned.destination):
        raise UsageError(
            f"--save-answers {path} is inside the project",
            why="its directory has to be empty until it is complete",
            fix="save them elsewhere, and move the file afterwards",
        )
    try:
        file = path.open("x", encoding="utf-8")
    except FileExistsError:
        raise DestinationError(
            f"{path} is in the way",
            why="there is a file of that name",
            fix="choose another name for --save-answers",
        ) from None
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with file, _explained(path):
            file.write(answers.to_file(planned.answers))
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _with_name(given: Givens, directory: str | None) -> dict[str, Given]:
    """Add the project's name, which is the directory's unless another was given."""
    if name := given.get("name"):
        fix = "--name {}" if name.source == "flag" else "{} instead"
        with answers.placed(name):
            checked = names.check_name(str(name.value), fix=fix)
        return {**given, "name": name._replace(value=checked)}
    if directory is None:
        return dict(given)
    base = destination(directory).name
    # Inside a refused directory a project can still have a good name.
    prefix = "" if directory.strip("./\\") else "--name "
    checked = names.check_name(base, fix=f"{prefix}{{}}")
    return {**given, "name": Given(checked, "directory", directory)}


def destination(directory: str) -> Path:
    """The absolute path of a destination; its last part is not followed if it is a link."""
    path = Path(directory)
    if not directory.strip():
        raise UsageError(
            "The directory has no name", why="it is an empty word", fix="name one, such as my-app"
        )
    if path.parts and path.parts[0].startswith("~"):
        raise UsageError(
            f"{directory} would be a directory called {path.parts[0]!r}",
            why="the shell did not expand the tilde",
            fix="write it without quotes, or as $HOME",
        )
    try:
        if path.name in ("", "..") or path == Path():
            return path.resolve()
        return path.parent.resolve() / path.name
    except (OSError, RuntimeError) as error:
        raise _unwritable(path, error) from error


def check_destination(destination: Path) -> None:
    """Refuse a destination that holds anything, or that cannot be made."""
    with _explained(destination):
        if destination.is_relative_to((template.root() / "templates").resolve()):
            raise DestinationError(
                f"{destination} is inside genai-scaffold's own template",
                why="the project would become a part of what it is rendered from",
                fix="choose another directory",
            )
        if stat.S_ISLNK(files.mode(destination, follow_symlinks=False)):
            raise DestinationError(
                f"{destination} is in the way",
                why="it is a symbolic link, and what it points to is not ours to fill",
                fix="name the real directory, or another one",
            )
        if destination.is_dir():
            found = sorted({e.name for e in destination.iterdir()} - _of_a_clone(destination))
            if found:
                raise _in_the_way(destination, found, "choose another directory, or an empty one")
        elif os.path.lexists(destination):
            raise DestinationError(
                f"{destination} is in the way",
                why="it is a file",
                fix="choose another directory, or move it away",
            )
        parent = next(p for p in destination.parents if os.path.lexists(p))
        if not parent.is_dir():
            raise DestinationError(
                f"{destination} cannot be created",
                why=f"{parent} is not a directory",
                fix="choose another directory",
            )
        home = _stage_home(destination)
        if not os.access(home, os.W_OK | os.X_OK):
            raise EnvironmentFailure(
                f"{destination} cannot be created",
                why=f"{home} cannot be written",
                fix="choose another directory, or change its permissions",
            )


def _of_a_clone(destination: Path) -> frozenset[str]:
    """What a directory holds that a fresh clone may hold, if it is one."""
    if not os.path.lexists(destination / ".git"):
        return frozenset()
    return frozenset(e.name for e in destination.iterdir() if CLONED.fullmatch(e.name))


def _refuse_what_a_clone_has(destination: Path, paths: Iterable[str]) -> None:
    """Refuse a clone that holds what the project holds, too; disks may not tell cases apart."""
    with _explained(destination):
        kept = _of_a_clone(destination) if destination.is_dir() else frozenset()
    ours = {path.partition("/")[0].casefold() for path in paths}
    found = sorted(name for name in kept if name.casefold() in ours)
    if found:
        raise _in_the_way(
            destination, found, "move these away, and merge them into the project's own afterwards"
        )


def _in_the_way(path: Path, found: list[str], fix: str) -> DestinationError:
    shown = ", ".join(found[:FILES_SHOWN])
    more = f", and {len(found) - FILES_SHOWN} more" if len(found) > FILES_SHOWN else ""
    return DestinationError(f"{path} is in the way", why=f"it holds {shown}{more}", fix=fix)


def _unwritable(path: Path, error: Exception) -> ScaffoldError:
    why = getattr(error, "strerror", None) or str(error)
    return EnvironmentFailure(
        f"{path} cannot be created", why=why, fix="choose another directory, or make room"
    )


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what the file system says into one of our errors."""
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error) from error


@contextlib.contextmanager
def _parents(directory: Path) -> Iterator[None]:
    """Create the missing parents, and take them away again if what follows fails."""
    missing = [path for path in (directory, *directory.parents) if not os.path.lexists(path)]
    remove = functools.partial(_remove_empty, missing)
    # Where a signal cuts short the removal of the stage in them, they are empty only at the end.
    atexit.register(remove)
    try:
        with _explained(directory):
            directory.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        with signals.ignored():
            remove()
        raise
    atexit.unregister(remove)


def _remove_empty(directories: list[Path]) -> None:
    """Remove those that hold nothing: another program may have put something there."""
    for directory in directories:
        with contextlib.suppress(OSError):
            directory.rmdir()


@contextlib.contextmanager
def _stage(destination: Path) -> Iterator[Path]:
    """Make a directory to render in, beside the destination."""
    with contextlib.ExitStack() as stack:
        with _explained(destination):
            stage = staging.directory(_stage_home(destination), destination.name)
            entered = stack.enter_context(stage)
        yield entered


def _stage_home(destination: Path) -> Path:
    """The directory to stage in: the nearest that is there, can be written, and is on its disk."""
    if destination.is_dir() and (
        destination.is_mount() or not os.access(destination.parent, os.W_OK)
    ):
        return destination
    return next(parent for parent in destination.parents if parent.is_dir())


def _rendered(planned: Plan, project: Path) -> tuple[str, ...]:
    """Render into a directory and verify the result."""
    place = _place(planned.destination)
    data = {**planned.answers.for_template(), "directory": place}
    files = render.render(project, data, planned.recommendation.as_dict())
    verify.refuse_unsound(project, (*planned.answers.texts(), place))
    _refuse_what_a_clone_has(planned.destination, files)
    return files


def _move(project: Path, destination: Path) -> None:
    """Put the finished project where it belongs, in one step where the system has one."""
    with signals.ignored():
        try:
            if destination.is_dir() and (
                destination.is_mount()
                or destination == Path.cwd()
                or _of_a_clone(destination)
                or destination == project.parent.parent
            ):
                _move_entries(project, destination)
                return
            if destination.is_dir():
                project.chmod(stat.S_IMODE(destination.stat().st_mode))
                if os.name == "nt":
                    destination.rmdir()
            project.rename(destination)
        except OSError as error:
            if os.path.lexists(destination):
                raise DestinationError(
                    f"{destination} is in the way",
                    why="something was put there in the meantime",
                    fix="choose another directory",
                ) from error
            raise _unwritable(destination, error) from error


def _move_entries(project: Path, destination: Path) -> None:
    """Move a project's entries into an empty directory, or a clone; on failure, all back."""
    claim = destination / staging.MARKER
    # Two runs at once: whoever makes the claim goes on, the other one fails here.
    claim.mkdir()
    moved: list[Path] = []
    try:
        _refuse_what_a_clone_has(destination, (entry.name for entry in project.iterdir()))
        present = {p.name for p in destination.iterdir()} - {claim.name, project.parent.name}
        if present := present - _of_a_clone(destination):
            raise FileExistsError(present)
        for entry in sorted(project.iterdir()):
            entry.rename(destination / entry.name)
            moved.append(entry)
    except OSError:
        for entry in moved:
            (destination / entry.name).rename(entry)
        raise
    finally:
        claim.rmdir()


def _belongs_to_the_root(planned: Plan, place: str) -> tuple[str, ...]:
    """What a project below a repository's root leaves to the root."""
    features = planned.answers["feature"]
    if not (isinstance(features, tuple) and "ci" in features):
        return ()
    note = f"GitHub reads .github/ at a repository's root alone, so {place} has none"
    return (f"{note}: its README says what a job there runs.",)


def _left_out(project: Path, files: tuple[str, ...]) -> tuple[str, ...]:
    """What the rules of a repository that was there keep out of it."""
    try:
        rules = git.ignored(project, files)
    except EnvironmentFailure:  # without git nothing is kept at all
        return ()
    if not rules:
        return ()
    found = list(dict.fromkeys(rules.values()))
    more = f" and {len(found) - FILES_SHOWN} more" if len(found) > FILES_SHOWN else ""
    note = (
        f"The repository ignores {len(rules)} of the project's {len(files)} files, and a commit "
        f"would lack them: {', '.join(found[:FILES_SHOWN])}{more}. Change these rules, or say "
        "git add --force."
    )
    return (note,)


def _place(destination: Path) -> str:
    """Where in a repository the project will lie; nothing where it is one of its own."""
    outer = git.root(destination)
    return "" if outer and _is_checkout(outer) else git.below_root(destination)


def _is_checkout(outer: Path) -> bool:
    # Whoever tries this tool in its own checkout does not want a project in the tool's history.
    return (outer / THIS_FILE).is_file()


def _repository(
    project: Path,
    destination: Path,
    wanted: bool | None,  # noqa: FBT001
) -> tuple[bool, tuple[str, ...]]:
    """Make a repository of the project: whether there is one, and what to say about it."""
    if _of_a_clone(destination):
        return True, ("The project is in the repository that was there, and not yet committed.",)
    if wanted is False:
        return False, ()
    problem = None
    outer = git.root(destination.parent)
    checkout = outer if outer and _is_checkout(outer) else None
    if outer and not checkout:
        problem = f"it is inside the git repository {outer}"
    elif not process.find("git"):
        problem = "git is not installed"
    else:
        problem = _initialize(project)
    if problem is None:
        notes = [_commit(project)]
        if checkout:
            move = answers.shell_line(["mv", str(destination), str(checkout.parent)])
            notes.append(
                "The project is inside genai-scaffold's own checkout, as a separate repository. "
                f"To keep it elsewhere: {move}"
            )
        return True, tuple(note for note in notes if note)
    shutil.rmtree(project / ".git", ignore_errors=True)
    if wanted:
        raise EnvironmentFailure(
            "The project was not created: it cannot have a git repository",
            why=problem,
            fix="choose a directory outside of it, or leave --git out"
            if outer
            else "leave --git out, or say --no-git",
        )
    remedy = "Commit it there, or move it out and run git init." if outer else ""
    return False, (f"The project has no git repository of its own: {problem}. {remedy}".strip(),)


def _keep_template(project: Path) -> None:
    """Let later updates find the template of an unreleased build; where it fails, they say so."""
    with contextlib.suppress(EnvironmentFailure):
        kept.keep(project)


def _initialize(project: Path) -> str | None:
    """Make an empty repository; says what went wrong."""
    made = git.run(project, "init", "--quiet", "--template=", "-b", "main")
    # Global ignores could drop our files, and strict line ends refuse them.
    add = ("-c", "core.excludesFile=", "-c", "core.safecrlf=false", "add", "--all")
    added = git.run(project, *add) if made.code == 0 else made
    return None if added.code == 0 else added.last_words


def _commit(project: Path) -> str | None:
    """Make the first commit, if git knows who the user is; says why there is none."""
    named = ("-c", "user.useConfigOnly=true")
    # No signature, and nothing that git does in the background once it has committed.
    settings = (*named, "-c", "commit.gpgSign=false", "-c", "maintenance.auto=false")
    made = git.run(project, *settings, "commit", "--quiet", "--no-verify", "-m", git.FIRST_COMMIT)
    if made.code == 0:
        return None
    for identity in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        if git.run(project, *named, "var", identity).code != 0:
            return f"Nothing is committed, since git does not know who you are. {IDENTIFY}"
    return f"Nothing is committed: {made.last_words}."
