"""`caviar run`: any program trains the trials of a search, in as many processes as wanted."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from caviar.cli.options import Token, Url, client, devices_of
from caviar.exchange.device import DEVICE_VARIABLE

STOP_SECONDS = 20.0  # for the processes of several at once, each with its program


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(run)


def run(
    command: Annotated[
        list[str],
        typer.Argument(
            metavar="-- COMMAND...",
            help="The program, with placeholders such as {learning_rate} for a trial's values.",
            show_default=False,
        ),
    ],
    search: Annotated[
        int, typer.Option("--search", "-s", help="The search, by its number.", show_default=False)
    ],
    parallel: Annotated[
        int | None, typer.Option(help="Programs at a time [default: one, or one for each device]", min=1)
    ] = None,
    devices: Annotated[
        str | None, typer.Option(help="CUDA_VISIBLE_DEVICES of each program, such as 0,1,2,3.")
    ] = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Train the trials of a search with a program of your own.

    It prints its metrics as JSON, one object per line, such as {"step": 3, "loss": 0.25}, or just a number
    as its last line. Files in the folder CAVIAR_CHECKPOINT_DIR are kept, and restored when a trial resumes.

    Its environment also has CAVIAR_TRIAL, CAVIAR_SEED, CAVIAR_PARAMS (all values, as JSON) and
    CAVIAR_RESUME_STEP, the last step already trained (0: none). Besides settings and parameters the command
    may have the placeholders {trial}, {number}, {seed}, {epochs} and {checkpoint}.
    """
    named = devices_of(devices, parallel, "--parallel")
    each: Sequence[str | None] = named or [None] * (parallel or 1)
    if len(each) > 1:
        raise typer.Exit(_several(search, command, each, url, token))
    if each[0] is not None:
        os.environ[DEVICE_VARIABLE] = each[0]
    _train(search, command, url, token)


def _train(search: int, command: Sequence[str], url: str | None, token: str | None) -> None:
    from caviar.command_template import check
    from caviar.command_trial import CommandTrial

    with client(url, token) as connection:
        found = connection.search(search)
        spec = found.spec
        unused = check(command, spec.get("space") or {}, spec.get("settings") or {})
        if unused:
            text = (
                f"Note: the command has no placeholder for {', '.join(unused)}; CAVIAR_PARAMS has all values."
            )
            typer.echo(text, err=True)
        objective = found.metric
        for trial in connection.ask(search):
            with trial, tempfile.TemporaryDirectory(prefix="caviar-") as folder:
                CommandTrial(trial, command, objective, Path(folder)).follow()


def _several(
    search: int, command: Sequence[str], devices: Sequence[str | None], url: str | None, token: str | None
) -> int:
    """Run this command once for each device, until all have ended; give the first exit code that is not 0."""
    environment = {
        **os.environ,
        **({"CAVIAR_URL": url} if url else {}),
        **({"CAVIAR_TOKEN": token} if token else {}),
    }
    words = [sys.executable, "-P", "-m", "caviar", "run", "--search", str(search), "--", *command]
    processes = [
        subprocess.Popen(
            words,
            env=environment if one is None else {**environment, DEVICE_VARIABLE: one},
            start_new_session=True,
        )
        for one in devices
    ]

    def stop(number: int, _frame: FrameType | None) -> None:
        for process in processes:
            if process.poll() is None:
                process.send_signal(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        while any(process.poll() is None for process in processes):
            time.sleep(0.1)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return next((process.returncode for process in processes if process.returncode), 0)
