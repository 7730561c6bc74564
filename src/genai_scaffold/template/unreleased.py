"""Keeps the templates of unreleased builds, each in the repositories that have a project of it.

The package has every released template, but of the others only its own. A ref of ours survives
what rewrites history, and garbage collection; a clone does not have it.
"""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from genai_scaffold.system import git
from genai_scaffold.system.git import git_failure, git_output
from genai_scaffold.template import packaged
from genai_scaffold.template.history import find_release
from genai_scaffold.template.packaged import (
    digest_in,
    digest_of_files,
    template_files,
    template_version,
)

TEMPLATE_REFS = "refs/genai-scaffold/templates"


def keep_template(repository: Path) -> None:
    """Keep today's template, unless it is a released one.

    Args:
        repository: a directory in it.

    Raises:
        EnvironmentFailure: git failed.
    """
    digest = digest_in(template_version())
    if not digest or find_release(template_version()):
        return
    ref = f"{TEMPLATE_REFS}/{digest}"
    if git.run_git(repository, "rev-parse", "--verify", "--quiet", ref).code == 0:
        return
    stdin = _packed(template_files(packaged.template_root())).decode("utf-8", "surrogateescape")
    name = git_output(repository, "hash-object", "-w", "--stdin", stdin=stdin).strip()
    kept = git.run_git(repository, "update-ref", ref, name)
    # Another run of ours may have been faster.
    if kept.code != 0 and find_kept(repository, template_version()) is None:
        raise git_failure(repository, "update-ref", kept)


def find_kept(repository: Path, version: str) -> Mapping[str, bytes] | None:
    """The template of an unreleased build, where this repository keeps it."""
    if not (digest := digest_in(version)):
        return None
    found = git.run_git(repository, "cat-file", "blob", f"{TEMPLATE_REFS}/{digest}")
    if found.code != 0:
        return None
    contents = _unpacked(found.output.encode("utf-8", "surrogateescape"))
    return contents if digest_of_files(contents).startswith(digest) else None


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
