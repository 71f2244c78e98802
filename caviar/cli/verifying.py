"""The commands that prove a search, or a report of one, and that write what a paper says of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caviar.cli.options import Json, SearchNumber, Token, Url, client

if TYPE_CHECKING:
    from caviar.client import Client
    from caviar.proof.verify import Sample, Verdict

SHOWN = 20  # findings of a kind in words; the report has all


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(verify)
    app.command()(report)


def verify(
    what: Annotated[
        str,
        typer.Argument(
            metavar="SEARCH|REPORT", help="A search such as 3, or a report file.", show_default=False
        ),
    ],
    sample: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Trials to train again, the best one among them [default: 5; all, if that takes a minute].",
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Train all trials again.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Report file [default: verify-SEARCH.json]; an earlier one is compared."
        ),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="An earlier report that what is stored must still agree with.")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(help="With a report: a file of the data set, if it was uploaded; may be repeated."),
    ] = None,
    json: Json = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Prove a search: propose its trials again, train some again, compare bit for bit, write a report.

    caviar verify 3 --all

    caviar verify verify-3.json --data table.csv     (elsewhere, without the server)
    """
    count: Sample = "all" if every else "quick" if sample is None else sample
    if what.isdecimal():
        if data:
            raise typer.BadParameter("--data is for reports; a server gives the data itself")
        _search(int(what), count, output or Path(f"verify-{what}.json"), against, json, url, token)
        return
    if output is not None or against is not None:
        raise typer.BadParameter("--output and --against are for searches; a report is only read")
    _report(Path(what), count, data or [], json)


def _search(
    search: int,
    sample: Sample,
    output: Path,
    against: Path | None,
    json: bool,
    url: str | None,
    token: str | None,
) -> None:
    from caviar.proof import reports

    say = _quiet if json else typer.echo
    earlier_file = against or (output if output.exists() else None)
    earlier = None if earlier_file is None else reports.read_report(earlier_file)
    with client(url, token) as connection:
        verdict, made = reports.verify_search(connection, search, sample, earlier, say)
        unrecorded = _recorded(connection, search, verdict, reports.head_of(made))
    kept = bool(verdict.differing) and earlier_file == output
    if not kept:
        reports.write_report(output, made)
    _tell(verdict, json, reports.head_of(made))
    if not json:
        if earlier_file is not None:
            typer.echo(f"Compared with {earlier_file} of {earlier['made'] if earlier else ''}.")
        typer.echo(f"{output} is left as it was." if kept else f"Report: {output}")
        typer.echo(f"Its last link: {reports.head_of(made)}")
    if unrecorded:
        typer.echo(f"The server does not record the verdict: {unrecorded}", err=True)
    _end(verdict)


def _recorded(connection: Client, search: int, verdict: Verdict, head: str) -> str | None:
    """Have the server record a verdict; return why it does not, such as a token that may only read."""
    from caviar.errors import RefusedError

    try:
        connection.note_verification(search, {**verdict.counts(), "last_link": head})
    except RefusedError as error:
        return str(error)
    return None


def _report(path: Path, sample: Sample, data: list[Path], json: bool) -> None:
    from caviar.proof import reports

    told = reports.read_report(path)
    verdict, other = reports.verify_report(told, data, sample, _quiet if json else typer.echo)
    _tell(verdict, json, reports.head_of(told), other)
    if not json:
        if other:
            typer.echo("This machine or its software is another kind than that of the report:")
            for one in other:
                typer.echo(f"  {one}")
            typer.echo("The last bits of a training may differ for that alone.")
        typer.echo(f"Last link of the report: {reports.head_of(told)}")
    _end(verdict)


def report(
    search: SearchNumber,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File [default: search-SEARCH.html, or .md with --card]."),
    ] = None,
    card: Annotated[bool, typer.Option("--card", help="A model card in Markdown.")] = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Write all that a reader of a paper asks of a search: one HTML file, or a model card.

    caviar report 3 -o report.html

    caviar report 3 --card
    """
    from caviar.files import writing

    kind = "md" if card else "html"
    path = output or Path(f"search-{search}.{kind}")
    with client(url, token) as connection:
        text = connection.report(search, kind)
    with writing(path):
        path.write_text(text, "utf-8")
    typer.echo(f"Wrote {path}.")


def _quiet(_text: str) -> None:
    """Say nothing: what is printed is JSON."""


def _tell(verdict: Verdict, json: bool, head: str, other: list[str] | None = None) -> None:
    if json:
        from json import dumps

        shown: dict[str, Any] = {**verdict.as_dict(), "last_link": head, "differs_from_here": other or []}
        typer.echo(dumps(shown, indent=2))
        return
    typer.echo(f"Verdict: {verdict.word}.")
    typer.echo(
        f"{verdict.proposed} of {verdict.trials} trials proposed again as stored, "
        f"{len(verdict.trained)} trained again."
    )
    for title, found in (("Differs", verdict.differing), ("Not provable", verdict.open)):
        if found:
            typer.echo(f"{title} ({len(found)}):")
        for one in found[:SHOWN]:
            typer.echo(f"  {one}")
        if len(found) > SHOWN:
            typer.echo(f"  ... and {len(found) - SHOWN} more")


def _end(verdict: Verdict) -> None:
    if verdict.differing:
        raise typer.Exit(1)
