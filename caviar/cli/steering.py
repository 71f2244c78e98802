"""Commands on one trial: steer it, replay it, take its changes elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caviar.cli.options import Json, Token, Url, client, pairs, trial_name
from caviar.errors import RefusedError

if TYPE_CHECKING:
    from caviar.client import Client

KINDS = "set, pause, resume, checkpoint, rewind, fork, extend, stop, note"
SHORT_RETRAINING = 1.0  # seconds that are not worth a word
PATIENCE = 15.0  # seconds to wait for a command to take effect before saying that it waits
Name = Annotated[str, typer.Argument(metavar="TRIAL", help="A trial, such as 3.17.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command()(steer)
    app.command()(replay)
    app.command()(checkpoints)


def steer(
    trial: Name,
    kind: Annotated[str, typer.Argument(metavar="COMMAND", help=KINDS, show_default=False)],
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE...]", help="Arguments, such as learning_rate=0.01."),
    ] = None,
    at: Annotated[
        str, typer.Option("--at", help="now, epoch_end, epoch:30, or no_improvement:5 (epochs).")
    ] = "now",
    late: Annotated[
        str | None, typer.Option(help="When the epoch of --at has passed: refuse (the default), or apply.")
    ] = None,
    json: Json = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Change a trial while it trains.

    caviar steer 3.17 set learning_rate=0.01 --at epoch:30

    caviar steer 3.17 rewind epoch=20

    caviar steer 3.17 fork epoch=20 learning_rate=0.003

    caviar steer 3.17 note "the cost swings"
    """
    name = trial_name(trial)
    with client(url, token) as connection:
        warn_of_retraining(connection, name, kind, values or [])
        given = give(connection, name, kind, values or [], at, late)
        found = _outcome(connection, name, given) if at == "now" else given
    if json:
        from json import dumps

        typer.echo(dumps(found, indent=2))
    else:
        typer.echo(sentence(found))
    if found["state"] == "refused":
        raise typer.Exit(1)


def replay(
    trial: Name,
    branch: Annotated[int | None, typer.Option(help="Branch [default: the current one]")] = None,
    schedule: Annotated[
        Path | None,
        typer.Option(help="Write the changes as a schedule for another search (YAML) instead of training."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="Write the model to this file, even if the server kept none."),
    ] = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Retrain a trial here from its seed and log of changes, and compare the weights bit for bit."""
    name = trial_name(trial)
    with client(url, token) as connection:
        if schedule is not None:
            import yaml

            from caviar.files import writing

            found = connection.schedule(name, branch)
            text = yaml.safe_dump({"schedule": found["schedule"]}, sort_keys=False)
            with writing(schedule):
                schedule.write_text(text, "utf-8")
            typer.echo(f"Wrote {schedule}; put its `schedule` into a search.")
            return
        from caviar.replay import replay_trial

        outcome = replay_trial(connection, name, branch, typer.echo, model)
    typer.echo(outcome.text)
    if model is not None:
        typer.echo(f"Its model is in {model}.")
    if not outcome.equal:
        raise typer.Exit(1)


def give(
    connection: Client, trial: str, kind: str, values: list[str], at: str, late: str | None = None
) -> dict[str, Any]:
    """Return a command as it was typed; what became of it is in the answer."""
    return connection.command(trial, kind, at=at, late=late, **arguments_of(kind, values))


def warn_of_retraining(connection: Client, trial: str, kind: str, values: list[str]) -> None:
    """Say on standard error what a rewind or a fork has to train again, where that takes a while.

    Where the question cannot be answered, the command itself is, which says why.
    """
    arguments = arguments_of(kind, values)
    if kind not in ("rewind", "fork") or not isinstance(arguments.get("epoch"), int):
        return
    try:
        found = connection.rewind_estimate(trial, arguments["epoch"], arguments.get("branch"))
    except RefusedError:
        return
    seconds = found["seconds"]
    if found["epochs"] and (seconds is None or seconds >= SHORT_RETRAINING):
        takes = "" if seconds is None else f", about {seconds:.0f} s"
        start = f"epoch {found['from_epoch']}" if found["checkpoint"] else "its seed"
        typer.echo(f"This retrains {found['epochs']} epochs from {start}{takes}.", err=True)


def checkpoints(trial: Name, json: Json = False, url: Url = None, token: Token = None) -> None:
    """List the checkpoints and models that are kept of a trial."""
    name = trial_name(trial)
    with client(url, token) as connection:
        found = connection.checkpoints(name)
    if json:
        from json import dumps

        typer.echo(dumps(found, indent=2))
        return
    if not found:
        typer.echo(f"Nothing is kept of trial {name}: short trials need no checkpoints.")
    for one in found:
        place = f"branch {one['branch']}, epoch {one['epoch']}, step {one['step']}"
        typer.echo(f"{one['id']}: {place}, {one['kind']}, {one['size'] / 1e6:.2f} MB, {one['created']}")
    total = sum(one["size"] for one in found)
    if found:
        typer.echo(f"{len(found)} files, {total / 1e6:.1f} MB")


def arguments_of(kind: str, values: list[str]) -> dict[str, Any]:
    """Read NAME=VALUE pairs as YAML values; a note is free text, a fork's settings are its changes."""
    if kind == "note":
        return {"text": " ".join(values)}
    arguments = pairs(values)
    if kind == "fork":
        point: dict[str, Any] = {
            name: arguments.pop(name) for name in ("epoch", "branch") if name in arguments
        }
        return {**point, "changes": arguments} if arguments else point
    return arguments


def _outcome(connection: Client, trial: str, given: dict[str, Any]) -> dict[str, Any]:
    """Wait until a command took effect or was refused; one that still waits is given as it is."""
    import time

    from caviar.transport import retry_while_away

    until = time.monotonic() + PATIENCE
    found = given
    while found["state"] == "waiting" and time.monotonic() < until:
        time.sleep(0.05)
        commands = retry_while_away(lambda: connection.given(trial), until)
        found = next(one for one in commands if one["id"] == given["id"])
    return found


def sentence(command: dict[str, Any]) -> str:
    """Say what became of a command."""
    what = f"Command {command['id']} ({command['kind']})"
    if command["state"] == "waiting":
        return f"{what} waits for its moment ({command['when']['at']})."
    if command["state"] == "refused":
        return f"{what} was refused: {command['reason']}"
    where = f" at step {command['step']}" if command["step"] is not None else ""
    before, after = command.get("before") or {}, command.get("after") or {}
    moved = ", ".join(
        f"{name} {_short(before[name])} -> {_short(after[name])}" for name in after if name in before
    )
    made = ", ".join(f"{name} {_short(value)}" for name, value in after.items() if name not in before)
    late = f" ({command['reason']})" if command["reason"] else ""
    return f"{what} took effect{where}, epoch {command['epoch']}{late}" + "".join(
        f": {t}" for t in (moved or made,) if t
    )


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
