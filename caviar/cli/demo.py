"""`caviar demo`: the main job in one command."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from caviar.cli.conclusion import print_summary
from caviar.cli.progress import follow_search
from caviar.cli.tables import print_best
from caviar.client import Client
from caviar.errors import CaviarError

READY = re.compile(r"Caviar is ready: (\S+)")


EXAMPLE = Path(__file__).with_name("demo.yaml")  # examples/digits.yaml, also where nothing else of it is


def run_demo(file: Path | None, data: Path | None) -> None:
    """Run the search of a file, else the example, on a server of its own, and say where to look next."""
    console = Console()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the server must not outlive its demo
    with _server(data) as url, Client(url) as client:
        search = client.submit(file or EXAMPLE)
        console.print(f"Search {search.id} ({search.name}) on {os.cpu_count()} cores: {search.trials} trials")
        search = follow_search(client, search.id, console)
        best, summary = client.best(search, 5), client.summary(search)
    print_best(search, best, console)
    print_summary(search, summary, console)
    console.print(_where(search.id, summary["winner"], data), highlight=False, soft_wrap=True)
    if not best:
        raise CaviarError("No trial finished with a result; see the messages above")


def _where(search: int, winner: Mapping[str, Any] | None, data: Path | None) -> str:
    """Say how to open the page of the winner, or of the search where there is none."""
    page = f"trials/{winner['trial']}" if winner else f"searches/{search}"
    of = "the winner" if winner else "the search"
    return f"See {of} on the dashboard: {_serve(data)}, then open http://127.0.0.1:8000/{page}"


def _serve(data: Path | None) -> str:
    """Return the command that serves what the demo has stored."""
    if data is not None:
        return f"caviar serve --data {shlex.quote(str(data))}"
    clone = Path.cwd() == Path(__file__).resolve().parents[2] and Path("Makefile").is_file()
    return "make serve" if clone else "caviar serve"


@contextmanager
def _server(data: Path | None) -> Iterator[str]:
    """Run a server on a free port for a while; gives its address."""
    folder = ["--data", str(data)] if data else []
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "caviar", "serve", "--port", "0", "--log-level", "warning", *folder],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield _address(process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            typer.echo("The server did not stop in time and was killed; stored data is safe.", err=True)


def _address(process: subprocess.Popen[str]) -> str:
    """Wait until the server says where it listens; what is wrong it has said itself."""
    for line in process.stdout or ():
        if found := READY.match(line):
            return found[1]
    raise CaviarError("The demo server could not start")
