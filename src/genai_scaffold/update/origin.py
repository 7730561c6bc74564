"""Finds what a project was generated from: its template, and the answers that it was given."""

import shlex
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from genai_scaffold.answers.files import mapping_in
from genai_scaffold.errors import EnvironmentFailure, RenderError, ScaffoldError, UsageError
from genai_scaffold.merge.change import Snapshot
from genai_scaffold.merge.place import Place, null_separated
from genai_scaffold.project.answers_file import same_answer
from genai_scaffold.project.record import ANSWERS_FILE, Record, parse_record, recorded_version
from genai_scaffold.system import git
from genai_scaffold.system.git import git_output
from genai_scaffold.system.staging import staged_directory
from genai_scaffold.template.history import files_of_release, find_release
from genai_scaffold.template.packaged import is_current, lay_out, template_version
from genai_scaffold.template.render import generated_files, render_from, template_source
from genai_scaffold.template.unreleased import find_kept

LOOKED_AT, COMPARED = 50, 3  # commits, and sets of answers


def render_recorded(source: Path, recorded: Record, project: Path, destination: Path) -> None:
    """Render what a project was made from.

    Args:
        source: a directory with the template.
        recorded: the answers.
        project: the user's directory.
        destination: where to.
    """
    try:
        render_from(source, destination, template_data(recorded, recorded.raw, recorded.version))
    except RenderError as error:
        raise UsageError(
            f"{ANSWERS_FILE} does not say what {project} was made from",
            why=error.why,
            fix=f"bring the file back: `{_log(project)}`",
        ) from error


def template_data(recorded: Record, given: Mapping[str, Any], version: str) -> dict[str, Any]:
    """What a template is told, beside its questions' answers."""
    reasons = recorded.recommendation
    extra = {} if reasons is None else {"recommendation": dict(reasons)}
    return {**given, **extra, "scaffold_version": version, "source_url": recorded.source}


def is_known(project: Path, version: str) -> bool:
    """Whether the template of a version is at hand."""
    return (
        is_current(version)
        or find_release(version) is not None
        or (not _is_newer(version) and find_kept(project, version) is not None)
    )


def original_template(project: Path, version: str, current: Path, destination: Path) -> Path:
    """The template that a project was made from, in a directory.

    Args:
        project: the user's directory.
        version: of the template.
        current: where today's template is.
        destination: where to put another one; it is not there yet.

    Raises:
        EnvironmentFailure: a newer version made the project.
        UsageError: the template is not at hand.
    """
    if is_current(version):
        return current
    if release := find_release(version):
        contents: Mapping[str, bytes] | None = files_of_release(release)
    elif _is_newer(version):
        raise EnvironmentFailure(
            f"{project} was made by genai-scaffold {version}",
            why=f"this is {template_version()}, which cannot know its template",
            fix="upgrade genai-scaffold, such as with `pipx upgrade genai-scaffold`",
        )
    else:
        contents = find_kept(project, version)
    if contents is None:
        raise _unknown(project, version)
    destination.mkdir()
    lay_out(contents, destination)
    return destination


def _is_newer(version: str) -> bool:
    try:
        return Version(Version(version).public) > Version(Version(template_version()).public)
    except InvalidVersion:
        return False


def _unknown(project: Path, made: str) -> UsageError:
    if commit := _first_commit(project, made) if made else None:
        fix = f"name the commit that has the project as it was generated: --base {commit}"
    else:
        own = f"run genai-scaffold {made}, which made it, with `update` here, or " if made else ""
        fix = (
            f"{own}name a commit that has the project as it was generated, and no work of yours: "
            f"--base COMMIT; look for it with: `{_log(project)}`"
        )
    return UsageError(
        f"{project} was made from a template that is not known here",
        why=f"{made or 'a version that it does not name'} is no released version of "
        "genai-scaffold, and this repository does not keep its template",
        fix=fix,
    )


def _log(project: Path) -> str:
    return shlex.join(["git", "-C", str(project), "log", "--", ANSWERS_FILE])


def _first_commit(project: Path, made: str) -> str | None:
    """The commit that `new` made of a project, unless it was amended: nobody's work is in it."""
    added = ("--diff-filter=A", f"-S{made}", "--format=%h%n%at%n%ct%n%s")
    # A git that fails, as where a partial clone cannot fetch, has not said that there is none.
    match git_output(project, "log", "-1", *added, "--", ANSWERS_FILE).splitlines():
        case [commit, authored, committed, git.FIRST_COMMIT] if authored == committed:
            return commit
    return None


def snapshot_of(commit: str, here: Place, recorded: Record, *renderings: Path) -> Snapshot:
    """What a commit has of a project as it was generated.

    What is not in the commit that `new` made may be the user's: then it counts as generated only
    where the template has the very same today.

    Args:
        commit: a name of it.
        here: the project.
        recorded: what the project was generated from.
        renderings: of today's template with the answers of before, and with those to come.

    Raises:
        UsageError: the commit has no such project.
    """
    tree = _tree_of(commit, here, recorded)
    paths = {path for rendering in renderings for path in generated_files(rendering)}
    first = _first_commit(here.project, recorded.version)
    if not first or _commit_of(here, first) != _commit_of(here, commit):
        paths = _same(here, tree, renderings[-1])
    return Snapshot(tree, frozenset(paths))


def _same(here: Place, tree: str, rendering: Path) -> set[str]:
    """The files that a tree of git's and a rendering have alike."""
    listed = null_separated(git_output(here.top, "ls-tree", "-r", "-z", tree))
    entries = (line.partition("\t") for line in listed)
    names = {path: described.split(" ")[2] for described, _, path in entries}
    paths = [path for path in generated_files(rendering) if path in names]
    stdin = "".join(f"{rendering / path}\n" for path in paths)
    hashed = git_output(here.top, "hash-object", "--no-filters", "--stdin-paths", stdin=stdin)
    return {path for path, name in zip(paths, hashed.split(), strict=True) if names[path] == name}


def _commit_of(here: Place, name: str) -> str:
    return git_output(here.top, "rev-parse", "--verify", f"{name}^{{commit}}").strip()


def _tree_of(commit: str, here: Place, recorded: Record) -> str:
    """The project's files in a commit, as a tree of git's."""
    folder = here.prefix.rstrip("/")
    found = git.run_git(
        here.top, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}:{folder}"
    )
    tree = found.output.strip()
    made = git.run_git(here.top, "cat-file", "blob", f"{tree}:{ANSWERS_FILE}") if tree else found
    document = mapping_in(made.output.encode(), ANSWERS_FILE) if made.code == 0 else None
    if document is None or recorded_version(document) != recorded.version:
        raise UsageError(
            f"--base {commit} is no commit that has {here.project} as it was generated",
            why=f"its {ANSWERS_FILE} would name the version {recorded.version}",
            fix=f"find it with: `{_log(here.project)}`",
        )
    return tree


def as_generated(project: Path, recorded: Record) -> Record:
    """What a project was made from, though somebody may have changed the answers file since.

    Of the answers that the file had, under the same version, those count whose rendering has most
    of the lines that the project has.
    """
    earlier = list(_earlier(project, recorded))
    if not earlier or not is_known(project, recorded.version):
        return recorded
    stage = staged_directory(Path(tempfile.gettempdir()), "genai-scaffold")
    with stage as folder, template_source() as current:
        template = original_template(project, recorded.version, current, folder / "template")
        candidates = [recorded, *earlier]
        lines = []
        for number, candidate in enumerate(candidates):
            rendering = folder / str(number)
            render_recorded(template, candidate, project, rendering)
            lines.append(_lines(rendering, generated_files(rendering)))
        paths = {path for rendered in lines for path, _ in rendered}
        own = _lines(project, paths)
        # The lines that it lacks count against a rendering: another one may have fewer.
        likeness = [len(rendered & own) - len(rendered - own) for rendered in lines]
        return candidates[likeness.index(max(likeness))]


def _earlier(project: Path, recorded: Record) -> Iterator[Record]:
    """Other answers under the same version that the answers file had, the newest first."""
    log = ("log", f"-{LOOKED_AT}", "--format=%H", "--", ANSWERS_FILE)
    commits = git.run_git(project, *log).output.split()
    known = [recorded.raw]
    for commit in commits:
        kept = git.run_git(project, "cat-file", "blob", f"{commit}:./{ANSWERS_FILE}")
        try:
            found = parse_record(kept.output.encode("utf-8", "surrogateescape"), project)
        except ScaffoldError:
            continue
        if found.version != recorded.version or len(known) > COMPARED:
            return
        if not any(same_answer(found.raw, other) for other in known):
            known.append(found.raw)
            yield found


def _lines(folder: Path, paths: Iterable[str]) -> set[tuple[str, bytes]]:
    return {
        (path, line)
        for path in paths
        if path != ANSWERS_FILE and (folder / path).is_file()
        for line in (folder / path).read_bytes().splitlines()
    }
