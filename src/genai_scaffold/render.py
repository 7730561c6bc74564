"""Renders the template: the only module that speaks Copier."""

import re
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genai_scaffold import staging, template
from genai_scaffold.errors import EnvironmentFailure, RenderError


def render(
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
        with staging.directory(Path(tempfile.gettempdir()), "genai-scaffold") as stage:
            source = template.checkout(stage)
            data = {**answers, "recommendation": dict(recommendation)}
            render_from(source, destination, {**data, "scaffold_version": template.version()})
    except OSError as error:
        raise _unwritable(error, destination) from error
    return files(destination)


def load() -> None:
    """Import what renders: it takes a while, which may be one in which a person reads."""
    import copier  # noqa: F401


def render_from(source: Path, destination: Path, data: Mapping[str, Any]) -> None:
    """Render the template that a directory holds.

    Args:
        source: the directory with the template's copier.yml, in no repository.
        destination: where to; empty or not there yet.
        data: the answers, and what else the template is to know.
    """
    # A second or so to import, and no other command needs them.
    import copier
    import jinja2
    import plumbum

    try:
        # Copier asks git about every file it writes; a template without a repository needs none.
        with plumbum.local.env(PATH=str(source / "no-programs")):
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


def files(project: Path) -> tuple[str, ...]:
    """The files of a project, as relative paths with slashes; what belongs to git is left out."""
    return tuple(
        sorted(
            path.relative_to(project).as_posix()
            for path in project.rglob("*")
            if not path.is_dir() and ".git" not in path.relative_to(project).parts
        )
    )


def _unwritable(error: OSError, destination: Path) -> EnvironmentFailure:
    return EnvironmentFailure(
        "The project could not be written",
        why=f"{error.strerror or error} ({error.filename or destination})",
        fix="make room, or choose a directory that can be written",
    )


def _place(error: Exception, source: Path) -> str:
    """The template's file and line that an error comes from, if it is known."""
    place = (getattr(error, "filename", None), getattr(error, "lineno", None))
    frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    for filename, line in [place, *reversed(frames)]:
        # Copier resolves the path of the template: compare by what follows the temporary name.
        path, name, inner = str(filename).partition(f"{source.name}/")
        if filename and name and path:
            return f"{inner}, line {line}: "
    return f"{missing}: " if (missing := getattr(error, "name", None)) else ""


def _first_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error)).strip() or type(error).__name__
