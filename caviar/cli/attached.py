"""`caviar artifacts`: what a script noted of a trial, and the files that it attached."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from caviar.cli.options import Json, Token, Url, client


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(artifacts)


def artifacts(
    trial: Annotated[str, typer.Argument(metavar="TRIAL", help="A trial, such as 3.17.", show_default=False)],
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Get this file.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the file here [default: its name]")
    ] = None,
    json: Json = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """List attributes and files that a script kept with a trial, or get one of the files."""
    with client(url, token) as connection:
        if name is not None:
            from caviar.files import writing

            content, path = connection.artifact(trial, name), output or Path(name)
            with writing(path):
                path.write_bytes(content)
            typer.echo(f"{path}: {len(content):,} bytes")
            return
        noted, files = connection.attributes(trial), connection.artifacts(trial)
    from json import dumps

    if json:
        typer.echo(dumps({"attributes": noted, "artifacts": files}, indent=2))
        return
    for key, value in noted.items():
        typer.echo(f"{key}: {value if isinstance(value, str) else dumps(value)}")
    for one in files:
        typer.echo(f"{one['name']}  {one['size']:,} bytes, {one['created']}")
    if not noted and not files:
        typer.echo(f"Trial {trial} has neither: a script sets them with trial.note and trial.attach.")
