"""Commands that take a wrong result out of a search, and put it back."""

from __future__ import annotations

from typing import Annotated

import typer

from caviar.cli.options import Token, Url, client, trial_name

Name = Annotated[str, typer.Argument(metavar="TRIAL", help="The trial, such as 3.17.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command()(exclude)
    app.command()(include)


def exclude(
    trial: Name,
    reason: Annotated[str, typer.Option(help="Why its result is wrong.")],
    url: Url = None,
    token: Token = None,
) -> None:
    """Exclude a trial whose result is wrong: strategies, leaders, stopping rules and pictures ignore it."""
    name = trial_name(trial)
    with client(url, token) as connection:
        found = connection.exclude(name, reason)
    told = "" if found.withheld is None else f" (its value was {found.withheld:.6g})"
    typer.echo(f"Trial {name} no longer counts{told}; to put it back: caviar include {name}")


def include(trial: Name, url: Url = None, token: Token = None) -> None:
    """Let a trial that was excluded count again."""
    name = trial_name(trial)
    with client(url, token) as connection:
        found = connection.include(name)
    still = f", but breaks a constraint: {found.broken}" if found.broken else ""
    typer.echo(f"Trial {name} is included again{still}.")
