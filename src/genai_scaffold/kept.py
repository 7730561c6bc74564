"""Keeps the templates of unreleased builds, each in the repositories that have a project of it.

The package has every released template, but of the others only its own. A ref of ours survives
what rewrites history, and garbage collection; a clone does not have it.
"""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from genai_scaffold import git, history, template

REFS = "refs/genai-scaffold/templates"


def keep(repository: Path) -> None:
    """Keep today's template, unless it is a released one.

    Args:
        repository: a directory in it.

    Raises:
        EnvironmentFailure: git failed.
    """
    digest = template.digest_in(template.version())
    if not digest or history.find(template.version()):
        return
    if git.run(repository, "rev-parse", "--verify", "--quiet", f"{REFS}/{digest}").code == 0:
        return
    stdin = _packed(template.files(template.root())).decode("utf-8", "surrogateescape")
    name = git.output(repository, "hash-object", "-w", "--stdin", stdin=stdin).strip()
    kept = git.run(repository, "update-ref", f"{REFS}/{digest}", name)
    # Another run of ours may have been faster.
    if kept.code != 0 and find(repository, template.version()) is None:
        raise git.failure(repository, "update-ref", kept)


def find(repository: Path, version: str) -> Mapping[str, bytes] | None:
    """The template of an unreleased build, where this repository keeps it."""
    if not (digest := template.digest_in(version)):
        return None
    found = git.run(repository, "cat-file", "blob", f"{REFS}/{digest}")
    if found.code != 0:
        return None
    contents = _unpacked(found.output.encode("utf-8", "surrogateescape"))
    return contents if template.digest(contents).startswith(digest) else None


def _packed(contents: Mapping[str, bytes]) -> bytes:
    """One uncompressed file: git compresses it, and keeps of a similar one what differs."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in sorted(contents.items()):
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _unpacked(packed: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        entries = [entry for entry in archive if entry.isfile() and ".." not in entry.name]
        files = {entry.name.lstrip("/"): archive.extractfile(entry) for entry in entries}
        return {path: file.read() for path, file in files.items() if file}
