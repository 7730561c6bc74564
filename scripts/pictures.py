"""Makes the README's pictures by running the tool: `python scripts/pictures.py`.

Each picture is what the command really said, with its colours, on a terminal of 96 columns.
"""

import os
import pty
import re
import shlex
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from pages import scrubbed
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WIDTH = 96
RUNS = {
    "new": "genai-scaffold new my-app --yes",
    "recommend": "genai-scaffold recommend --async none --no-docs --team learning",
    "switch": "genai-scaffold switch flask",
}
# What a picture is taken in: a project with code of its own, which an update has to keep.
PROJECT = {
    "switch": """
genai-scaffold new my-app --quiet --yes
cd my-app
cat > backend/api/routers/feedback.py << 'END'
from fastapi import APIRouter

router = APIRouter()


@router.post("/feedback")
async def feedback(text: str) -> dict[str, str]:
    return {"thanks_for": text}
END
git add --all
git commit --quiet --message "Feedback"
"""
}


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, command in RUNS.items():
        with tempfile.TemporaryDirectory() as folder:
            said = run(name, Path(folder))
        # The same identity in every run: the bytes change only where the output does.
        picture = drawn(command, said).export_svg(
            title="genai-scaffold", theme=MONOKAI, unique_id=f"genai-scaffold-{name}"
        )
        path = IMAGES / f"{name}.svg"
        path.write_text(tidied(picture), encoding="utf-8")
        print(f"{path.relative_to(IMAGES.parents[1])}: {len(said.splitlines())} lines")


def run(name: str, folder: Path) -> str:
    """What the command of a picture says on a terminal, with its control sequences.

    Raises:
        RuntimeError: it failed, so there is nothing to show.
    """
    command, work = RUNS[name], folder
    if name in PROJECT:
        made = ["bash", "-ec", PROJECT[name]]
        subprocess.run(made, cwd=folder, env=environment(folder), check=True, capture_output=True)
        work = folder / "my-app"
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "genai_scaffold", *shlex.split(command)[1:]],
        cwd=work,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        # A spinner is no part of a still picture.
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    said = b""
    # A terminal that nobody writes to any more is an error on Linux, and an empty read elsewhere.
    try:
        while chunk := os.read(ours, 65536):
            said += chunk
    except OSError:
        pass
    finally:
        os.close(ours)
    _, complaint = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{command}: {complaint.decode()}")
    return scrubbed(said.decode(), folder)


def environment(folder: Path) -> dict[str, str]:
    """A machine without the settings of whoever makes the pictures."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        **{f"GIT_{who}_NAME": "Ada" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "ada@example.org" for who in ("AUTHOR", "COMMITTER")},
        "HOME": str(folder / "home"),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "COLUMNS": str(WIDTH),
    }


def drawn(command: str, said: str) -> Console:
    """The command and its output, recorded; nothing of it is printed here."""
    console = Console(
        width=WIDTH, record=True, file=StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(Text.assemble(("$ ", "bold green"), command))
    for line in said.splitlines():
        console.print(Text.from_ansi(line.rstrip()))
    # The picture ends too close to its last line.
    console.print()
    return console


def tidied(picture: str) -> str:
    """Without fonts from a server, which no reader's browser would fetch, and trailing blanks."""
    local = re.sub(r"\s*@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    return "\n".join(line.rstrip() for line in local.strip().splitlines()) + "\n"


if __name__ == "__main__":
    main()
