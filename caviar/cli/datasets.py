"""`caviar datasets`: what lies on the server to be trained on."""

from typing import Annotated

import typer

from caviar.cli.managing import Yes, confirm
from caviar.cli.options import Json, Token, Url, client

app = typer.Typer(help="List and delete data sets.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_datasets(json: Json = False, url: Url = None, token: Token = None) -> None:
    """List the data sets, the built-in ones first."""
    with client(url, token) as connection:
        found = connection.datasets()
    if json:
        from json import dumps

        typer.echo(dumps(found, indent=2))
        return
    from caviar.cli.tables import print_datasets

    print_datasets(found)


@app.command()
def delete(
    name: Annotated[
        str, typer.Argument(metavar="DATASET", help="A data set, by name or id.", show_default=False)
    ],
    yes: Yes = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Delete a data set and its file permanently, unless a search uses it."""
    from caviar.errors import CaviarError

    with client(url, token) as connection:
        known = connection.datasets()
        named = [one for one in known if one["name"] == name] or [
            one for one in known if str(one["id"]) == name
        ]
        if not named:
            raise CaviarError(f"There is no data set {name!r}; see: caviar datasets list")
        what = f"Data set {named[0]['name']}"
        confirm(f"{what} ({named[0]['rows']} rows)", yes or named[0]["builtin"])  # refused by the server
        connection.delete_dataset(named[0]["id"])
    typer.echo(f"{what} is deleted.")
