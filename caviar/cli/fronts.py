"""The command that shows the Pareto front of a search with several objectives."""

from __future__ import annotations

import typer

from caviar.cli.options import Json, SearchNumber, Token, Url, client


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(front)


def front(search: SearchNumber, json: Json = False, url: Url = None, token: Token = None) -> None:
    """Show the trials of a search that no other one beats in all objectives."""
    with client(url, token) as connection:
        found = connection.front(search)
    if json:
        from json import dumps

        typer.echo(dumps(found, indent=2))
        return
    if found["reason"]:
        typer.echo(f"Search {search} has no front: {found['reason']}")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None)
    names = [one["metric"] for one in found["objectives"]]
    params = list(dict.fromkeys(name for one in found["items"] for name in one["params"]))
    for name in ("trial", *names, *params):
        table.add_column(name)
    for one in found["items"]:
        values = [f"{value:.6g}" for value in one["values"]]
        table.add_row(one["trial"], *values, *(str(one["params"].get(name, "")) for name in params))
    Console().print(table)
    typer.echo(f"Hypervolume after {len(found['number'])} trials: {found['hypervolume'][-1]:.6g}")
