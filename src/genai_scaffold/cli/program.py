"""The program: its commands, in the order in which help lists them."""

from typing import Annotated

import typer

from genai_scaffold import __version__
from genai_scaffold.cli.commands import Explained, ExplainedProgram
from genai_scaffold.cli.looking import check, doctor, list_
from genai_scaffold.cli.merging import add, remove, switch, update
from genai_scaffold.cli.new import new, recommend
from genai_scaffold.cli.shared import PROGRAM, can_ask

app = typer.Typer(
    name=PROGRAM,
    cls=ExplainedProgram,
    help="Recommend FastAPI or Flask for a GenAI backend, say why, and create one that runs.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        if can_ask(None) and typer.confirm("Create a project now?", default=True, err=True):
            app(["new"], standalone_mode=False)


for command in (new, recommend, list_, check, update, switch, add, remove, doctor):
    app.command(command.__name__.rstrip("_"), cls=Explained)(command)
