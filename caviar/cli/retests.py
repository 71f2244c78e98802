"""`caviar retest`: are the winners of a search still worth what they were?"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from caviar.cli.options import Json, SearchNumber, Token, Url, client, duration
from caviar.metric_text import change_text, metric_text
from caviar.records import Search

WAIT_SECONDS = 1.0


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(retest)


def retest(
    search: SearchNumber,
    data: Annotated[
        str | None,
        typer.Option(
            help="Newer data: a data set's name, sales* for the newest of these, or a file.",
            show_default=False,
        ),
    ] = None,
    leaders: Annotated[int, typer.Option(min=1, max=20, help="Winners to train again.")] = 3,
    seeds: Annotated[int, typer.Option(min=2, max=50, help="Trainings of each, on each data.")] = 5,
    fresh: Annotated[int, typer.Option(min=0, max=1000, help="Trials of a fresh search beside them.")] = 0,
    every: Annotated[
        str | None, typer.Option(help="Again and again, such as 12h or 7d.", show_default=False)
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Wait, and say what it found.")] = False,
    show: Annotated[bool, typer.Option("--list", help="Show the re-tests so far instead.")] = False,
    end: Annotated[bool, typer.Option("--end", help="End the schedule instead.")] = False,
    json: Json = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Train the winners again with fresh seeds, on newer data: has anything drifted, and why?

    With --wait it ends with 1 if the re-test fails: something moved, or the error is worse.
    """
    from json import dumps

    from caviar.transport import retry_while_away

    seconds = None if every is None else duration(every)
    with client(url, token) as connection:
        if end:
            connection.end_retests(search)
            typer.echo(f"Search {search} is not re-tested any more on a schedule.")
            return
        if show:
            found = connection.retests(search)
            typer.echo(dumps(found, indent=2) if json else _listed(connection.search(search), found))
            return
        newer: Any = {"path": data} if data is not None and Path(data).is_file() else data
        retested = connection.search(search)
        made = connection.retest(search, newer, leaders=leaders, seeds=seeds, fresh=fresh, every=seconds)
        if not json:
            typer.echo(f"Re-test {made['nth']} of search {search} trains: searches {_searches(made)}")
        while wait and made["state"] == "running":
            time.sleep(WAIT_SECONDS)
            found = retry_while_away(lambda: connection.retests(search))
            [made] = [one for one in found["items"] if one["id"] == made["id"]]
    if json:
        typer.echo(dumps(made, indent=2))
    elif wait:
        typer.echo(_said(retested, made))
    else:
        typer.echo(f"What it finds: caviar retest {search} --list")
    if made["drifted"] or made["state"] == "failed":
        raise typer.Exit(1)


def _searches(made: Mapping[str, Any]) -> str:
    return ", ".join(str(made[name]) for name in ("baseline", "again", "fresh") if made[name] is not None)


def _listed(search: Search, found: Mapping[str, Any]) -> str:
    lines = [_said(search, one) for one in found["items"]] or [f"Search {search.id} has not been re-tested."]
    if plan := found["schedule"]:
        lines.append(f"The next one: {plan['due']}, then every {plan['every'] / 3600:g} hours.")
        if plan["problem"]:
            lines.append(f"The last one could not begin: {plan['problem']}")
    return "\n\n".join(lines)


def _said(search: Search, one: Mapping[str, Any]) -> str:
    head = f"Re-test {one['nth']} ({one['created']})"
    if one["state"] == "running":
        return f"{head} is running: searches {_searches(one)}"
    if one["state"] == "failed":
        return f"{head} came to nothing: {one['problem']}"
    report = one["report"]
    lines = [f"{head}: {'DRIFT, ' + ' and '.join(report['reasons']) if one['drifted'] else 'no drift'}"]
    lines += [f"  {text}" for text in report["text"]]
    lines += [f"  {_winner(winner, search)}" for winner in report["winners"]]
    return "\n".join(lines)


def _winner(one: Mapping[str, Any], search: Search) -> str:
    change = ""
    if one["low"] is not None:
        distances = (one["after"] - one["before"], one["low"], one["high"])
        mean, low, high = (change_text(search.metric, distance, search.task) for distance in distances)
        change = f", change {mean} (95 %: {low} to {high})"
    ranks = f"rank {one['rank_before']} -> {one['rank_after']}"
    before, after = (metric_text(search.metric, one[side], search.task) for side in ("before", "after"))
    return f"{one['trial']}: {before} -> {after}{change}, {ranks}"
