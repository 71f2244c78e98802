"""`caviar webhook`: who is told what happens to searches."""

from typing import Annotated

import typer

from caviar.cli.options import Token, Url, client

app = typer.Typer(
    help="Have addresses told what happens to searches.", no_args_is_help=True, rich_markup_mode=None
)
Id = Annotated[str, typer.Argument(help="As `caviar webhook list` shows it.", show_default=False)]


@app.command()
def add(
    address: Annotated[str, typer.Argument(help="https://host/path", show_default=False)],
    on: Annotated[str, typer.Option(help="Of ended, paused, failed, best and drift.", metavar="EVENTS")] = (
        "ended,paused"
    ),
    slack: Annotated[bool, typer.Option("--slack", help="Send a text, as Slack takes it.")] = False,
    project: Annotated[
        str | None, typer.Option(help="Of the searches of this project alone.", show_default=False)
    ] = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Have an address told of events. The secret that signs its messages is shown this once."""
    events = [one.strip() for one in on.split(",") if one.strip()]
    with client(url, token) as connection:
        style = "slack" if slack else "json"
        made = connection.add_webhook(address, style=style, events=events, project=project)
    typer.echo(f"{made['id']}\t{made['secret']}")
    typer.echo(f"Try it: caviar webhook test {made['id']}", err=True)


@app.command("list")
def list_webhooks(url: Url = None, token: Token = None) -> None:
    """List them, with the host of the address alone."""
    with client(url, token) as connection:
        found = connection.webhooks()
    for one in found:
        last = one["problem"] or (f"last at {one['sent']}" if one["sent"] else "nothing sent yet")
        of = f"of {one['project']}" if one["project"] else "of all"
        typer.echo(f"{one['id']}\t{one['host']}\t{','.join(one['events'])} {of}\t{last}")
    if not found:
        typer.echo("No webhooks. Add one: caviar webhook add https://host/path", err=True)


@app.command()
def remove(webhook: Id, url: Url = None, token: Token = None) -> None:
    """Tell an address nothing any more."""
    with client(url, token) as connection:
        connection.remove_webhook(webhook)
    typer.echo(f"Webhook {webhook} is removed.")


@app.command("test")
def try_it(webhook: Id, url: Url = None, token: Token = None) -> None:
    """Send a message to try it."""
    with client(url, token) as connection:
        found = connection.try_webhook(webhook)
    typer.echo("It arrived." if found["arrived"] else f"It did not arrive: {found['problem']}")
    raise typer.Exit(0 if found["arrived"] else 1)
