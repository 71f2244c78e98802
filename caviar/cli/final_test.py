"""The command that looks at the test set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from caviar.cli.options import Json, Token, Url, client, search_or_trial


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("test")(test)


def test(
    name: Annotated[
        str,
        typer.Argument(
            metavar="TRIAL", help="A trial such as 3.17; with --list also a search.", show_default=False
        ),
    ],
    why: Annotated[
        str | None, typer.Option(help="Why you look; recorded with the name of your token.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List earlier looks; take none.")] = False,
    json: Json = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Measure the model of a finished trial on the test set, and record the look.

    Do it once, after you have chosen: once models are chosen by a test set, its figures are too good.

    caviar test 3.17 --why "final choice"
    """
    search, trial = search_or_trial(name)
    if trial is None and not listed:
        raise typer.BadParameter(f"{name!r} is a search; give one of its trials, such as {name}.17")
    with client(url, token) as connection:
        looks = connection.tests(trial or search) if listed else [connection.test(str(trial), why)]
        task = connection.search(search).task
    if json:
        from json import dumps

        typer.echo(dumps(looks if listed else looks[0], indent=2))
    elif not looks:
        typer.echo(f"Nobody has looked at the test set with {'trial' if trial else 'search'} {name}.")
    else:
        for look in looks:
            _print(look, task)


def _print(look: Mapping[str, Any], task: str | None) -> None:
    from rich.console import Console
    from rich.table import Table

    from caviar.metric_text import metric_text

    console = Console()
    title = f"Trial {look['trial']} on the test set of {look['rows']:,} rows"
    because = f": {look['why']}" if look["why"] else ""
    table = Table(title=title, caption=f"look {look['nth']}, by {look['who']}{because}", title_justify="left")
    table.add_column("metric")
    for column in ("test", "95 % interval", "dev"):
        table.add_column(column, justify="right")
    for one in look["metrics"]:
        value, low, high, dev = (
            metric_text(f"test_{one['name']}", one[key], task) for key in ("value", "low", "high", "dev")
        )
        table.add_row(one["name"], value, f"{low} to {high}", dev)
    console.print(table)
    for line in look["text"]:
        typer.echo(line)
    if look["warning"]:
        typer.echo(f"Note: {look['warning']}", err=True)
