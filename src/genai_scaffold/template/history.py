"""The templates of all releases, in one archive inside the package."""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from genai_scaffold.template.packaged import digest_in, digest_of

VERSIONS, BLOBS = "versions", "blobs"


class Release(NamedTuple):
    """A released template.

    Args:
        files: the SHA-256 of each file's content, by its path.
        renderings: the SHA-256 of what it renders, by the answers as JSON.
    """

    files: Mapping[str, str]
    renderings: Mapping[str, str]


def archive() -> Path:
    """The file that holds them; there is none before the first release."""
    return Path(str(resources.files("genai_scaffold"))) / "history.zip"


def releases() -> dict[str, Release]:
    """Every released template by its version, in the order of their release."""
    if not archive().is_file():
        return {}
    with zipfile.ZipFile(archive()) as kept:
        names = [name for name in kept.namelist() if name.startswith(f"{VERSIONS}/")]
        return {Path(name).stem: Release(**json.loads(kept.read(name))) for name in names}


def find_release(version: str) -> str | None:
    """The release with the template of a version: that one, or of an unreleased build the same."""
    digests = {name: digest_of(release.files) for name, release in releases().items()}
    if version in digests:
        return version
    wanted = digest_in(version)
    same = (name for name, digest in digests.items() if digest.startswith(wanted))
    return next(same, None) if wanted else None


def files_of_release(version: str) -> dict[str, bytes]:
    """The files of a released template, by their paths."""
    release = releases()[version]
    with zipfile.ZipFile(archive()) as kept:
        return {path: kept.read(f"{BLOBS}/{name}") for path, name in release.files.items()}


def append_release(
    version: str, contents: Mapping[str, bytes], renderings: Mapping[str, str]
) -> None:
    """Append a template to the archive, where it stays as it is.

    Raises:
        ValueError: the version is recorded already.
    """
    if version in releases():
        raise ValueError(f"{version} is released: its template cannot change any more")
    names = {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}
    release = Release(names, dict(renderings))
    with zipfile.ZipFile(archive(), "a", zipfile.ZIP_DEFLATED) as kept:
        known = set(kept.namelist())
        for path in sorted(contents):
            if (blob := f"{BLOBS}/{names[path]}") not in known:
                kept.writestr(_dateless(blob), contents[path])
                known.add(blob)
        kept.writestr(_dateless(f"{VERSIONS}/{version}.json"), json.dumps(release._asdict()))


def _dateless(name: str) -> zipfile.ZipInfo:
    """Name an entry, so that the same release makes the same archive."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
