"""Makes a release of this checkout: `python scripts/release.py 1.2.0`, then review and commit.

It sets the version, dates the changelog, and appends the template to the archive that `update`
merges from. A version is recorded once: after that its template cannot change any more.
"""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from genai_scaffold.template import history
from genai_scaffold.template.history import append_release, files_of_release, releases
from genai_scaffold.template.packaged import digest_of_files, lay_out, template_files
from genai_scaffold.template.render import generated_files, render_from

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))

import matrix  # noqa: E402 - the tests' own, of which a sample is recorded

VERSION_FILE = ROOT / "src" / "genai_scaffold" / "__init__.py"
CHANGELOG = ROOT / "CHANGELOG.md"
UNRELEASED = "(not yet released)"


def main() -> None:
    parser = argparse.ArgumentParser("python scripts/release.py", description=__doc__)
    parser.add_argument("version")
    version = parser.parse_args().version
    try:
        release(version)
    except ValueError as problem:
        parser.error(str(problem))
    print(f"{version} is recorded. Review it with git diff, commit it, and tag it v{version}.")


def release(version: str) -> None:
    """Record this checkout's template under a version, and set that version.

    Raises:
        ValueError: it is no version of a release, or not a new one, or not in the changelog; or the
            package that would record it is not this checkout's.
    """
    refuse(version)
    if not history.archive().resolve().is_relative_to(ROOT.resolve()):
        raise ValueError(f"{history.archive()} is not in this checkout: pip install -e {ROOT}")
    heading = f"## {version} {UNRELEASED}"
    changes = CHANGELOG.read_text("utf-8")
    if heading not in changes:
        raise ValueError(f"CHANGELOG.md has no section {heading!r}")
    contents = template_files(ROOT)
    append_release(version, contents, dict(renderings(version, contents)))
    code = VERSION_FILE.read_text("utf-8")
    code = re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', code)
    VERSION_FILE.write_text(code, "utf-8")
    today = datetime.now(UTC).date().isoformat()
    CHANGELOG.write_text(changes.replace(heading, f"## {version} ({today})"), "utf-8")


def refuse(version: str) -> None:
    try:
        wanted = Version(version)
    except InvalidVersion:
        raise ValueError(f"{version} is no version") from None
    if wanted.is_prerelease or str(wanted) != version:
        raise ValueError(f"{version} is no version of a release, such as 1.2.0")
    if released := [known for known in releases() if Version(known) >= wanted]:
        raise ValueError(f"{version} is not newer than {released[-1]}, which is released")


def renderings(version: str, contents: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """What a template renders, as digests, by the answers: each framework with each of them."""
    for answers in (*map(matrix.asked, matrix.SAMPLE), *matrix.WORKSPACES):
        yield json.dumps(answers), rendering(version, contents, answers)


def differing(version: str) -> list[str]:
    """The recorded answers from which a released template no longer renders what it did."""
    contents = files_of_release(version)
    return [
        answers
        for answers, digest in releases()[version].renderings.items()
        if rendering(version, contents, json.loads(answers)) != digest
    ]


def rendering(version: str, contents: Mapping[str, bytes], answers: Mapping[str, Any]) -> str:
    with tempfile.TemporaryDirectory() as name:
        source, project = Path(name) / "template", Path(name) / "project"
        source.mkdir()
        lay_out(contents, source)
        render_from(source, project, {**answers, "scaffold_version": version})
        files = {path: (project / path).read_bytes() for path in generated_files(project)}
    return digest_of_files(files)


def against(version: str, contents: Mapping[str, bytes]) -> str:
    """What forbids this template under this version, if anything does."""
    if version in releases():
        changed = files_of_release(version) != contents
        return f"{version} is released: a changed template needs a new version" * changed
    return f"{version} is not recorded, and without `dev`" * ("dev" not in version)


if __name__ == "__main__":
    main()
