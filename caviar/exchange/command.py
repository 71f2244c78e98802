"""A command as it waits in an agent for its moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from caviar.exchange.wire import CommandOrder

NOW = "now"
EPOCH_END = "epoch_end"
REFUSE, APPLY = "refuse", "apply"  # what to do with a command whose epoch has passed


@dataclass(frozen=True)
class ReceivedCommand:
    """One thing that a person asks of a trial."""

    id: int
    kind: str
    arguments: Mapping[str, Any]
    at: str  # now, epoch_end, epoch:30 or no_improvement:5
    received_epoch: int
    late: str = REFUSE  # what to do when its epoch has passed
    lateness: str | None = None  # of one that is carried out late: how late it is

    @classmethod
    def of(cls, order: CommandOrder, epoch: int) -> Self:
        """Return the command of an order that came after so many epochs."""
        when = order.when
        at, late = str(when.get("at", NOW)), str(when.get("late", REFUSE))
        return cls(order.id, order.kind, order.arguments, at, epoch, late)

    def due_epoch(self) -> int | None:
        """Return the epoch at whose end it is due, None where that cannot be known beforehand."""
        if self.at == EPOCH_END:
            return self.received_epoch + 1
        if self.at.startswith("epoch:"):
            return int(self.at.removeprefix("epoch:"))
        return None

    def passed(self, epoch: int) -> str:
        """Say that its moment was over when it came to the trial, or when the trial came to it."""
        return f"epoch {self.due_epoch()} had passed (the trial was at {epoch})"
