"""Makes a release of this checkout: `python scripts/release.py 1.2.0`, then review and commit.

It sets the version, dates the changelog, and appends the template to the archive that `update`
merges from. A version is recorded once: after that its template cannot change any more.
"""

import argparse
import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from packaging.version import InvalidVersion, Version

from genai_scaffold import history, render, template

ROOT = Path(__file__).parents[1]
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
        ValueError: it is no version of a release, or not a new one, or not in the changelog.
    """
    refuse(version)
    heading = f"## {version} {UNRELEASED}"
    changes = CHANGELOG.read_text("utf-8")
    if heading not in changes:
        raise ValueError(f"CHANGELOG.md has no section {heading!r}")
    contents = template.files(ROOT)
    history.record(version, contents, dict(renderings(version, contents)))
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
    if released := [known for known in history.releases() if Version(known) >= wanted]:
        raise ValueError(f"{version} is not newer than {released[-1]}, which is released")


def renderings(version: str, contents: dict[str, bytes]) -> Iterator[tuple[str, str]]:
    """What a template renders from its defaults, as digests, for each framework and preset."""
    questions = template.questions()
    for framework in questions["framework"].choices:
        for preset in questions["preset"].choices:
            answers = {"framework": framework.value, "preset": preset.value}
            yield f"{framework.value} {preset.value}", rendering(version, contents, answers)


def rendering(version: str, contents: dict[str, bytes], answers: dict[str, str]) -> str:
    with tempfile.TemporaryDirectory() as name:
        source, project = Path(name) / "template", Path(name) / "project"
        source.mkdir()
        template.lay_out(contents, source)
        render.render_from(source, project, {**answers, "scaffold_version": version})
        files = {path: (project / path).read_bytes() for path in render.files(project)}
    return template.digest(files)


if __name__ == "__main__":
    main()
