"""Which trial a process trains, written where it can be read when the process is dead.

An open file that a supervisor hands to its agent: no exchange with the server can be as exact, because
trials may take milliseconds, and a process that crashes says nothing any more.
"""

from __future__ import annotations

import os
import time

from caviar.exchange.assigned_trial import Key
from caviar.exchange.wire import InTraining

WIDTH = 64  # bytes; a write of so few is whole or not there


class TrainingNote:
    """The trial in training; without a file it is only remembered."""

    def __init__(self, file: int | None = None) -> None:
        self._file = file
        self._training: Key | None = None
        self._since = 0.0

    def begin(self, key: Key) -> None:
        """Note that a trial is taken into training."""
        self._training, self._since = key, time.monotonic()
        self._write(f"{key[0]} {key[1]} {self._since:.3f}")

    def end(self) -> None:
        """Note that nothing is in training."""
        self._training = None
        self._write("-")

    @property
    def now(self) -> InTraining | None:
        """Return what is in training, and for how long."""
        if self._training is None:
            return None
        trial, attempt = self._training
        return InTraining(trial=trial, attempt=attempt, seconds=time.monotonic() - self._since)

    def _write(self, text: str) -> None:
        if self._file is not None:
            os.pwrite(self._file, text.ljust(WIDTH).encode(), 0)


def read_note(file: int) -> tuple[bool, InTraining | None]:
    """Return whether the server ever answered a process, and what that trains, or did when it died.

    The seconds run on until this is read: the clock is that of the machine.
    """
    words = os.pread(file, WIDTH, 0).decode().split()
    if len(words) != 3:
        return bool(words), None
    seconds = max(0.0, time.monotonic() - float(words[2]))
    return True, InTraining(trial=words[0], attempt=int(words[1]), seconds=seconds)
