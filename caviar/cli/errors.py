"""The command that shows where a trial's model goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caviar.cli.options import Json, Token, Url, client, trial_name

if TYPE_CHECKING:
    from rich.console import Console

    from caviar.client import Client

SHOWN = 6  # columns of the input
WIDEST = 24  # characters of a cell
SLICES = 12  # that are shown without --slices


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(errors)


def errors(
    trial: Annotated[str, typer.Argument(metavar="TRIAL", help="The trial, such as 3.17.")],
    part: Annotated[str, typer.Option(help="dev or train_dev; the test set is never shown.")] = "dev",
    everything: Annotated[bool, typer.Option("--all", help="Right answers, too.")] = False,
    tag: Annotated[str | None, typer.Option(help="Only rows with this tag.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=200, help="How many rows.")] = 20,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write all these rows to a file.")] = None,
    slices: Annotated[bool, typer.Option("--slices", help="All parts of the data, better ones too.")] = False,
    row: Annotated[int | None, typer.Option(help="Tag this row, with --as and --label.")] = None,
    named: Annotated[list[str] | None, typer.Option("--as", help="A tag; may be repeated.")] = None,
    label: Annotated[str | None, typer.Option(help="Its right label: its own one is wrong.")] = None,
    corrected: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Make a data set of this name with the corrected labels."),
    ] = None,
    json: Json = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Show the rows of the dev set that a trial's model gets wrong, and which parts of the data are worse.

    Tag rows by hand; the table of tags says what mending each cause would bring at most.

    caviar errors 3.17 --row 208 --as blurry --label 8
    """
    name = trial_name(trial)
    if row is None and (named or label is not None):
        raise typer.BadParameter("say which row, such as --row 208", param_hint="--row")
    query = {"part": part} | ({"show": "all"} if everything else {}) | ({} if tag is None else {"tag": tag})
    with client(url, token) as connection:
        if row is not None:
            _tell(_tagged(connection, name, row, named or [], label, part), json)
        elif corrected is not None:
            _tell(_corrected(connection, name, corrected, part), json)
        elif csv is not None:
            from caviar.files import writing

            content = connection.errors_csv(name, **query)
            with writing(csv):
                csv.write_bytes(content)
            typer.echo(f"Wrote {csv}.")
        else:
            found = {
                "rows": connection.errors(name, limit=k, **query),
                "causes": connection.error_causes(name, part),
                "slices": connection.error_slices(name, part),
            }
            _tell(found, json) if json else _print(found, slices)


def _tell(found: Mapping[str, Any], json: bool) -> None:
    if json:
        from json import dumps

        typer.echo(dumps({key: one for key, one in found.items() if key != "said"}, indent=2))
    else:
        typer.echo(found["said"])


def _tagged(
    connection: Client, name: str, row: int, tags: list[str], label: str | None, part: str
) -> dict[str, Any]:
    found = connection.tag_row(name, row, *tags, label=label, part=part)
    named = ", ".join(one["tag"] for one in found["tags"]) or "no tags"
    right = f"; its right label is {found['label']}" if found["label"] is not None else ""
    return {**found, "said": f"Row {row}: {named}{right}."}


def _corrected(connection: Client, name: str, data: str, part: str) -> dict[str, Any]:
    found = connection.correct_labels(name, data, part)
    made = found["dataset"]
    count = len(made["version"]["corrections"])
    address = f"{connection.url}/new?from={name.partition('.')[0]}&version={made['id']}"
    said = (
        f"Data set {made['name']}: {made['version']['of']} with {count} label{'s' * (count != 1)} corrected."
    )
    return {**found, "said": f"{said}\nStart the search again on it: {address}"}


def _print(found: Mapping[str, Any], every_slice: bool) -> None:
    from rich.console import Console

    console = Console()
    rows, causes = found["rows"], found["causes"]
    wrong = "" if rows["wrong"] is None else f", {rows['wrong']:,} wrong"
    of = f"{rows['part']} set of {rows['dataset']}, {rows['rows']:,} rows{wrong}"
    typer.echo(f"Trial {rows['trial']} on the {of}: error {_error(rows, rows['error'])}")
    if not rows["items"]:
        typer.echo("No such rows.")
    else:
        _print_rows(rows, console)
    if causes["causes"]:
        _print_causes(rows, causes, console)
    _print_slices(rows, found["slices"], console, every_slice)


def _error(rows: Mapping[str, Any], value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if rows["kind"] == "regression" else f"{100 * value:.2f} %"


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def _print_rows(rows: Mapping[str, Any], console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None)
    for name in ("row", "truth", "answer", "confidence", "loss"):
        table.add_column(name, justify="right")
    for name in ("tags", *rows["columns"][:SHOWN]):
        table.add_column(Text(_cell(name)))
    for one in rows["items"]:
        tags = [
            f"label: {one['label']}" if each["tag"] == "label is wrong" else each["tag"]
            for each in one["tags"]
        ]
        confidence = "" if one["confidence"] is None else f"{100 * one['confidence']:.1f} %"
        cells = [_cell(cell) for cell in (one["cells"] or [])[:SHOWN]]
        shown = [str(one["row"]), _cell(one["truth"]), _cell(one["answer"]), confidence, f"{one['loss']:.4g}"]
        table.add_row(*map(Text, (*shown, ", ".join(tags), *cells)))
    console.print(table)
    if rows["total"] > len(rows["items"]):
        typer.echo(
            f"{len(rows['items'])} of {rows['total']:,} rows; -k 200 shows more, --csv FILE writes all."
        )


def _print_causes(rows: Mapping[str, Any], causes: Mapping[str, Any], console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    title = f"What mending each cause would bring at most ({causes['examined']:,} rows examined)"
    table = Table(title=title, title_justify="left", box=None)
    table.add_column("tag")
    for name in ("rows", "of the error", "error without", "of examined", "projected"):
        table.add_column(name, justify="right")
    for one in causes["causes"]:
        examined = one["share_of_examined"]
        table.add_row(
            Text(one["tag"]),
            str(one["rows"] if one["wrong"] is None else one["wrong"]),
            f"{100 * one['share']:.1f} %",
            _error(rows, one["ceiling"]),
            "-" if examined is None else f"{100 * examined:.1f} %",
            _error(rows, one["projected"]),
        )
    console.print(table)


def _print_slices(rows: Mapping[str, Any], slices: Mapping[str, Any], console: Console, every: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    of = [(column["name"], one) for column in slices["columns"] for one in column["slices"]]
    worse = [(name, one) for name, one in of if one["real"] and one["error"] > one["rest"]]
    if not every and not worse:
        typer.echo("No part of the data is worse by more than chance (--slices shows all).")
        return
    title = "Parts of the data" if every else "Parts of the data that are worse by more than chance"
    table = Table(title=title, caption=slices["test"], title_justify="left", box=None)
    for name in ("column", "part"):
        table.add_column(name)
    for name in ("rows", "error", "all others", "p", "real"):
        table.add_column(name, justify="right")
    for name, one in of if every else worse[:SLICES]:
        figures = (
            f"{one['rows']:,}",
            _error(rows, one["error"]),
            _error(rows, one["rest"]),
            f"{one['p']:.2g}",
        )
        table.add_row(Text(_cell(name)), Text(_cell(one["name"])), *figures, "yes" if one["real"] else "no")
    console.print(table)
