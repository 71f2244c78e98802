"""`caviar link`: show a search to people without a token."""

from typing import Annotated

import typer

from caviar.cli.options import SearchNumber, Token, Url, client, duration


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(link)


def link(
    search: SearchNumber,
    expires: Annotated[str, typer.Option(help="How long it works, such as 90m, 12h or 7d.")] = "7d",
    show: Annotated[bool, typer.Option("--list", help="List the links that work instead.")] = False,
    revoke: Annotated[
        str | None, typer.Option(metavar="ID", help="Revoke this link instead.", show_default=False)
    ] = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Make a link that shows a search, its trials and pictures to whoever has it, and nothing else.

    It is shown this once. Behind its # stands what opens the search: treat it as what it is, a password.
    """
    seconds = duration(expires)
    with client(url, token) as connection:
        if revoke is not None:
            connection.revoke_link(search, revoke)
            typer.echo(f"Link {revoke} does not work any more.")
        elif show:
            found = connection.links(search)
            for one in found:
                typer.echo(f"{one['id']}\tby {one['who'] or 'unknown'}\tuntil {one['expires']}")
            if not found:
                typer.echo(f"No link to search {search} works.", err=True)
        else:
            made = connection.link(search, seconds)
            typer.echo(made["url"])
            again = f"caviar link {search} --revoke {made['id']}"
            typer.echo(f"It works until {made['expires']}; to end it before: {again}", err=True)
