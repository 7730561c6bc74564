"""A bare program of two commands: what Typer itself costs."""

from typing import Annotated

import typer

app = typer.Typer()


def _version(wanted: bool) -> None:  # noqa: FBT001 - Typer's signature
    if wanted:
        typer.echo("program 1.0")
        raise typer.Exit


@app.callback()
def _program(
    *,
    _version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    pass


@app.command()
def new(directory: str, name: str = "") -> None:
    """Create a project."""
    typer.echo(f"{directory} {name}")


@app.command()
def check(path: str = ".") -> None:
    """Verify a project."""
    typer.echo(path)


if __name__ == "__main__":
    app()
