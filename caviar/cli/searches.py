"""Commands on searches: submit, watch, best."""

from pathlib import Path
from typing import Annotated

import typer

from caviar.cli.options import Json, Token, Url, client, search_or_trial


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command()(submit)
    app.command()(watch)
    app.command()(best)


def submit(
    file: Annotated[Path, typer.Argument(help="The search, as YAML or JSON.", show_default=False)],
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow it to its end.")] = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Submit a search."""
    with client(url, token) as connection:
        search = connection.submit(file)
        typer.echo(f"Search {search.id} ({search.name}): {search.trials} trials, {connection.url}")
        for warning in search.warnings:
            text = warning.get("message", warning) if isinstance(warning, dict) else warning
            typer.echo(f"Note: {text}", err=True)
        if not watch:
            typer.echo(f"Follow it with: caviar watch {search.id}")
            return
        _follow(connection, search.id)


def watch(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="A search (3) or a trial (3.17).", show_default=False)
    ],
    url: Url = None,
    token: Token = None,
) -> None:
    """Follow a search or a trial to its end. Ctrl-C ends the watching, not the search."""
    search, trial = search_or_trial(name)
    with client(url, token) as connection:
        if trial is None:
            _follow(connection, search)
        else:
            _follow_trial(connection, trial)


def best(
    search: Annotated[int, typer.Argument(help="The search, by its number.", show_default=False)],
    k: Annotated[int, typer.Option("-k", help="How many.", min=1, max=1000)] = 5,
    json: Json = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Show the best trials of a search."""
    with client(url, token) as connection:
        found = connection.search(search)
        trials = connection.best(search, k)
    if json:
        from dataclasses import asdict
        from json import dumps

        typer.echo(dumps([asdict(trial) for trial in trials], indent=2))
        return
    from caviar.cli.tables import print_best

    print_best(found, trials)


def _follow_trial(connection: object, trial: str) -> None:
    """Show the cockpit to a person at a terminal first; then, or anywhere else, the trial line by line."""
    import sys

    from rich.console import Console

    from caviar.cli.progress import follow_trial

    console = Console()
    if console.is_terminal and sys.stdin.isatty() and not connection.trial(trial).done:  # type: ignore[attr-defined]
        from caviar.cli.cockpit import watch_trial

        watch_trial(connection, trial, console)  # type: ignore[arg-type]
        if not connection.trial(trial).done:  # type: ignore[attr-defined]
            return
    follow_trial(connection, trial, console)  # type: ignore[arg-type]


def _follow(connection: object, search: int) -> None:
    from caviar.cli.progress import follow_search
    from caviar.cli.tables import print_best

    found = follow_search(connection, search)  # type: ignore[arg-type]
    trials = connection.best(search, 5)  # type: ignore[attr-defined]
    print_best(found, trials)
    if found.state == "completed" and not trials:
        raise typer.Exit(1)
