"""Commands that manage what is on the server: list, pause, resume, cancel, edit, delete, agents."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caviar.cli.options import Json, SearchNumber, Token, Url, client, pairs

if TYPE_CHECKING:
    from caviar.records import Search

STATES = "queued, running, paused, completed or cancelled"
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("list")(list_searches)
    for command in (pause, resume, cancel, archive, unarchive, edit, finalists, delete, agents):
        app.command()(command)


def list_searches(
    state: Annotated[str | None, typer.Option(help=f"Only those: {STATES}.")] = None,
    name: Annotated[str | None, typer.Option(help="Only those whose name contains this text.")] = None,
    project: Annotated[str | None, typer.Option(help="Only those of this project.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only those with this tag; may be repeated.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only those that this token or user submitted.")] = None,
    text: Annotated[
        str | None, typer.Option(help="Only those with these words in name, project, tags, owner or data.")
    ] = None,
    archived: Annotated[bool, typer.Option("--archived", help="Those that were archived.")] = False,
    count: Annotated[int, typer.Option("-n", help="How many per page.", min=1, max=1000)] = 20,
    page: Annotated[int, typer.Option(help="Which page.", min=1)] = 1,
    json: Json = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """List the searches, newest first."""
    from itertools import islice

    with client(url, token) as connection:
        filters: dict[str, Any] = {"state": state, "name": name, "project": project, "tag": tag or None}
        filters |= {"owner": owner, "text": text, "archived": "only" if archived else None}
        found = connection.searches(**filters, limit=min(1000, page * count + 1))
        searches = list(islice(found, (page - 1) * count, page * count + 1))
    searches, more = searches[:count], len(searches) > count
    if json:
        from dataclasses import asdict
        from json import dumps

        typer.echo(dumps([asdict(search) for search in searches], indent=2))
        return
    if not searches:
        filtered = page > 1 or any(filters.values())
        typer.echo("No search matches." if filtered else "There are no searches yet.")
        return
    from caviar.cli.tables import print_searches

    print_searches(searches)
    if more:
        typer.echo(f"There are more: --page {page + 1}")


def agents(
    json: Json = False,
    trust: Annotated[str | None, typer.Option(metavar="ID", help="Trust this suspended agent again.")] = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """List the workers and scripts that train: what each holds, who is silent, who is suspended and why."""
    with client(url, token) as connection:
        if trust is not None:
            connection.trust_agent(trust)
        found = connection.agents()
    if json:
        from json import dumps

        typer.echo(dumps(found, indent=2))
    elif found:
        from caviar.cli.tables import print_agents

        print_agents(found)
    else:
        typer.echo("No agent is connected. Start one with: caviar worker")


def pause(search: SearchNumber, url: Url = None, token: Token = None) -> None:
    """Stop starting new trials of a search until it is resumed."""
    with client(url, token) as connection:
        found = connection.pause(search)
    said = f"is paused: no new trials are started; go on with: caviar resume {search}"
    typer.echo(f"{_named(found)} {said if found.state == 'paused' else _stays(found)}.")


def resume(search: SearchNumber, url: Url = None, token: Token = None) -> None:
    """Resume a paused search."""
    with client(url, token) as connection:
        found = connection.resume(search)
    said = f"goes on: {found.finished} of {found.trials} trials have ended"
    typer.echo(f"{_named(found)} {_stays(found) if found.done else said}.")


def cancel(search: SearchNumber, url: Url = None, token: Token = None) -> None:
    """Cancel a search; its results are kept."""
    with client(url, token) as connection:
        found = connection.cancel(search)
    said = "is cancelled; its results stay"
    typer.echo(f"{_named(found)} {said if found.state == 'cancelled' else _stays(found)}.")


def archive(search: SearchNumber, url: Url = None, token: Token = None) -> None:
    """Leave a search out of lists that does not run; nothing of it is lost."""
    with client(url, token) as connection:
        found = connection.archive(search)
    typer.echo(f"{_named(found)} is archived: caviar list --archived; back with: caviar unarchive {search}")


def unarchive(search: SearchNumber, url: Url = None, token: Token = None) -> None:
    """Have an archived search back in lists."""
    with client(url, token) as connection:
        found = connection.unarchive(search)
    typer.echo(f"{_named(found)} is in the lists again.")


def edit(
    search: SearchNumber,
    values: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="Such as budget.trials=200.")],
    url: Url = None,
    token: Token = None,
) -> None:
    """Change budget, parallel, space, base_error, name, note, project or tags, even while the search runs.

    caviar edit 3 budget.trials=200 parallel=4

    caviar edit 3 project=fraud tags=night,v2

    caviar edit 3 space.learning_rate.high=0.03 note="higher rates diverge"

    caviar edit 3 base_error=0.02 base_error_source="two doctors"

    What somebody else changed at the same moment is not undone: the command is refused, to be given again.
    """
    with client(url, token) as connection:
        before = connection.search(search)
        found = connection.edit(search, version=before.version, **changes_of(before.spec, values))
    said = ", ".join(value.strip() for value in values)
    same = found.spec == before.spec
    typer.echo(f"{_named(found)} is unchanged." if same else f"{_named(found)} has changed: {said}.")


def finalists(
    search: SearchNumber,
    leaders: Annotated[
        int, typer.Option(min=2, max=1000, help="How many of the best trials to retrain.")
    ] = 3,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="How often to retrain each.")] = 5,
    url: Url = None,
    token: Token = None,
) -> None:
    """Train the leaders again with fresh seeds, so that luck does not name the winner.

    This also works after the search has ended. `caviar best` then shows means and spreads, the winner, and
    which others it beats by more than chance.
    """
    with client(url, token) as connection:
        found = connection.finalists(search, leaders, seeds)
    said = f"retrains {leaders} leaders {seeds} times each with fresh seeds; the winner: caviar best {search}"
    typer.echo(f"{_named(found)} {said}")


def delete(search: SearchNumber, yes: Yes = False, url: Url = None, token: Token = None) -> None:
    """Delete a search with its trials and checkpoints permanently."""
    with client(url, token) as connection:
        found = connection.search(search)
        trials = sum(found.counts.values())
        confirm(f"{_named(found)} and its {trials} trials", yes)
        connection.delete(search)
    typer.echo(f"{_named(found)} is deleted.")


def confirm(what: str, yes: bool) -> None:
    """Ask whether to delete something; ends the command unless the answer is yes.

    Raises CaviarError where nobody can be asked.
    """
    from caviar.errors import CaviarError

    if yes:
        return
    if not sys.stdin.isatty():
        raise CaviarError(f"{what} would be deleted permanently; to do it without being asked, add --yes")
    if not typer.confirm(f"Delete {what} permanently?"):
        raise typer.Exit(1)


def changes_of(spec: Any, values: list[str]) -> dict[str, Any]:
    """Read NAME=VALUE pairs as changes of a search; a name with dots changes a part and keeps the rest."""
    from copy import deepcopy

    changes: dict[str, Any] = {}
    for name, value in pairs(values, texts=("name", "note", "project", "base_error_source")).items():
        top, *rest = name.split(".")
        if not rest:
            changes[top] = value
            continue
        part = changes.setdefault(top, deepcopy(spec.get(top, {})))
        for step in rest[:-1]:
            part = part.setdefault(step, {}) if isinstance(part, dict) else None
        if not isinstance(part, dict):
            raise typer.BadParameter(f"{name}: {name.rpartition('.')[0]} has no parts")
        part[rest[-1]] = value
    return changes


def _named(search: Search) -> str:
    return f"Search {search.id} ({search.name})"


def _stays(search: Search) -> str:
    """Say that a search has ended, so that a switch changes nothing."""
    return f"has ended before ({search.state})" if search.done else f"is {search.state}"
