"""Runs git, without the hooks and the surroundings of whoever runs us."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from genai_scaffold.errors import EnvironmentFailure
from genai_scaffold.system import process
from genai_scaffold.system.process import Completed

# Set where we run inside a git hook: they would point our git at another repository.
LOCATION = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"}
    | {"GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_PREFIX"}
)
# Contradict that a path is a path.
PATHSPECS = frozenset({"GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"})
FIRST_COMMIT = "Start from genai-scaffold"  # the message of what has only what was generated
# The end of what git says where a repository is another user's.
TRUSTING = re.compile(r"^\s*(git config --global --add safe\.directory .+)$", re.MULTILINE)
GIT_SECONDS = 600.0  # a filter of the user's, such as that of large files, may take its time

# Messages in English, no questions, a path is a path although it holds a `*`, and to look changes
# nothing.
PLAIN_SETTINGS = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
}


def is_repository(folder: Path) -> bool:
    """Whether a directory is the root of one; of a submodule or a worktree, git keeps a file."""
    return os.path.lexists(folder / ".git")


def repository_root(path: Path) -> Path | None:
    """The root of the repository that a directory, which may not be there yet, is in."""
    return next(filter(is_repository, (path, *path.parents)), None)


def below_root(path: Path) -> str:
    """Where in its repository a directory lies; nothing at the root, or outside of any."""
    top = repository_root(path)
    return "" if top is None or top == path else path.relative_to(top).as_posix()


def add_all(directory: Path) -> str:
    """The command that stages all; git may be told to refuse line ends such as generated ones."""
    strict = run_git(directory, "config", "--type=bool", "core.safecrlf").output == "true\n"
    return f"git {'-c core.safecrlf=false ' * strict}add --all"


def ignored_paths(directory: Path, paths: Iterable[str]) -> dict[str, str]:
    """Those of a directory's paths that git does not keep, each with the rule that says so.

    Args:
        directory: where to look.
        paths: below it, there or not; none behind a symbolic link.

    Raises:
        EnvironmentFailure: git failed.
    """
    asked = run_git(
        directory,
        *("check-ignore", "--verbose", "-z", "--stdin"),
        environment={"GIT_LITERAL_PATHSPECS": "0"},  # which this command does not take
        stdin="".join(f"{path}\0" for path in paths),
    )
    # Git ends with 1 where none is ignored.
    if asked.code not in (0, 1):
        raise git_failure(directory, "check-ignore", asked)
    words = iter(asked.output.split("\0"))
    # It also names the rules that say the opposite.
    return {
        path: f"{file}:{line} {pattern}"
        for file, line, pattern, path in zip(words, words, words, words, strict=False)
        if not pattern.startswith("!")
    }


def run_git(
    directory: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
) -> Completed:
    """Run git in a directory.

    Args:
        directory: where to run it.
        arguments: what follows `git`.
        environment: variables on top of ours.
        stdin: what it reads.
    """
    ours = {name: value for name, value in os.environ.items() if name not in LOCATION | PATHSPECS}
    # The user's hooks are for the user's commands.
    settings = ["-c", f"core.hooksPath={os.devnull}", "-c", "core.quotePath=false"]
    return process.run_program(
        ["git", *settings, *arguments],
        directory=directory,
        environment={**ours, **PLAIN_SETTINGS, **(environment or {})},
        stdin=stdin,
        timeout=GIT_SECONDS,
    )


def git_output(
    directory: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
) -> str:
    """Run git in a directory, and return what it prints.

    Raises:
        EnvironmentFailure: git failed.
    """
    completed = run_git(directory, *arguments, environment=environment, stdin=stdin)
    if completed.code != 0:
        command = next(word for word in arguments if not word.startswith("-"))
        raise git_failure(directory, command, completed)
    return completed.output


def git_failure(directory: Path, command: str, completed: Completed) -> EnvironmentFailure:
    """Say that git failed, and with which words."""
    reasons = [line for line in completed.errors.splitlines() if line.startswith("fatal: ")]
    trusting = TRUSTING.search(completed.errors)
    return EnvironmentFailure(
        f"`git {command}` failed in {directory}",
        why=reasons[0].removeprefix("fatal: ") if reasons else completed.last_words,
        fix=f"if you trust it: `{trusting[1]}`"
        if trusting
        else "run the same command with git, and fix the cause that it names",
    )
