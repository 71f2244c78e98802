"""Which trial a process trains, for how long, and how long it may: also readable when the process is dead.

An open file that a supervisor hands to its agent: no exchange with the server can be as exact, because
trials may take milliseconds, and a process that crashes or hangs says nothing any more.
"""

from __future__ import annotations

import os
import time

from caviar.exchange.assigned_trial import Key
from caviar.exchange.limit_reasons import too_long, too_silent
from caviar.exchange.wire import InTraining, TrialLimits

WIDTH = 128  # bytes; a write of so few is whole or not there
_WORDS = {"seconds": too_long, "silent_seconds": too_silent}


class TrainingNote:
    """The trial in training, and its limits of time; without a file it is only remembered."""

    def __init__(self, file: int | None = None) -> None:
        self._file = file
        self._training: Key | None = None
        self._limits: TrialLimits | None = None
        self._since = self._epoch = 0.0

    def begin(self, key: Key, limits: TrialLimits | None = None) -> None:
        """Note that a trial is taken into training."""
        self._since = self._epoch = time.monotonic()
        self._training, self._limits = key, limits
        self._write_training()

    def epoch_ended(self) -> None:
        """Note that an epoch has ended."""
        self._epoch = time.monotonic()
        if self._limits is not None and self._limits.silent_seconds is not None:
            self._write_training()

    def leave_out(self, seconds: float) -> None:
        """Leave out time in which the training had to wait for the server."""
        self._since += seconds
        self._epoch += seconds
        self._write_training()

    def end(self) -> None:
        """Note that nothing is in training."""
        self._training = self._limits = None
        self._write("-")

    @property
    def now(self) -> InTraining | None:
        """Return what is in training, and for how long."""
        if self._training is None:
            return None
        (trial, attempt), moment = self._training, time.monotonic()
        quiet = max(0.0, moment - self._epoch)
        return InTraining(trial=trial, attempt=attempt, seconds=max(0.0, moment - self._since), quiet=quiet)

    @property
    def deadline(self) -> tuple[float, str] | None:
        """Return when the trial in training must have ended, on the monotonic clock, and what to say then."""
        limits = self._limits
        if limits is None:
            return None
        found = []
        if limits.seconds is not None:
            found.append((self._since + (limits.left or 0.0), f"seconds {limits.seconds:g}"))
        if limits.silent_seconds is not None:
            found.append((self._epoch + limits.silent_seconds, f"silent_seconds {limits.silent_seconds:g}"))
        moment, broken = min(found, default=(0.0, ""))
        return (moment, broken) if broken else None

    def overdue(self) -> str | None:
        """Return which limit of time the trial in training has broken, None while it keeps them."""
        due = self.deadline
        return None if due is None or time.monotonic() < due[0] else _said(due[1])

    def _write_training(self) -> None:
        if self._training is None or self._file is None:
            return
        trial, attempt = self._training
        due = self.deadline
        self._write(f"{trial} {attempt} {self._since:.3f}" + (f" {due[0]:.3f} {due[1]}" if due else ""))

    def _write(self, text: str) -> None:
        if self._file is not None:
            os.pwrite(self._file, text.ljust(WIDTH).encode(), 0)


def read_note(file: int) -> tuple[bool, InTraining | None]:
    """Return whether the server ever answered a process, and what that trains, or did when it died.

    The seconds run on until this is read: the clock is that of the machine.
    """
    words = os.pread(file, WIDTH, 0).decode().split()
    if len(words) < 3:
        return bool(words), None
    seconds = max(0.0, time.monotonic() - float(words[2]))
    return True, InTraining(trial=words[0], attempt=int(words[1]), seconds=seconds)


def overdue_by(file: int, grace: float) -> str | None:
    """Return the limit of time that a process has let pass by more than `grace` seconds, if one."""
    words = os.pread(file, WIDTH, 0).decode().split()
    if len(words) < 6 or time.monotonic() < float(words[3]) + grace:
        return None
    return _said(f"{words[4]} {words[5]}")


def _said(broken: str) -> str:
    name, limit = broken.split()
    return _WORDS[name](float(limit))
