"""Compiles the hash-pinned requirements of every kind of generated project.

Everything is resolved together once, so that all projects agree on the versions and
an option only adds blocks: `python scripts/lock.py`, then run the tests. Each kind of
project gets one file, in the order and to the letter of the command that a project
documents; what only an option adds is inside an `if`.
"""

import re
import subprocess
import tempfile
from collections import ChainMap
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from genai_scaffold.template.render import render_project

TEMPLATES = Path(__file__).parents[1] / "templates"
OLDEST_PYTHON = "3.11"
BLOCK = re.compile(r"^(?P<name>[a-z0-9.-]+)==.*\n(?:[ #].*\n)*", re.MULTILINE)


class Option(NamedTuple):
    """What adds requirements: when, in a template's words, and the answers that make it so."""

    condition: str
    changes: Mapping[str, Any]
    dev: bool = False


ANSWERS: dict[str, Any] = {
    "project_name": "my-app",
    "description": "",
    "author": "",
    "provider": "openai",
    "async": "none",
    "docs": False,
    "validation": False,
    "features": [],
    "deploy": [],
    "license": "none",
    "python": OLDEST_PYTHON,
}


def feature(name: str, *, dev: bool = False) -> Option:
    return Option(f"{'dev and ' if dev else ''}'{name}' in features", {"features": [name]}, dev)


ALWAYS, DEV = Option("", {}), Option("dev", {}, dev=True)
DOCS, GEVENT = Option("docs", {"docs": True}), Option("async == 'high'", {"async": "high"})
HOOKS = Option(
    "dev and 'pre-commit' in features and not directory", {"features": ["pre-commit"]}, dev=True
)
COMMON = (ALWAYS, DEV, HOOKS)
VALIDATION = Option("validation", {"validation": True})
SERVICE = (
    *COMMON,
    *(
        DOCS,
        feature("metrics"),
        feature("tracing"),
        feature("oidc"),
        feature("history"),
        feature("documents"),
    ),
    feature("peers", dev=True),
)
OPTIONS: dict[tuple[str, str], tuple[Option, ...]] = {
    ("fastapi", "service"): SERVICE,
    ("fastapi", "prototype"): (*COMMON, DOCS),
    ("flask", "service"): (*SERVICE, GEVENT),
    ("flask", "prototype"): (*COMMON, DOCS, VALIDATION),
}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        constraints = folder / "all.txt"
        everything = [
            pyproject(folder / f"{framework}-{preset}", framework, preset, together(options))
            for (framework, preset), options in OPTIONS.items()
        ]
        constraints.write_text(compiled(*everything, dev=True))
        for (framework, preset), options in OPTIONS.items():
            text = locked(folder / "one", framework, preset, options, constraints)
            target = TEMPLATES / framework / preset / "requirements.txt"
            target.write_text(text, encoding="utf-8")
            print(f"{framework} {preset}: {len(BLOCK.findall(text))} requirements")


def together(options: tuple[Option, ...]) -> dict[str, Any]:
    changes = [option.changes for option in options]
    features = [name for change in changes for name in change.get("features", ())]
    return {**ChainMap(*map(dict, changes)), "features": features}


def locked(
    folder: Path,
    framework: str,
    preset: str,
    options: tuple[Option, ...],
    constraints: Path,
) -> str:
    """The requirements of a kind of project, each block under the condition that it is there."""

    def resolve(name: str, changes: Mapping[str, Any], *, dev: bool) -> dict[str, str]:
        source = pyproject(folder / framework / preset / name, framework, preset, changes)
        return blocks(compiled(source, dev=dev, constraints=constraints))

    resolved = {
        option.condition: resolve(str(number), option.changes, dev=option.dev)
        for number, option in enumerate(options)
    }
    whole = resolve("whole", together(options), dev=True)
    return "".join(conditional(whole, resolved))


def blocks(requirements: str) -> dict[str, str]:
    """The text of each package: a version for the older Pythons, perhaps, and one for the newer."""
    found: dict[str, str] = {}
    for match in BLOCK.finditer(requirements):
        found[match["name"]] = found.get(match["name"], "") + match[0]
    return found


def conditional(
    whole: Mapping[str, str], resolved: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    """The packages in their order; neighbours that are there for the same reason are together.

    Where one is needed here on one machine and there on another, all together decide first.
    """

    def variants(name: str) -> dict[str, str]:
        needing: dict[str, list[str]] = {whole[name]: []}
        for reason, found in resolved.items():
            if name in found:
                needing.setdefault(found[name], []).append(reason)
        texts = {condition(reasons): text for text, reasons in needing.items() if reasons}
        if whole[name] not in texts.values() or (len(texts) > 1 and ALWAYS.condition in texts):
            raise SystemExit(f"{name} is locked differently by different options: {list(texts)}")
        return texts

    for reasons, names in groupby(whole, lambda name: tuple(variants(name))):
        if reasons == (ALWAYS.condition,):
            yield "".join(whole[name] for name in names)
        elif len(reasons) == 1:
            text = "".join(whole[name] for name in names)
            yield f"{{% if {reasons[0]} -%}}\n{text}{{% endif -%}}\n"
        else:
            for name in names:
                cases = [f"if {reason} -%}}\n{text}" for reason, text in variants(name).items()]
                yield "{% " + "{% el".join(cases) + "{% endif -%}\n"


def condition(reasons: list[str]) -> str:
    if ALWAYS.condition in reasons:
        return ALWAYS.condition
    if DEV.condition in reasons:
        reasons = [reason for reason in reasons if not reason.startswith("dev and ")]
    return " or ".join(reasons)


def pyproject(folder: Path, framework: str, preset: str, changes: Mapping[str, Any]) -> Path:
    render_project(folder, {**ANSWERS, "framework": framework, "preset": preset, **changes}, {})
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
