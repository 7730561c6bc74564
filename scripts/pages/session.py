"""Runs a page's commands in one shell, in a fresh folder."""

import os
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.watcher import held, watched
from genai_scaffold.template.packaged import template_version

from .fences import ROOT, Step, steps, with_words

IN_A_CHECKOUT = "<!-- in a checkout -->"
# The pages use one port, and no test may: another program may have it.
PORT = "8000"
COLUMNS = 88
PAGE_SECONDS = 600


class Place(NamedTuple):
    """Where a page is run: a fresh folder, a home, and the programs that are found."""

    folder: Path
    variables: Mapping[str, str]


def place(folder: Path, page: str, programs: str, variables: Mapping[str, str]) -> Place:
    """Prepare a folder for a page.

    Args:
        folder: an empty one.
        page: its text.
        programs: the directory of `genai-scaffold`.
        variables: the environment to begin with.
    """
    home, work = folder / "home", folder / "work"
    home.mkdir(parents=True)
    (home / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.org\n")
    variables = {
        **variables,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "PATH": f"{programs}{os.pathsep}{variables['PATH']}",
        "COLUMNS": str(COLUMNS),
        "NO_COLOR": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    if IN_A_CHECKOUT in page:
        copy_checkout(work)
        variables["PYTHONPATH"] = str(work / "src")
        subprocess.run(["git", "init", "-q", "-b", "main"], cwd=work, check=True)
        commit = "git add --all && git commit -q -m 'As it was'"
        subprocess.run(["sh", "-c", commit], cwd=work, check=True, env=variables)
    else:
        work.mkdir()
    return Place(work, variables)


def copy_checkout(destination: Path) -> None:
    """Copy what git tracks here, as it is now, and what is not tracked yet."""
    listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in names.rstrip("\0").split("\0"):
        if (ROOT / name).is_file():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, destination / name)


def run(page: Sequence[Step], where: Place) -> list[str]:
    """Run the commands of a page as one session; what each one said, in order.

    Raises:
        RuntimeError: one failed; its line and its words are named.
    """
    said = where.folder.with_name("said")
    said.mkdir()
    port = free_port()
    script = session(page, said).replace(PORT, port)
    shell = subprocess.Popen(
        held("bash", "-c", script),
        cwd=where.folder,
        env=where.variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with watched(shell):
        code = shell.wait(PAGE_SECONDS)
    words = [
        path.read_text("utf-8", errors="replace") if path.exists() else None
        for path in (said / str(number) for number in range(len(page)))
    ]
    if code != 0:
        failed = max(number for number, text in enumerate(words) if text is not None)
        raise RuntimeError(
            f"line {page[failed].line}: exit code {code}\n{page[failed].commands}\n{words[failed]}"
        )
    return [scrubbed(text or "", where.folder).replace(port, PORT) for text in words]


def session(page: Sequence[Step], said: Path) -> str:
    """A page's commands as one script; the words of each go to a file of its own."""
    lines = ["set -euo pipefail"]
    for number, step in enumerate(page):
        if step.kind == "elsewhere":
            continue
        lines.append(f"exec > '{said / str(number)}' 2>&1")
        if step.kind == "server":
            lines += [f"{{ {step.commands.strip()}\n}} &", "server=$!", UNTIL_IT_ANSWERS]
        else:
            lines.append(step.commands)
    return "\n".join(lines)


UNTIL_IT_ANSWERS = (
    f"until curl --silent --fail --output /dev/null http://127.0.0.1:{PORT}/healthz; "
    "do kill -0 $server; sleep 0.2; done"
)


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return str(bound.getsockname()[1])


def scrubbed(said: str, folder: Path) -> str:
    """What a command says on any machine, and of a template that is released."""
    released = template_version().partition(".dev")[0]
    said = said.replace(str(folder), "/home/ada").replace(template_version(), released)
    return "\n".join(line.rstrip() for line in said.splitlines())


def transcribed(page: str, where: Place) -> str:
    """A page whose commands were run, with what they said."""
    commands = list(steps(page))
    words = run(commands, where)
    shown = {step.line: text for step, text in zip(commands, words, strict=True)}
    return with_words(page, shown)
