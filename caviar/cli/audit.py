"""`caviar audit`: who changed what."""

from typing import Annotated

import typer

from caviar.cli.options import Json, Token, Url, client


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(audit)


def audit(
    search: Annotated[
        int | None,
        typer.Argument(help="Of this search; without it of everything, for admins.", show_default=False),
    ] = None,
    who: Annotated[str | None, typer.Option(help="Only what this token or user did.")] = None,
    what: Annotated[str | None, typer.Option(help="Only this, such as submit, edit or delete.")] = None,
    deleted: Annotated[
        bool, typer.Option("--deleted", help="The search may be deleted; for admins.")
    ] = False,
    count: Annotated[int, typer.Option("-n", help="How many, the newest.", min=1, max=1000)] = 50,
    json: Json = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Show who changed what: submitted, edited, steered, excluded, tested, deleted, made tokens and links."""
    from itertools import islice

    filters = {name: value for name, value in (("who", who), ("what", what)) if value}
    with client(url, token) as connection:
        rows = list(islice(connection.audit(search, limit=count, deleted=deleted, **filters), count))
    if json:
        from json import dumps

        typer.echo(dumps(rows, indent=2))
    elif rows:
        from caviar.cli.tables import print_audit

        print_audit(rows)
    else:
        typer.echo("Nothing is recorded.")
