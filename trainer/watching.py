"""What a run looks at beside its kernels: statistics of layers where they are asked for, and probes.

A probe takes some passes through a small sample. So it is made only where the training cost stands, jumps or
is hardly better than that of a constant model, for no more than that leaves open, and at few epochs: 8, 12,
16, 24, 32, 48, ... after the beginning or the last change, and after the last one. Whether it is made follows
from the epochs before, so that a replay has it too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from . import probe
from .data.types import Data
from .kernels import structs
from .network import Network
from .settings import Settings

WINDOW = 8  # epochs a judgement looks back on; fewer cannot tell a trend from the noise of mini-batches
STANDING = 0.02  # less of its level does a cost fall from one half of the window to the other that stands
POOR = 0.5  # of the cost of a constant model: above it a network has learned little
UNLEARNED = 0.3  # of it: below it slow learning is no trouble


def stands(costs: Sequence[float]) -> bool:
    """Return whether a cost has stopped falling, by the last `WINDOW` epochs."""
    last = [float(cost) for cost in costs[-WINDOW:]]
    if len(last) < WINDOW or not all(map(math.isfinite, last)):
        return False
    half = WINDOW // 2
    before, after = sum(last[:half]) / half, sum(last[half:]) / half
    return before - after < STANDING * abs(before)


def uneven(costs: Sequence[float]) -> bool:
    """Return whether a cost rises in some of the last `WINDOW` epochs, and does not fall by much."""
    last = [float(cost) for cost in costs[-WINDOW:]]
    rises = sum(after > before for before, after in pairwise(last))
    return rises >= 2 and last[-1] > 0.7 * last[0]


class Watching:
    """The eyes of one run.

    Attributes
    ----------
    recent : list of float
        Training costs of the last epochs since `since`, the epoch of the last change.
    """

    def __init__(self, data: Data, network: Network) -> None:
        self.recent: list[float] = []
        self.since = 0
        self._data, self._network = data, network
        self._sample: probe.Sample | None = None
        self._constant: float | None = None

    def begin_anew(self, epoch: int) -> None:
        """Forget what was before a change of settings."""
        self.recent, self.since = [], epoch

    def next_look(self, epoch: int, settings: Settings) -> int:
        """Return the next epoch after which there may be something to look at."""
        if settings.layer_statistics:
            return epoch + 1
        ahead = self.since + _next_due(epoch - self.since)
        return min(ahead, settings.epochs) if settings.epochs > epoch else ahead

    def look(
        self,
        rows: Sequence[dict[str, float]],
        epoch: int,
        settings: Settings,
        hyper: structs.Hyper,
        state: structs.State,
    ) -> dict[str, float]:
        """Take in the epochs of a call that ended with `epoch`; return what is seen at its end."""
        costs = [row["train_cost"] for row in rows if row["epoch"] > self.since]
        self.recent = [*self.recent, *costs][-WINDOW:]
        due = epoch == settings.epochs or _next_due(epoch - self.since - 1) == epoch - self.since
        purpose = self._purpose(settings) if due and len(self.recent) == WINDOW else None
        if purpose is not None:
            m = len(self._data.X_train)
            with np.errstate(all="ignore"):
                return probe.probe(self._network, hyper, state, self._of(settings), m, purpose)
        if settings.layer_statistics:
            with np.errstate(all="ignore"):
                return probe.layer_statistics(self._network, state.weights, self._of(settings))
        return {}

    def _purpose(self, settings: Settings) -> probe.Purpose | None:
        """Return what a probe is to tell; None where the cost falls well, and none is needed."""
        standing, jumping = stands(self.recent), uneven(self.recent)
        share = self.recent[-1] / self._constant_cost(settings)
        if not (standing or jumping) and share <= POOR:
            return None
        # half, since the penalty and dropout are in this cost, and not in a probe's
        return probe.Purpose(noise=jumping, longer=standing and not share < UNLEARNED / 2)

    def _constant_cost(self, settings: Settings) -> float:
        if self._constant is None:
            self._constant = max(probe.constant_cost_of(self._data, settings), 1e-12)
        return self._constant

    def _of(self, settings: Settings) -> probe.Sample:
        if self._sample is None:
            self._sample = probe.sample_of(self._data, settings)
        return self._sample

    def told(self) -> dict[str, Any]:
        """Return what a checkpoint holds of it."""
        return {"since": self.since, "recent": self.recent}

    def recall(self, told: dict[str, Any]) -> None:
        """Go on from a checkpoint; one of an earlier version tells nothing."""
        self.since, self.recent = int(told.get("since", 0)), list(told.get("recent", ()))


def _next_due(after: int) -> int:
    """Return the smallest of 8, 12, 16, 24, 32, 48, ... that is larger: 2^k, or 3 2^k."""
    power = 1 << max(0, after).bit_length()
    return max(WINDOW, 3 * power // 4 if 3 * power // 4 > after else power)
