"""`caviar token`: who may call a server that others can reach."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caviar.cli.options import Data, DatabaseUrl

if TYPE_CHECKING:
    from caviar.service.security.tokens import TokenBook

app = typer.Typer(help="Make, list and revoke tokens.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Who or what it is for.", show_default=False)],
    scope: Annotated[str, typer.Option(help="read, submit, steer, admin or agent.")] = "submit",
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Make a token; it is shown only once."""
    from caviar.errors import CaviarError

    _refuse_to_make(data, database)
    with _book(data, database) as (book, place):
        first = not book.stored()
        try:
            _, text = book.create(name, scope, _operator())
        except ValueError as error:
            raise CaviarError(str(error)) from None
    typer.echo(text)
    if first:
        typer.echo(f"For a server on {place}, its first one; for another server: --data FOLDER", err=True)


@app.command("list")
def list_tokens(data: Data = None, database: DatabaseUrl = None) -> None:
    """List the tokens, without their texts."""
    from datetime import UTC, datetime

    with _book(data, database) as (book, place):
        tokens = book.stored()
    for token in tokens:
        created = datetime.fromtimestamp(token.created, UTC).isoformat(timespec="seconds")
        typer.echo(f"{token.name}\t{token.scope}\t{created}")
    if not tokens:
        typer.echo(f"There are no tokens in {place}.", err=True)


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(show_default=False)],
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Revoke a token and end its sessions; servers notice within two seconds."""
    from caviar.errors import CaviarError

    with _book(data, database) as (book, place):
        if not book.revoke(name, _operator()):
            raise CaviarError(f"There is no token named {name!r} in {place}")


def _operator() -> str:
    """Name who runs this command, for the audit trail: a user of this machine, who needs no token."""
    from getpass import getuser

    try:
        return f"{getuser()} (command line)"
    except (OSError, KeyError):  # a user without a name, as in containers
        return "command line"


def _refuse_to_make(data: Path | None, database: str | None) -> None:
    """Raise CaviarError where no folder was named and there is none: no server would know the token."""
    from os import environ

    from caviar.errors import CaviarError

    named = data or database or environ.get("CAVIAR_DATA") or environ.get("CAVIAR_DATABASE_URL")
    if not named and not Path("caviar-data").exists():
        message = f"there is no data folder caviar-data in {Path.cwd()}"
        raise CaviarError(f"{message}: run this where the server runs, or give its folder with --data FOLDER")


@contextmanager
def _book(data: Path | None, database: str | None) -> Iterator[tuple["TokenBook", str]]:
    """Open the tokens of a database, whether a server runs or not, and name its place.

    An empty database is built, as a server would.
    """
    from caviar.cli.server import explained

    with explained():
        from caviar.service.config import read
        from caviar.service.security.tokens import opened

        config = read(data=data, database=database)
        place = str(config.data) if config.sqlite and database is None else config.database_shown
        with opened(config) as book:
            yield book, place
