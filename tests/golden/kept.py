"""The trees as they were reviewed: two services whole, and of the others what differs from these.

`python tests/golden/kept.py NAME FOLDER` writes a whole tree.
"""

import shutil
import sys
from pathlib import Path

TREES = Path(__file__).parent / "trees"
SAME = "same-as-the-service.txt"  # the paths of what a tree has from its framework's service


def service_of(name: str) -> str | None:
    """The tree that another one is kept beside; none of a service's own, or of a workspace."""
    framework, _, kind = name.partition("-")
    return f"{framework}-service" if kind not in ("", "service") else None


def own(name: str) -> dict[str, str]:
    """The files that are kept of a tree itself, by their paths."""
    tree = TREES / name
    return {
        path.relative_to(tree).as_posix(): path.read_text("utf-8")
        for path in sorted(tree.rglob("*"))
        if path.is_file()
    }


def whole(name: str) -> dict[str, str]:
    """The files of a tree, by their paths."""
    files, service = own(name), service_of(name)
    if service is None or not files:
        return files
    others = own(service)
    return files | {path: others.get(path, "") for path in files.pop(SAME).splitlines()}


def keep(name: str, files: dict[str, str]) -> None:
    """Make these the files of a tree, and no others."""
    service = service_of(name)
    others = own(service) if service else {}
    same = [path for path, text in files.items() if others.get(path) == text]
    kept = {path: text for path, text in files.items() if path not in same}
    if service:
        kept[SAME] = "".join(f"{path}\n" for path in sorted(same))
    write(kept, TREES / name)


def write(files: dict[str, str], folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8", newline="\n")


def main(name: str, folder: str) -> None:
    if not (files := whole(name)):
        names = ", ".join(sorted(tree.name for tree in TREES.iterdir()))
        raise SystemExit(f"there is no tree {name}; there are {names}")
    if Path(folder).exists():
        raise SystemExit(f"{folder} is there already")
    write(files, Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
