"""Trainers for fault tests: no mathematics, exact results, every second of theirs under control.

`counting` trains epochs of a given length, and its checkpoint is a line of JSON. It writes each epoch that it
trains into the file that the environment variable COUNTING_LOG names: so a test sees what was trained twice.
`stubborn` does the same but holds the GIL for a whole epoch, as a compiler or a careless plugin does.
`poison` takes its process down in several ways, where its x says so; else it is `counting`.
`wandering` is `poison` whose every epoch hangs on all those before it, to the last bit; where the environment
variable POISON_RAISES is set, what would take the process down raises an error at once instead.
`stuck` never comes back, or takes too much memory, where and how its x says: see STUCK.
`endless` begins to train and never comes back, out of reach of Python's signals too; that is its epoch 0.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

POISON = {11.0: "crash", 12.0: "exit", 13.0: "kill", 14.0: "hang"}
STUCK = {
    1.0: "load",
    2.0: "train",
    3.0: "save",
    4.0: "hold",
    5.0: "memory",
    6.0: "load and hold",
    7.0: "slow",
}
DEFAULTS = {"epochs": 3, "epoch_seconds": 0.0, "x": 0.0, "seed": 0}


@dataclass(frozen=True)
class Info:
    name: str
    default: Any
    type: str = "float"
    low: float | None = None
    high: float | None = None
    unit: str = ""
    steerable: bool = False
    choices: tuple[str, ...] = ()
    help: str = ""


@dataclass(frozen=True)
class Change:
    step: int
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(frozen=True)
class Slice:
    status: str
    reason: str | None = None
    epochs: list[dict[str, float]] = field(default_factory=list)
    costs: list[tuple[int, float]] = field(default_factory=list)


def error_after(x: float, epoch: int) -> float:
    """The exact dev error of a point after so many epochs: tests compare what arrived with it."""
    return (x - 0.3) ** 2 + 1.0 / (1 + epoch)


class Run:
    def __init__(self, settings: dict[str, Any], epoch: int = 0) -> None:
        self.settings = settings
        self.epoch = epoch
        self._left = float(settings["epoch_seconds"])

    @property
    def step(self) -> int:
        return self.epoch

    @property
    def status(self) -> str:
        return "running" if self.epoch < self.settings["epochs"] else "completed"

    def advance(
        self, seconds: float = 0.05, until_step: int | None = None, until_epoch: int | None = None
    ) -> Slice:
        if self._left > seconds:
            time.sleep(seconds)
            self._left -= seconds
            return Slice("running")
        self.pass_time(self._left)
        self._left = float(self.settings["epoch_seconds"])
        self.epoch += 1
        _note(self)
        return Slice(self.status, None, [self.row()])

    def row(self) -> dict[str, float]:
        error = error_after(self.settings["x"], self.epoch)
        return {"epoch": self.epoch, "step": self.step, "train_error": error, "dev_error": error}

    def pass_time(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))

    def change(self, values: Mapping[str, Any]) -> Change:
        before = {name: self.settings[name] for name in values}
        self.settings = {**self.settings, **values}
        return Change(self.step, before, dict(values))

    def save(self) -> bytes:
        return json.dumps({"settings": self.settings, "epoch": self.epoch}).encode()

    def model(self) -> bytes:
        return self.save()

    def result(self) -> dict[str, float]:
        error = error_after(self.settings["x"], self.epoch)
        return {"dev_error": error, "train_error": error, "epochs_trained": float(self.epoch)}


class StubbornRun(Run):
    def advance(
        self, seconds: float = 0.05, until_step: int | None = None, until_epoch: int | None = None
    ) -> Slice:
        if self.epoch == 0:
            _note(self)  # from here on nothing else of this process runs
        return super().advance(float("inf"), until_step, until_epoch)

    def pass_time(self, seconds: float) -> None:
        """Sleep in C without letting the interpreter go: no other thread of this process runs meanwhile."""
        ctypes.PyDLL(None).usleep(int(seconds * 1e6))


class PoisonRun(Run):
    """Takes its process down in epoch 2 where `x` says how: see POISON."""

    def pass_time(self, seconds: float) -> None:
        super().pass_time(seconds)
        how = POISON.get(self.settings["x"])
        if how is not None and os.environ.get("POISON_RAISES"):
            raise ValueError(f"poison: {how}")
        if how is None or self.epoch != 1:
            return
        if how == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif how == "exit":
            os._exit(0)
        elif how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        ctypes.PyDLL(None).usleep(int(999e6))  # hang: the interpreter is never let go


class WanderingRun(PoisonRun):
    """A chaotic map: one epoch left out, done twice or begun from another state shows in all that follow."""

    def __init__(self, settings: dict[str, Any], epoch: int = 0, level: float | None = None) -> None:
        super().__init__(settings, epoch)
        start = (float(settings["x"]) * 0.618 + int(settings["seed"]) * 1e-6) % 1.0
        self.level = 0.1 + 0.8 * start if level is None else level

    def row(self) -> dict[str, float]:
        self.level = 3.9 * self.level * (1.0 - self.level)
        error = (self.settings["x"] - 7.0) ** 2 / 100 + self.level / (1 + self.epoch)
        return {"epoch": self.epoch, "step": self.step, "train_error": self.level, "dev_error": error}

    def save(self) -> bytes:
        saved = {"settings": self.settings, "epoch": self.epoch, "level": self.level.hex()}
        return json.dumps(saved).encode()

    def result(self) -> dict[str, float]:
        error = (self.settings["x"] - 7.0) ** 2 / 100 + self.level / (1 + self.epoch)
        return {"dev_error": error, "train_error": self.level, "epochs_trained": float(self.epoch)}


class EndlessRun(Run):
    def advance(
        self, seconds: float = 0.05, until_step: int | None = None, until_epoch: int | None = None
    ) -> Slice:
        _note(self)
        while True:
            ctypes.CDLL(None).sleep(3600)  # which a signal ends early


class StuckRun(Run):
    def pass_time(self, seconds: float) -> None:
        super().pass_time(seconds)
        how = STUCK.get(self.settings["x"])
        if self.epoch == 1 and how == "train":
            time.sleep(999)
        elif self.epoch == 1 and how == "hold":
            ctypes.PyDLL(None).usleep(int(999e6))
        elif self.epoch >= 1 and how == "memory":
            self.ballast = b"x" * 400_000_000
            time.sleep(1.0)

    def save(self) -> bytes:
        if STUCK.get(self.settings["x"]) == "save":
            time.sleep(999)
        return super().save()


class Counting:
    data_settings = ()
    run: type[Run] = Run

    def settings(self) -> list[Info]:
        kinds = {int: "int", float: "float"}
        return [Info(name, value, kinds[type(value)]) for name, value in DEFAULTS.items()]

    def check(self, settings: Mapping[str, Any], dataset: Mapping[str, Any]) -> list[Any]:
        return []

    def load(self, dataset: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        return None

    def start(self, settings: Mapping[str, Any], data: None, seed: int) -> Run:
        return self.run({**DEFAULTS, **settings})

    def restore(self, checkpoint: bytes, data: None) -> Run:
        saved = json.loads(checkpoint)
        return self.run(saved["settings"], saved["epoch"])

    def warm(self) -> None:
        return None


class Stubborn(Counting):
    run = StubbornRun


class Poison(Counting):
    run = PoisonRun


class Wandering(Counting):
    run = WanderingRun

    def restore(self, checkpoint: bytes, data: None) -> Run:
        saved = json.loads(checkpoint)
        return WanderingRun(saved["settings"], saved["epoch"], float.fromhex(saved["level"]))


class Stuck(Counting):
    run = StuckRun
    data_settings = ("x",)

    def load(self, dataset: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        how = STUCK.get(settings.get("x", 0.0))
        if how == "load":
            time.sleep(999)
        elif how == "load and hold":
            ctypes.PyDLL(None).usleep(int(999e6))


class Endless(Counting):
    run = EndlessRun


def _note(run: Run) -> None:
    path = os.environ.get("COUNTING_LOG")
    if path:
        line = f"{os.getpid()} {run.settings['seed']} {run.epoch} {time.time():.3f}\n"
        with Path(path).open("a", encoding="utf-8") as log:
            log.write(line)
