"""A trial that any program trains: it reads its values from its command line, and prints its metrics.

A program that keeps files in the folder CAVIAR_CHECKPOINT_DIR finds them there again when its trial goes on.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from caviar.command_output import CommandOutput
from caviar.command_template import filled
from caviar.errors import CaviarError
from caviar.external_trial import ExternalTrial

LOOK_SECONDS = 0.2  # between two looks at the program, its folder and the server's wishes
GRACE_SECONDS = 10.0  # for a program that is told to end
DRAIN_SECONDS = 1.0  # for what a program has printed last
LOG_LINES, REASON_LINES = 400, 5  # of standard error that are kept, and that a reason quotes


class CommandTrial:
    """One run of a program for one trial."""

    def __init__(self, trial: ExternalTrial, command: Sequence[str], objective: str, folder: Path) -> None:
        """Start the program; `folder` keeps its state. Raises CaviarError when it cannot be started."""
        self._trial = trial
        self._folder = folder
        self._output = CommandOutput(objective)
        self._lines: queue.Queue[str] = queue.Queue()
        self._errors: deque[str] = deque(maxlen=LOG_LINES)
        trial.restore(folder)
        self._seen = self._sent = _state_of(folder)
        values = _values(trial, folder)
        words = filled(command, values)
        try:
            self._process = subprocess.Popen(
                words,
                env={**os.environ, **_environment(trial, values)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # a group of its own: all that it starts ends with it
            )
        except OSError as error:
            raise CaviarError(f"{words[0]!r} cannot be started: {error.strerror or error}") from error
        self._wrong: str | None = None  # with what it printed
        self._readers = [
            threading.Thread(
                target=self._read, args=(self._process.stdout, sys.stdout, self._lines.put), daemon=True
            ),
            threading.Thread(
                target=self._read, args=(self._process.stderr, sys.stderr, self._errors.append), daemon=True
            ),
        ]
        for reader in self._readers:
            reader.start()

    def follow(self) -> None:
        """Report what the program says until it ends, or has to; then end its trial."""
        try:
            while self._process.poll() is None:
                self._report(LOOK_SECONDS)
                self._keep()
                if self._trial.should_stop:
                    self._end_program()
                    self._drain()
                    self._trial.complete(**self._output.result())
                    return
                if self._wrong:
                    self._end_program()
                    self._drain()
                    self._trial.fail(self._wrong)
                    return
            self._drain()
            self._tell_end(self._process.returncode)
        except BaseException:  # Ctrl-C, SIGTERM: the trial is handed back, with the program's last state
            self._end_program()
            self._drain()
            raise
        finally:
            _kill_group(self._process.pid, signal.SIGKILL)

    def _tell_end(self, code: int) -> None:
        if self._wrong:
            self._trial.fail(self._wrong)
            return
        if code == 0:
            self._trial.complete(**self._output.result())
            return
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        said = "\n".join(list(self._errors)[-REASON_LINES:])
        self._trial.fail(f"the command {how}" + (f": {said}" if said else ""), log="\n".join(self._errors))

    def _report(self, seconds: float) -> None:
        """Report the lines that come within so many seconds."""
        end = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                return
            metrics = self._output.read(line)
            if metrics is not None:
                try:
                    self._trial.report(metrics.step, **metrics.values)
                except CaviarError as error:
                    self._wrong = f"the line {line[:200]} cannot be taken: {error}"

    def _keep(self, *, last: bool = False) -> None:
        """Send the folder's content once it has changed and then stayed as it is for a look."""
        state, before = _state_of(self._folder), self._seen
        self._seen = state
        if state and state != self._sent and (last or state == before):
            self._sent = state
            self._trial.checkpoint(self._folder)

    def _drain(self) -> None:
        """Take in what the program printed and kept last; a child of it may hold its output open."""
        for reader in self._readers:
            reader.join(DRAIN_SECONDS)
        self._report(0.0)
        self._keep(last=True)

    def _end_program(self) -> None:
        _kill_group(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            _kill_group(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _read(self, source: IO[str], shown: IO[str], take: Any) -> None:
        for line in source:
            take(line.rstrip("\n"))
            print(f"{self._trial.id} | {line}", end="", file=shown, flush=True)


def _values(trial: ExternalTrial, folder: Path) -> dict[str, Any]:
    own = {"trial": trial.id, "number": trial.number, "seed": trial.seed, "checkpoint": str(folder)}
    return {**own, "epochs": trial.epochs, **trial.params}


def _environment(trial: ExternalTrial, values: Mapping[str, Any]) -> dict[str, str]:
    return {
        "CAVIAR_TRIAL": trial.id,
        "CAVIAR_SEED": str(trial.seed),
        "CAVIAR_PARAMS": json.dumps(trial.params),
        "CAVIAR_CHECKPOINT_DIR": str(values["checkpoint"]),
        "CAVIAR_RESUME_STEP": str(trial.epoch),
        "PYTHONUNBUFFERED": "1",  # metrics are wanted when they are printed
    }


def _state_of(folder: Path) -> frozenset[tuple[str, int, int]]:
    """Return what tells whether a folder's files have changed; hidden and temporary ones do not count."""
    found = set()
    for path in folder.rglob("*"):
        try:
            if path.is_file() and not path.name.startswith(".") and path.suffix != ".tmp":
                status = path.stat()
                found.add((str(path), status.st_size, status.st_mtime_ns))
        except OSError:  # it is gone already
            continue
    return frozenset(found)


def _kill_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # all of it has ended
        return
