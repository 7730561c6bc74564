"""Renders the template: the only module that speaks Copier."""

import contextlib
import os
import re
import tempfile
import threading
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType
from typing import Any

from genai_scaffold.errors import EnvironmentFailure, RenderError
from genai_scaffold.system.staging import staged_directory
from genai_scaffold.template import packaged
from genai_scaffold.template.packaged import has_links, lay_out, template_files, template_version

EXECUTABLE, PLAIN_TEXT = 0o755, 0o644

# By the template's directory, and the text with the name and the path of its file.
_COMPILED: dict[tuple[Path | str, ...], CodeType] = {}
# What a rendering changes of Jinja and of the environment, all threads would see.
_ALONE = threading.Lock()


def render_project(
    destination: Path, answers: Mapping[str, Any], recommendation: Mapping[str, Any]
) -> tuple[str, ...]:
    """Render a project into a directory that is empty or not there yet.

    Args:
        destination: where to; not atomic, so it should be a staging directory.
        answers: one for each question of copier.yml.
        recommendation: why this framework, for the decision record.

    Returns:
        The paths of the files, relative and with slashes, in order.

    Raises:
        RenderError: the template is broken; the file and the line are named where known.
        EnvironmentFailure: the disk or its permissions stopped it.
    """
    try:
        with template_source() as directory:
            data = {**answers, "recommendation": dict(recommendation)}
            data["scaffold_version"] = template_version()
            return render_from(directory, destination, data)
    except OSError as error:
        raise _unwritable(error, destination) from error


@contextlib.contextmanager
def template_source() -> Iterator[Path]:
    """The packaged template where Copier can render it: in place, or a copy without links."""
    root = packaged.template_root()
    if not has_links(root):
        yield root
        return
    # Copier refuses what leads out of the template.
    with staged_directory(Path(tempfile.gettempdir()), "genai-scaffold") as stage:
        lay_out(template_files(root), stage)
        yield stage


def load_copier() -> None:
    """Import what renders: it takes a while, which may be one in which a person reads."""
    import copier  # noqa: F401


def render_from(source: Path, destination: Path, data: Mapping[str, Any]) -> tuple[str, ...]:
    """Render the template that a directory holds, and list the files.

    Args:
        source: the directory with the template's copier.yml.
        destination: where to; empty or not there yet.
        data: the answers, and what else the template is to know.
    """
    # A second or so to import, and no other command needs them.
    import copier
    import jinja2
    import plumbum

    source = source.resolve()
    try:
        # With git, Copier would render a checkout's newest tag, and ask about every file it writes.
        without_programs = plumbum.local.env(PATH=str(source / "no-programs"))
        with _ALONE, without_programs, _compiled_once(source):
            copier.run_copy(
                str(source),
                destination,
                data=dict(data),
                defaults=True,
                quiet=True,
                # The stage is cleaned by whoever made it.
                cleanup_on_error=False,
                # Not the user's own Copier settings: they would change our defaults in silence.
                settings=copier.Settings(),
            )
        rendered = generated_files(destination)
        for path in rendered:
            _set_mode(destination / path)
    except KeyboardInterrupt:
        # One of Copier's errors is a KeyboardInterrupt too.
        raise
    except Exception as error:
        # A template is a program: it can raise anything, and a missing part of it an OSError.
        if isinstance(error, OSError) and not isinstance(error, jinja2.TemplateError):
            raise _unwritable(error, destination) from error
        raise RenderError(
            "The template could not be rendered; nothing was written",
            why=f"{_place(error, source)}{_first_line(error)}",
            fix="report this as a bug, with the command that you ran",
        ) from error
    return rendered


@contextlib.contextmanager
def _compiled_once(source: Path) -> Iterator[None]:
    """Keep what Jinja compiles of a template, in this rendering of it and for the next one.

    For each file Copier would compile the same paths anew, and an update renders all of it twice.
    """
    from jinja2 import Environment

    compile_text = Environment.compile

    def kept(jinja: Environment, *text: Any) -> CodeType:  # noqa: ANN401
        # Another template can have other settings of Jinja's.
        if (source, *text) not in _COMPILED:
            _COMPILED[source, *text] = compile_text(jinja, *text)
        return _COMPILED[source, *text]

    Environment.compile = kept  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        Environment.compile = compile_text  # type: ignore[method-assign]


def generated_files(project: Path) -> tuple[str, ...]:
    """The files of a project, as relative paths with slashes; what belongs to git is left out."""
    files = []
    # Of a project with many files, a Path for each would cost more than all else.
    for folder, folders, names in os.walk(project):
        folders[:] = [name for name in folders if name != ".git"]
        place = Path(folder).relative_to(project).as_posix()
        prefix = "" if place == "." else f"{place}/"
        files += [f"{prefix}{name}" for name in names if name != ".git"]
    return tuple(sorted(files))


def _unwritable(error: OSError, destination: Path) -> EnvironmentFailure:
    return EnvironmentFailure(
        "The project could not be written",
        why=f"{error.strerror or error} ({error.filename or destination})",
        fix="make room, or choose a directory that can be written",
    )


def _set_mode(path: Path) -> None:
    """Give a file a mode of its own: an installer may have changed that of the original."""
    with path.open("rb") as file:
        is_script = file.read(2) == b"#!"
    # Some file systems have one mode for all their files.
    with contextlib.suppress(PermissionError):
        path.chmod(EXECUTABLE if is_script else PLAIN_TEXT)


def _place(error: Exception, source: Path) -> str:
    """The template's file and line that an error comes from, if it is known."""
    place = (getattr(error, "filename", None), getattr(error, "lineno", None))
    frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    for filename, line in [place, *reversed(frames)]:
        path = Path(str(filename))
        if path.is_relative_to(source / "templates"):
            return f"{path.relative_to(source).as_posix()}, line {line}: "
    return f"{missing}: " if (missing := getattr(error, "name", None)) else ""


def _first_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error)).strip() or type(error).__name__
