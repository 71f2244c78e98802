"""`caviar track`: trials in MLflow or TensorBoard."""

from pathlib import Path
from typing import Annotated

import typer

from caviar.cli.options import SearchNumber, Token, Url, client


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(track)


def track(
    search: SearchNumber,
    mlflow: Annotated[
        str | None,
        typer.Option(help="Tracking server or folder of MLflow.", metavar="URI", show_default=False),
    ] = None,
    experiment: Annotated[
        str | None, typer.Option(help="Of MLflow [default: the name of the search]", metavar="NAME")
    ] = None,
    tensorboard: Annotated[
        Path | None, typer.Option(help="Folder for TensorBoard.", metavar="FOLDER", show_default=False)
    ] = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Write the trials of a search to MLflow or TensorBoard as they end, until it has ended.

    Start it again at any time: trials that are there are left alone.
    """
    if (mlflow is None) == (tensorboard is None):
        raise typer.BadParameter("give one of --mlflow URI and --tensorboard FOLDER")
    from caviar.trackers import MlflowTracker, TensorBoardTracker, Tracker
    from caviar.trackers import track as follow

    with client(url, token) as connection:
        found = connection.search(search)
        tracker: Tracker
        if tensorboard is not None:
            tracker = TensorBoardTracker(tensorboard, found.metric)
        else:
            tracker = MlflowTracker(mlflow, experiment or found.name)
        written = 0
        for trial in follow(connection, search, tracker):
            written += 1
            typer.echo(f"{trial.id}\t{trial.state}\t{'' if trial.value is None else f'{trial.value:g}'}")
        typer.echo(f"{written} trial{'s' if written != 1 else ''} written.", err=True)
