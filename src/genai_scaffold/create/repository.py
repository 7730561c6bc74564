"""Makes a git repository of a new project."""

import contextlib
import shutil
from pathlib import Path

from genai_scaffold.answers.spelling import shell_line
from genai_scaffold.create.destination import entries_of_a_clone
from genai_scaffold.errors import EnvironmentFailure, NoRepositoryError
from genai_scaffold.system import git
from genai_scaffold.system.git import below_root, repository_root
from genai_scaffold.system.process import find_program
from genai_scaffold.template.unreleased import keep_template

THIS_FILE = Path("src", "genai_scaffold", "create", "repository.py")
IDENTIFY = (
    'Run `git config --global user.name "Your Name" '
    "&& git config --global user.email you@example.org`, then `git commit` there."
)


def place_in_repository(destination: Path) -> str:
    """Where in a repository the project will lie; nothing where it is one of its own."""
    outer = repository_root(destination)
    return "" if outer and _is_checkout(outer) else below_root(destination)


def _is_checkout(outer: Path) -> bool:
    # Whoever tries this tool in its own checkout does not want a project in the tool's history.
    return (outer / THIS_FILE).is_file()


def make_repository(
    project: Path,
    destination: Path,
    wanted: bool | None,  # noqa: FBT001
) -> tuple[bool, tuple[str, ...]]:
    """Make a repository of the project: whether there is one, and what to say about it."""
    if entries_of_a_clone(destination):
        return True, ("The project is in the repository that was there, and not yet committed.",)
    if wanted is False:
        return False, ()
    problem = None
    outer = repository_root(destination.parent)
    checkout = outer if outer and _is_checkout(outer) else None
    if outer and not checkout:
        problem = f"it is inside the git repository {outer}"
    elif not find_program("git"):
        problem = "git is not installed"
    else:
        problem = _initialize(project)
    if problem is None:
        notes = [_commit(project)]
        if checkout:
            move = shell_line(["mv", str(destination), str(checkout.parent)])
            notes.append(
                "The project is inside genai-scaffold's own checkout, as a separate repository. "
                f"To keep it elsewhere (a .venv has to be made anew there): `{move}`"
            )
        return True, tuple(note for note in notes if note)
    shutil.rmtree(project / ".git", ignore_errors=True)
    if wanted:
        raise NoRepositoryError(
            "The project was not created: it cannot have a git repository",
            why=problem,
            fix="choose a directory outside of it, or leave --git out"
            if outer
            else "leave --git out",
        )
    remedy = "Commit it there, or move it out and run git init." if outer else ""
    return False, (f"The project has no git repository of its own: {problem}. {remedy}".strip(),)


def keep_for_updates(project: Path) -> None:
    """Let later updates find the template of an unreleased build; where it fails, they say so."""
    with contextlib.suppress(EnvironmentFailure):
        keep_template(project)


def _initialize(project: Path) -> str | None:
    """Make an empty repository; says what went wrong."""
    made = git.run_git(project, "init", "--quiet", "--template=", "-b", "main")
    # Global ignores could drop our files, and strict line ends refuse them.
    add = ("-c", "core.excludesFile=", "-c", "core.safecrlf=false", "add", "--all")
    added = git.run_git(project, *add) if made.code == 0 else made
    return None if added.code == 0 else added.last_words


def _commit(project: Path) -> str | None:
    """Make the first commit, if git knows who the user is; says why there is none."""
    named = ("-c", "user.useConfigOnly=true")
    # No signature, and nothing that git does in the background once it has committed.
    settings = (*named, "-c", "commit.gpgSign=false", "-c", "maintenance.auto=false")
    made = git.run_git(
        project, *settings, "commit", "--quiet", "--no-verify", "-m", git.FIRST_COMMIT
    )
    if made.code == 0:
        return None
    for identity in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        if git.run_git(project, *named, "var", identity).code != 0:
            return f"The project is not committed, since git does not know who you are. {IDENTIFY}"
    return f"Nothing is committed: {made.last_words}."
