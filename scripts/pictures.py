"""Makes the README's pictures by running the tool.

`pytest tests/golden/test_pictures.py --update-golden` takes them. Each is what the command really
said on a terminal of 96 columns. The questions are a moment of a conversation, which tmux has on
its screen.
"""

import os
import pty
import re
import shlex
import subprocess
import sys
import tempfile
import time
from io import StringIO
from pathlib import Path

from pages.session import scrubbed
from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WIDTH = 96
HEIGHT = 26
SECONDS = 60.0
RUNS = {
    "wizard": "genai-scaffold new",
    "new": "genai-scaffold new my-app --yes",
    "recommend": "genai-scaffold recommend --async none --no-docs --team learning",
    "switch": "genai-scaffold switch flask",
}
# What is seen, and pressed then, up to the moment that is shown.
KEYS = {
    "wizard": [
        ("Project name", "Enter"),
        ("How many requests", "Down Down Down Enter"),
        ("What should come with it?", "Enter"),
        ("How large will it become?", "Enter"),
        ("Who will write it?", "Down Enter"),
        ("Do any of these apply?", "Enter"),
        ("Create which one?", ""),
    ]
}
FOCUS = "»"  # stands where a question waits
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
    for name in RUNS:
        take(name)


def take(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        said = run(name, Path(folder))
    # The same identity in every run: the bytes change only where the output does.
    picture = drawn(RUNS[name], said).export_svg(
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
    if name in KEYS:
        return scrubbed(conversation(command, KEYS[name], folder), folder)
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


def conversation(command: str, keys: list[tuple[str, str]], folder: Path) -> str:
    """What is on a terminal once some keys were pressed."""
    # A socket of its own: nothing of the developer's tmux is touched.
    tmux = ["tmux", "-f", os.devnull, "-S", str(folder / "tmux")]
    program = shlex.join([sys.executable, "-m", "genai_scaffold", *shlex.split(command)[1:]])
    size = ["-x", str(WIDTH), "-y", str(HEIGHT)]
    start = [*tmux, "new-session", "-d", *size, program]
    subprocess.run(start, cwd=folder, env=environment(folder), check=True)
    try:
        for question, pressed in keys:
            screen = seen(tmux, question)
            if pressed:
                subprocess.run([*tmux, "send-keys", *pressed.split()], check=True)
        return screen.rstrip()
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)


def seen(tmux: list[str], question: str) -> str:
    """The screen, once a question waits on it for an answer.

    Raises:
        RuntimeError: it never does.
    """
    capture = [*tmux, "capture-pane", "-e", "-p"]
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        screen = subprocess.run(capture, check=True, capture_output=True, text=True).stdout
        waiting = screen[screen.rfind(question) :]
        if question in screen and (FOCUS in waiting or question == "Project name"):
            return screen
        time.sleep(0.05)
    raise RuntimeError(f"{question!r} was never asked:\n{screen}")


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
    # A line goes on in the colours in which the one before it ended.
    for line in AnsiDecoder().decode(said):
        line.rstrip()
        console.print(line)
    # The picture ends too close to its last line.
    console.print()
    return console


def tidied(picture: str) -> str:
    """Without fonts from a server, which no reader's browser would fetch, and trailing blanks."""
    local = re.sub(r"\s*@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    return "\n".join(line.rstrip() for line in local.strip().splitlines()) + "\n"


if __name__ == "__main__":
    main()
