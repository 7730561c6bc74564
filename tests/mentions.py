"""What commands name, and the files of a project know."""

import re
from collections.abc import Mapping
from pathlib import Path

NAMES = re.compile(r"\bmy-app(?:-[a-z]+)*|\b[A-Z]+(?:_[A-Z]+)+\b")
FILES = re.compile(r"(?<![\w./])(?:(?:deploy|k8s)/[\w./-]+|[\w-]+\.(?:json|toml|txt|yaml)\b)")


def unknown(commands: str, files: Mapping[str, str]) -> list[str]:
    """The names, variables and files in a target's commands that a project's files do not know."""
    others = "\n".join([*files, *(files[path] for path in files if not path.endswith(".md"))])
    known = set(NAMES.findall(others))
    missing = [name for name in NAMES.findall(commands) if name not in known]
    paths = {*files, *(str(folder) for path in files for folder in Path(path).parents)}
    return missing + [path for path in FILES.findall(commands) if path.rstrip("/") not in paths]
