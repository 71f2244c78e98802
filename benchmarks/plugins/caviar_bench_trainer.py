"""A trainer that does nothing, or sleeps: what is left is the bookkeeping."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SETTINGS = ("epochs", "epoch_seconds", "p0", "p1", "p2", "p3", "p4", "seed")


@dataclass(frozen=True)
class Info:
    """One setting."""

    name: str
    default: Any = None
    steerable: bool = False
    type: str = "float"


@dataclass
class Slice:
    """What one slice of training brought."""

    status: str
    reason: str | None
    epochs: list[dict[str, float]]
    costs: list[tuple[int, float]]


class Run:
    """Epochs that take as long as is said, or no time."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = dict(settings)
        self.status, self.step, self.epoch = "running", 0, 0
        self.epochs, self.seconds = int(settings.get("epochs") or 1), settings.get("epoch_seconds") or 0.0

    def advance(self, seconds: float = 0.05, until_step: Any = None, until_epoch: Any = None) -> Slice:
        """Train an epoch."""
        if self.seconds:  # else nothing is to wait, and no other thread is to have its turn
            time.sleep(self.seconds)
        self.step = self.epoch = self.epoch + 1
        self.status = "completed" if self.epoch >= self.epochs else "running"
        row = {"epoch": self.epoch, "step": self.step, "dev_error": self.settings["p0"]}
        return Slice(self.status, None, [row], [])

    def save(self) -> bytes:
        """Return nothing."""
        return b"{}"

    def model(self) -> bytes:
        """Return nothing."""
        return b"{}"

    def result(self) -> dict[str, float]:
        """Return the objective."""
        return {"dev_error": float(self.settings["p0"])}


class Nothing:
    """The plugin."""

    data_settings: tuple[str, ...] = ()

    def settings(self) -> list[Info]:
        """Describe the settings."""
        return [Info(name) for name in SETTINGS]

    def check(self, settings: Mapping[str, Any], dataset: Mapping[str, Any]) -> list[Any]:
        """Find nothing wrong."""
        return []

    def load(self, dataset: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        """Load nothing."""

    def start(self, settings: Mapping[str, Any], data: None, seed: int) -> Run:
        """Begin."""
        return Run(settings)

    def restore(self, checkpoint: bytes, data: None) -> Run:
        """Begin again."""
        return Run({"p0": 0.0})

    def warm(self) -> None:
        """Compile nothing."""
