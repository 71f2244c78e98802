"""A command as it waits in an agent for its moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from caviar.exchange.wire import CommandOrder

NOW = "now"
EPOCH_END = "epoch_end"


@dataclass(frozen=True)
class ReceivedCommand:
    """One thing that a person asks of a trial."""

    id: int
    kind: str
    arguments: Mapping[str, Any]
    at: str  # now, epoch_end, epoch:30 or no_improvement:5
    received_epoch: int

    @classmethod
    def of(cls, order: CommandOrder, epoch: int) -> Self:
        """Return the command of an order that came after so many epochs."""
        return cls(order.id, order.kind, order.arguments, str(order.when.get("at", NOW)), epoch)

    def due_epoch(self) -> int | None:
        """Return the epoch at whose end it is due, None where that cannot be known beforehand."""
        if self.at == EPOCH_END:
            return self.received_epoch + 1
        if self.at.startswith("epoch:"):
            return int(self.at.removeprefix("epoch:"))
        return None
