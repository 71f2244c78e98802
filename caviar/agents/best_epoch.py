"""The best epoch of a trial in hand: what it had learnt then is what a search with `value: best` keeps."""

from __future__ import annotations

import math
from typing import Any

from caviar.exchange.checkpoint_content import EpochState

WHOLE = ("epoch", "step", "train_seconds")  # of a training, not of its best epoch


class BestEpoch:
    """Follows a run epoch by epoch; the first of equal ones is the best."""

    def __init__(self, direction: str, known: EpochState | None) -> None:
        self._sign = -1.0 if direction == "maximize" else 1.0
        self.found = known or EpochState()

    def look(self, run: Any, value: float) -> None:
        """Take a run in that has just ended an epoch with this value."""
        best = self.found.value
        if math.isfinite(value) and (best is None or self._sign * value < self._sign * best):
            self.found = EpochState(run.epoch, value, run.save())

    def result(self, last: dict[str, float], best: dict[str, float]) -> dict[str, float]:
        """Join what the run says of its end and of its best epoch; counts and times are of all of it."""
        whole = {name: number for name, number in last.items() if name in WHOLE}
        return {**best, **whole, "best_epoch": self.found.epoch}
