"""Compiles the hash-pinned requirements of every kind of generated project.

Everything is resolved together once, so that all projects agree on the versions and
an option only adds blocks: `python scripts/lock.py`, then run the tests.
"""

import re
import subprocess
import tempfile
from collections import ChainMap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genai_scaffold.render import render

TEMPLATES = Path(__file__).parents[1] / "templates"
OLDEST_PYTHON = "3.11"
BLOCK = re.compile(r"^(?P<name>[a-z0-9.-]+)==.*\n(?:[ #].*\n)*", re.MULTILINE)
ANSWERS: dict[str, Any] = {
    "project_name": "my-app",
    "description": "",
    "author": "",
    "provider": "openai",
    "async": "none",
    "docs": False,
    "validation": True,
    "features": [],
    "deploy": [],
    "license": "none",
    "python": OLDEST_PYTHON,
}
DOCS: dict[str, Any] = {"docs": True}
PRE_COMMIT: dict[str, Any] = {"features": ["pre-commit"]}
GEVENT: dict[str, Any] = {"async": "high"}
FEATURES: dict[str, dict[str, Any]] = {
    "metrics": {"features": ["metrics"]},
    "tracing": {"features": ["tracing"]},
}
# What adds runtime requirements, and what adds development ones, to each kind of project.
RUNTIME_OPTIONS: dict[tuple[str, str], dict[str, dict[str, Any]]] = {
    ("fastapi", "service"): {"docs": DOCS, **FEATURES},
    ("fastapi", "prototype"): {},
    ("flask", "service"): {"docs": DOCS, "gevent": GEVENT, **FEATURES},
    ("flask", "prototype"): {},
}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        constraints = folder / "all.txt"
        everything = [
            pyproject(
                folder / f"{framework}-{preset}",
                framework,
                preset,
                {
                    **ChainMap(*changes.values()),
                    "features": features(PRE_COMMIT, *changes.values()),
                },
            )
            for (framework, preset), changes in RUNTIME_OPTIONS.items()
        ]
        constraints.write_text(compiled(*everything, dev=True))
        for (framework, preset), options in RUNTIME_OPTIONS.items():
            blocks = option_blocks(folder / "one", framework, preset, options, constraints)
            target = TEMPLATES / framework / preset / "requirements"
            for option, text in blocks.items():
                (target / f"{option}.txt").write_text(text, encoding="utf-8")
                print(f"{framework} {preset} {option}: {text.count('==')} packages")


def features(*changes: Mapping[str, Any]) -> list[str]:
    return [feature for change in changes for feature in change.get("features", [])]


def option_blocks(
    folder: Path,
    framework: str,
    preset: str,
    options: Mapping[str, dict[str, Any]],
    constraints: Path,
) -> dict[str, str]:
    """Returns, for each part of a project's requirements, the text that it adds."""

    def resolve(name: str, changes: Mapping[str, Any], *, dev: bool = False) -> dict[str, str]:
        source = pyproject(folder / framework / preset / name, framework, preset, changes)
        blocks: dict[str, str] = {}
        for match in BLOCK.finditer(compiled(source, dev=dev, constraints=constraints)):
            # One package may have several: a version for the older Pythons, and one for the newer.
            blocks[match["name"]] = blocks.get(match["name"], "") + match[0]
        return blocks

    runtime = resolve("runtime", {})
    dev = resolve("dev", {}, dev=True)
    parts = {
        "runtime": runtime,
        "dev": without(dev, runtime),
        "pre-commit": without(resolve("pre-commit", PRE_COMMIT, dev=True), dev),
    }
    parts |= {name: without(resolve(name, change), runtime) for name, change in options.items()}
    return {name: "".join(blocks.values()) for name, blocks in parts.items()}


def without(blocks: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in blocks.items() if name not in known}


def pyproject(folder: Path, framework: str, preset: str, changes: Mapping[str, Any]) -> Path:
    render(folder, {**ANSWERS, "framework": framework, "preset": preset, **changes}, {})
    return folder / "pyproject.toml"


def compiled(*sources: Path, dev: bool, constraints: Path | None = None) -> str:
    command = ["uv", "pip", "compile", "--universal", "--python-version", OLDEST_PYTHON]
    command += ["--quiet", "--no-header", "--no-annotate"]
    command += [str(source) for source in sources]
    if dev:
        command += [part for source in sources for part in ("--group", f"{source}:dev")]
    if constraints:
        command += ["--constraints", str(constraints), "--generate-hashes"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
