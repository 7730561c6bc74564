"""A project's README, followed to the letter: the files that it shows, and the commands."""

import re
from pathlib import Path

# Code is for the last file that the words before it name.
STEP = re.compile(
    r"`(?P<path>[\w/]+\.py)`[^`]*\n\n```python\n(?P<code>.*?)^```|^```bash\n(?P<command>.*?)^```",
    re.MULTILINE | re.DOTALL,
)


def change_it(project: Path) -> tuple[dict[str, str], list[str]]:
    """The files that "Change it" has its reader write, and what it has run afterwards."""
    readme = (project / "README.md").read_text("utf-8")
    section = readme.partition("\n## Change it\n")[2].partition("\n## ")[0]
    steps = list(STEP.finditer(section))
    assert section.count("```python") == sum(step["code"] is not None for step in steps)
    files = {step["path"]: step["code"] for step in steps if step["code"]}
    return files, [step["command"] for step in steps if step["command"]]


def write(project: Path, files: dict[str, str]) -> None:
    for path, code in files.items():
        (project / path).write_text(code, "utf-8")


def read(project: Path, files: dict[str, str]) -> dict[str, str]:
    return {path: (project / path).read_text("utf-8") for path in files}
