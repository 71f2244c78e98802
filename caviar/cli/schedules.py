"""The settings of a trial by epoch: shown, and written as a search that trains with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from caviar.cli.options import Json, Token, Url, client, trial_name


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(schedule)


def schedule(
    trial: Annotated[str, typer.Argument(metavar="TRIAL", help="A trial, such as 3.41.", show_default=False)],
    branch: Annotated[int | None, typer.Option(help="Branch [default: the current one]")] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write a search that trains so from 3 seeds (.yaml or .json)."),
    ] = None,
    json: Json = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Show the settings of a trial by epoch, as a population or a person made them.

    caviar schedule 3.41 -o again.yaml && caviar submit again.yaml
    """
    with client(url, token) as connection:
        found = connection.schedule(trial_name(trial), branch)
    if output is not None:
        _write(output, found["search"])
        typer.echo(f"Wrote {output}, a search that trains so; submit it with: caviar submit {output}")
    elif json:
        from json import dumps

        typer.echo(dumps(found, indent=2))
    else:
        typer.echo("\n".join(lines(found)))


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Return a schedule in words, a line for each time it changes."""
    yield f"Trial {found['trial']}, {found['epochs']} epochs"
    yield f"begins with {_settings({n: v for n, v in found['settings'].items() if n != 'epochs'})}"
    for change in found["schedule"]:
        yield f"after epoch {change['epoch']}: {_settings(change['set'])}"
    if not found["schedule"]:
        yield "and keeps them"


def _settings(settings: Mapping[str, Any]) -> str:
    shown = (f"{value:.6g}" if isinstance(value, float) else str(value) for value in settings.values())
    return ", ".join(f"{name} {value}" for name, value in zip(settings, shown, strict=True))


def _write(path: Path, search: Mapping[str, Any]) -> None:
    """Write a search to a file. Raises CaviarError where that cannot be."""
    from caviar.files import writing

    if path.suffix == ".json":
        from json import dumps

        text = dumps(search, indent=2) + "\n"
    else:
        import yaml

        text = yaml.safe_dump(search, sort_keys=False)
    with writing(path):
        path.write_text(text, "utf-8")
