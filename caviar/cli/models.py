"""Commands on networks: check a gradient, predict with a model. The work is done here, not by the server."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from caviar.cli.options import Json, Token, Url, client

_MARKS = {"great": "great", "look": "look closer", "wrong": "WRONG"}
_TRIAL = re.compile(r"\d+\.\d+")


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command()(gradcheck)
    app.command()(predict)
    app.command()(model)


def gradcheck(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A search file: its dataset and settings.")],
    epochs: Annotated[
        int, typer.Option(min=0, help="Epochs of training before the second check; 0: none.")
    ] = 3,
    dropout: Annotated[
        bool, typer.Option("--dropout", help="Check with dropout, one fixed mask per layer.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Check every parameter, not 500 per tensor.")] = False,
    json: Json = False,
) -> None:
    """Compare the gradient with two-sided differences, before and after some training.

    Up to 1e-7 is great; 1e-5 wants a closer look, 1e-3 is wrong. The worst W[l], b[l], gamma[l] or beta[l] is
    named. Ends with 1 unless all is great.
    """
    from caviar.files import read_search
    from caviar.search.parameters import plain
    from caviar.trainer.gradcheck import check_description

    with _sentences():
        description = plain(read_search(file))  # 1e-4 is a number, whatever YAML says
        checks = check_description(description, epochs=epochs, dropout=dropout, most=None if every else 500)
    if json:
        from json import dumps

        typer.echo(dumps(checks, indent=2))
    else:
        for check in checks:
            typer.echo(_report(check))
    if any(check["verdict"] != "great" for check in checks):
        raise typer.Exit(1)


def predict(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model file, or a trial such as 3.17.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A CSV, Parquet, npz or npy file.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file.")] = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Predict with a saved model, row by row, as CSV: class and probabilities, or values.

    A model is a file, or that of a finished trial on the server. Columns that lie far from what it was
    trained on are named on standard error.
    """
    from caviar.files import writing
    from caviar.trainer.predict import Model

    with _sentences():
        found = Model.load(_model(model, url, token)).predict(data)
    columns = found.columns()
    for one in (*(found.far or ()), *(found.moved or ())):
        typer.echo(f"warning: column {one}", err=True)
    if output is None:
        _write(columns, sys.stdout)
        return
    with writing(output), output.open("w", encoding="utf-8", newline="") as file:
        _write(columns, file)
    typer.echo(f"{len(next(iter(columns.values())))} predictions in {output}")


def model(
    trial: Annotated[str, typer.Argument(metavar="TRIAL", help="A trial such as 3.17.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write to this file [default: trial-3.17.safetensors, or .onnx]"),
    ] = None,
    onnx: Annotated[
        bool, typer.Option("--onnx", help="Write a graph of ONNX that prepares the columns itself.")
    ] = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Save the trained model of a trial, for `caviar predict` or, with --onnx, for other programs.

    caviar model 4.45 -o best.model
    """
    from caviar.files import writing

    if not _TRIAL.fullmatch(trial):
        raise typer.BadParameter(f"{trial!r} is not a trial; a trial is SEARCH.NUMBER, such as 3.17")
    content = _from_server(trial, url, token)
    if onnx:
        from caviar.trainer.onnx_export import to_onnx
        from caviar.trainer.predict import Model

        with _sentences():
            content = to_onnx(Model.load(content))
    path = output or Path(f"trial-{trial}.{'onnx' if onnx else 'safetensors'}")
    with writing(path):
        path.write_bytes(content)
    typer.echo(f"Model of trial {trial}: {len(content)} bytes in {path}")


def _model(name: str, url: str | None, token: str | None) -> bytes | Path:
    """Return the path of a model file, or the model of a trial from the server.

    Raises CaviarError for a search, which has many models, and for a trial of which none was kept.
    """
    from caviar.errors import CaviarError

    if not Path(name).exists() and _TRIAL.fullmatch(name):
        return _from_server(name, url, token)
    if name.isdigit() and not Path(name).exists():
        best = f"caviar best {name} lists the best ones"
        raise CaviarError(f"{name} is no model file; the model of a trial has its name, as {name}.0: {best}")
    return Path(name)


def _from_server(trial: str, url: str | None, token: str | None) -> bytes:
    """Return the stored model of a trial. Raises CaviarError where none was kept."""
    from caviar.errors import CaviarError, RefusedError

    with client(url, token) as connection:
        try:
            return connection.model(trial)
        except RefusedError as error:
            if error.status != 404 or not connection.trial(trial).done:
                raise
            again = f"caviar replay {trial} --model FILE trains it again and writes one"
            raise CaviarError(f"no model of trial {trial} was kept: {again}") from None


def _report(check: Mapping[str, Any]) -> str:
    when = f"after {check['epochs']} epochs" if check["epochs"] else "at initialisation"
    worst = check["worst"]
    verdict, error, count = _MARKS[check["verdict"]], check["error"], check["checked"]
    lines = [
        f"{when}: {verdict}, relative error {error:.1e} over {count} parameters",
        *(
            f"  {name:<8}{error:.1e}{'  <- worst' if name == worst else ''}"
            for name, error in check["errors"].items()
        ),
    ]
    if check["kinks"]:
        lines.append(f"  left out: {check['kinks']} parameters at which a ReLU or |W| has a kink")
    return "\n".join(lines)


def _write(columns: Mapping[str, list[Any]], file: IO[str]) -> None:
    from caviar.spreadsheets import write_csv

    file.write(write_csv(columns))


@contextmanager
def _sentences() -> Iterator[None]:
    """Say what is wrong with settings or data in the way of every other command."""
    from caviar.errors import CaviarError
    from caviar.trainer.problem import ProblemsError

    try:
        yield
    except ProblemsError as error:
        raise CaviarError("\n".join(map(str, error.problems))) from error
    except ValueError as error:
        raise CaviarError(str(error)) from error
