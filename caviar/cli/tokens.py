"""`caviar token`: who may call a server that others can reach."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from service.security.tokens import TokenBook

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

    try:
        _, text = _book(data).create(name, scope)
    except ValueError as error:
        raise CaviarError(str(error)) from None
    typer.echo(text)


@app.command("list")
def list_tokens(data: Data = None) -> None:
    """List the tokens, without their texts."""
    for token in _book(data).stored():
        typer.echo(f"{token.name}\t{token.scope}\t{token.created}")


@app.command()
def revoke(name: Annotated[str, typer.Argument(show_default=False)], data: Data = None) -> None:
    """Revoke a token; servers notice within a second."""
    from caviar.errors import CaviarError

    if not _book(data).revoke(name):
        raise CaviarError(f"There is no token named {name!r}")


def _book(data: Path | None) -> "TokenBook":
    from caviar.cli.server import explained

    with explained():
        from service.config import read
        from service.security.tokens import TokenBook

        return TokenBook(read(data=data).data)
