"""Commands on searches: submit, watch, best, export, import."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from caviar.cli.options import Json, SearchNumber, Token, Url, client, search_or_trial

LEFT_OUT = 3  # exit code of an import that could not keep everything


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command()(submit)
    app.command()(upload)
    app.command()(watch)
    app.command()(best)
    app.command()(export)
    app.command("import")(import_study)


def submit(
    file: Annotated[Path, typer.Argument(help="The search, as YAML or JSON.", show_default=False)],
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow it until it ends.")] = False,
    project: Annotated[str | None, typer.Option(help="The project it belongs to.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag to find it by; may be repeated.")] = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Submit a search."""
    with client(url, token) as connection:
        labels: dict[str, Any] = {"project": project} if project else {}
        labels |= {"tags": tag} if tag else {}
        search = connection.submit(file, **labels)
        typer.echo(f"Search {search.id} ({search.name}): {search.trials} trials")
        typer.echo(f"{connection.url}/searches/{search.id}")
        for warning in search.warnings:
            typer.echo(f"Note: {warning['message']} ({warning['remedy']})", err=True)
        if not watch:
            typer.echo(f"Follow it with: caviar watch {search.id}")
            return
        _follow(connection, search.id)


def upload(
    file: Annotated[
        Path, typer.Argument(help="CSV, JSON lines, Parquet, Feather, Excel, npz or npy.", show_default=False)
    ],
    name: Annotated[str | None, typer.Option(help="Its name in searches [default: the file's name]")] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(help="The column to predict; may be repeated."),
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="classification or regression [default: detected from the target]")
    ] = None,
    categorical: Annotated[
        list[str] | None, typer.Option(help="A numeric column to treat as categories; may be repeated.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="A column to leave out, such as a date; may be repeated.")
    ] = None,
    dates: Annotated[
        list[str] | None,
        typer.Option(help="A column of dates and what it becomes: day=parts, cycle or elapsed."),
    ] = None,
    missing_values: Annotated[
        list[str] | None, typer.Option(help="A text or number that means a missing cell; may be repeated.")
    ] = None,
    as_is: Annotated[
        list[str] | None, typer.Option(help="A column to read as it stands; may be repeated.")
    ] = None,
    header: Annotated[
        bool | None, typer.Option(help="Whether the first line names the columns [default: yes]")
    ] = None,
    decimal: Annotated[str | None, typer.Option(help="The decimal mark, if the numbers do not tell.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of a CSV file, if it is not recognised.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Of an Excel workbook, if it has several.")] = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Upload a data set; submit does this for the files that a search names.

    The target of a CSV is its last column, unless --target names another or one is called target, label,
    class or y.

    caviar upload houses.csv --target price --ignore sold_on
    """
    from caviar.dataset_upload import note_line

    given: dict[str, Any] = {"target": target, "task": task, "categorical": categorical, "ignore": ignore}
    given |= {"missing_values": missing_values, "as_is": as_is, "decimal": decimal, "encoding": encoding}
    given |= {"dates": dict(map(_date_wish, dates or ())), "header": header, "sheet": sheet}
    wanted = {key: value for key, value in given.items() if value not in (None, [], {})}
    with client(url, token) as connection:
        stored = connection.upload(file, name, **wanted)
    typer.echo(f"Data set {stored['name']}: {stored['rows']} rows, {stored['columns']} features")
    found = stored.get("target") or {}
    if found.get("names"):
        typer.echo(
            f"Target: {', '.join(found['names'])}" + (f" ({found['task']})" if found.get("task") else "")
        )
    for note in stored.get("notes", ()):
        typer.echo(note_line(note), err=True)
    if problem := found.get("problem"):
        typer.echo(f"Note: {problem}", err=True)
    typer.echo(f"Use it in a search with: dataset: {{name: {stored['name']}}}")


def _date_wish(text: str) -> tuple[str, Any]:
    """Read day=parts, day=cycle,elapsed or day=parts:%d.%m.%Y."""
    column, _, wish = text.partition("=")
    ways, _, form = wish.partition(":")
    listed = [way.strip() for way in ways.split(",") if way.strip()]
    if not column or not listed:
        raise typer.BadParameter(f"{text!r}: write a column and what it becomes, as in --dates day=parts")
    return column, {"as": listed, "format": form} if form else listed


def watch(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="A search (3) or a trial (3.17).", show_default=False)
    ],
    url: Url = None,
    token: Token = None,
) -> None:
    """Follow a search or a trial until it ends. Ctrl-C stops watching, not the search."""
    search, trial = search_or_trial(name)
    with client(url, token) as connection:
        if trial is None:
            _follow(connection, search)
        else:
            _follow_trial(connection, trial)


def best(
    search: SearchNumber,
    k: Annotated[int, typer.Option("-k", help="How many.", min=1, max=1000)] = 5,
    json: Json = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Show the best trials of a search."""
    with client(url, token) as connection:
        found = connection.search(search)
        trials = connection.best(search, k)
        standings, summary = connection.standings(search), connection.summary(search)
    if json:
        from dataclasses import asdict
        from json import dumps

        typer.echo(dumps([asdict(trial) for trial in trials], indent=2))
        return
    from caviar.cli.conclusion import print_summary
    from caviar.cli.tables import print_best, print_standings

    print_best(found, trials)
    print_standings(found, standings)
    print_summary(found, summary)


def export(
    search: SearchNumber,
    file: Annotated[
        Path,
        typer.Argument(help="Output file: .csv, .parquet, .json, or .db for Optuna.", show_default=False),
    ],
    url: Url = None,
    token: Token = None,
) -> None:
    """Write the trials of a search to a file, in the format of its suffix."""
    from caviar.files import writing

    kinds = {".csv": "csv", ".parquet": "parquet", ".json": "json", ".db": "optuna", ".sqlite": "optuna"}
    kind = kinds.get(file.suffix.lower())
    if kind is None:
        raise typer.BadParameter(f"{file.name}: unknown suffix; known: {', '.join(kinds)}")
    with client(url, token) as connection:
        content = connection.export(search, kind)
        lost = _lost_in_optuna(connection.search(search).spec) if kind == "optuna" else []
    with writing(file):
        file.write_bytes(content)
    typer.echo(f"Search {search}: {len(content)} bytes in {file}")
    if lost:
        linear = f"{', '.join(lost)} {'is' if len(lost) == 1 else 'are'} linear"
        text = "Optuna has linear scales and log scales without zero; there, until caviar import,"
        typer.echo(f"Note: {text} {linear}.", err=True)


def import_study(
    file: Annotated[Path, typer.Argument(help="An Optuna study, as an SQLite file.", exists=True)],
    study: Annotated[str | None, typer.Option(help="Name of the study, if the file holds several.")] = None,
    points: Annotated[
        int, typer.Option(help="How many of the best points to enqueue.", min=0, max=1000)
    ] = 10,
    trials: Annotated[
        bool, typer.Option("--trials", help="Copy the whole study to the server instead, as a study.")
    ] = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Print a search (YAML) over the space of an Optuna study, with its best points enqueued.

    What cannot be kept is named on standard error, and the exit code is 3. With --trials nothing is printed:
    the study itself goes to the server, with all trials, values, attributes and times.
    """
    from caviar.extras import of_extra
    from caviar.search.problem import SearchError

    try:
        with of_extra("optuna"):
            _copy(file, study, url, token) if trials else _print(file, study, points)
    except SearchError as error:
        raise typer.BadParameter(
            "; ".join(f"{p.field} {p.message}; {p.remedy}" for p in error.problems)
        ) from None


def _copy(file: Path, study: str | None, url: str | None, token: str | None) -> None:
    """Copy a study to the server."""
    from caviar.optuna_copy import copy_study
    from caviar.optuna_storage import CaviarStorage

    made = copy_study(file, CaviarStorage(url, token), study)
    typer.echo(f"Search {made.search}: study {made.name!r} with {made.trials} trials")


def _print(file: Path, study: str | None, points: int) -> None:
    """Print a search over the space of a study."""
    import yaml

    from caviar.search.optuna_study import read, shown

    found = read(file, study, points)
    search = {
        "name": found.name,
        "trainer": "external",
        "space": found.space,
        "objective": found.objectives[0] if len(found.objectives) == 1 else found.objectives,
        "budget": {"trials": 2 * max(len(found.points), 25)},
    }
    typer.echo(yaml.safe_dump(search, sort_keys=False), nl=False)
    if found.points:
        typer.echo("enqueued:")
    for point, value, number in zip(found.points, found.values, found.numbers, strict=True):
        written = yaml.safe_dump(point, sort_keys=False, default_flow_style=True, width=2**31).strip()
        typer.echo(f"- {written}  # trial {number} of the study: {shown(value)}")
    for line in found.told:
        typer.echo(f"Note: {line}.", err=True)
    for line in found.lost:
        typer.echo(f"Left out: {line}.", err=True)
    if found.lost:
        raise typer.Exit(LEFT_OUT)


def _lost_in_optuna(spec: Mapping[str, Any]) -> list[str]:
    """Name the parameters whose scale a study of Optuna cannot hold."""
    return [
        name
        for name, parameter in (spec.get("space") or {}).items()
        if isinstance(parameter, Mapping)
        and (
            parameter.get("scale", "linear") not in ("linear", "log")
            or (parameter.get("scale") == "log" and parameter.get("zero"))
        )
    ]


def _follow_trial(connection: object, trial: str) -> None:
    """Show the live view to a person at a terminal first; then, or anywhere else, the trial line by line."""
    import sys

    from rich.console import Console

    from caviar.cli.progress import follow_trial

    console = Console()
    if console.is_terminal and sys.stdin.isatty() and not connection.trial(trial).done:  # type: ignore[attr-defined]
        from caviar.cli.live_view import watch_trial

        if not watch_trial(connection, trial, console):  # type: ignore[arg-type]
            return
    follow_trial(connection, trial, console)  # type: ignore[arg-type]


def _follow(connection: object, search: int) -> None:
    from caviar.cli.conclusion import print_summary
    from caviar.cli.progress import follow_search
    from caviar.cli.tables import print_best, print_standings

    found = follow_search(connection, search)  # type: ignore[arg-type]
    trials = connection.best(search, 5)  # type: ignore[attr-defined]
    print_best(found, trials)
    print_standings(found, connection.standings(search))  # type: ignore[attr-defined]
    print_summary(found, connection.summary(search))  # type: ignore[attr-defined]
    if found.waits_for_a_person or (found.state == "completed" and not trials):
        raise typer.Exit(1)
