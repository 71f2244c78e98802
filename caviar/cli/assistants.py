"""`caviar mcp`: let an assistant work with the server."""

import importlib.util
from typing import Annotated

import typer

from caviar.cli.options import Token, Url, client
from caviar.errors import CaviarError


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(mcp)


def mcp(
    steer: Annotated[
        bool, typer.Option("--steer", help="Let it pause, cancel and steer too, if the token may.")
    ] = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Serve the Model Context Protocol on standard input and output, for assistants to start.

    They may read and explain with a token of scope read, and submit with one of scope submit or more.
    """
    if importlib.util.find_spec("mcp") is None:
        raise CaviarError("assistants need the package mcp: pip install 'caviar[mcp]'")
    from caviar.assistants import assistant_server

    with client(url, token) as connection:
        assistant_server(connection, connection.session()["scope"], steer).run("stdio")
