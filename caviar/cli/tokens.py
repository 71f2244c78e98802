"""`caviar token`: who may call a server that others can reach."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from caviar.service.security.tokens import TokenBook

app = typer.Typer(help="Make, list and revoke tokens.", no_args_is_help=True, rich_markup_mode=None)
Data = Annotated[Path | None, typer.Option(help="Folder of the server [default: caviar-data]")]


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Who or what it is for.", show_default=False)],
    scope: Annotated[str, typer.Option(help="read, submit, steer, admin or agent.")] = "submit",
    data: Data = None,
) -> None:
    """Make a token; its text is shown this once."""
    from caviar.errors import CaviarError

    folder = _folder(data)
    fresh = not folder.exists() or not any(folder.iterdir())
    try:
        _, text = _book(folder).create(name, scope)
    except ValueError as error:
        raise CaviarError(str(error)) from None
    typer.echo(text)
    if fresh:
        typer.echo(f"For a server on {folder}, which is new; for another one: --data FOLDER", err=True)


@app.command("list")
def list_tokens(data: Data = None) -> None:
    """List the tokens, without their texts."""
    folder = _folder(data)
    tokens = _book(folder).stored()
    for token in tokens:
        typer.echo(f"{token.name}\t{token.scope}\t{token.created}")
    if not tokens:
        typer.echo(f"There are no tokens in {folder}.", err=True)


@app.command()
def revoke(name: Annotated[str, typer.Argument(show_default=False)], data: Data = None) -> None:
    """Revoke a token; servers notice within a second."""
    from caviar.errors import CaviarError

    folder = _folder(data)
    if not _book(folder).revoke(name):
        raise CaviarError(f"There is no token named {name!r} in {folder}")


def _folder(data: Path | None) -> Path:
    from caviar.cli.server import explained

    with explained():
        from caviar.service.config import read

        return read(data=data).data


def _book(folder: Path) -> "TokenBook":
    from caviar.service.security.tokens import TokenBook

    return TokenBook(folder)
