"""Evidence: the results that a model is made of, and what it makes of them."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from search.history import LARGEST, Floats, History, Integers
from search.layout import Layout
from search.surrogate import Kernel, Surrogate, fit, warp

WINDOW = 96  # results in a model: if there are more, two thirds the best and one third the latest
MOST_PENDING = 32  # running trials that a model heeds, the latest


@dataclass(frozen=True, eq=False)
class Evidence:
    """Results of a window, their values warped."""

    layout: Layout
    numbers: Integers  # (n,)
    units: Floats  # (n, d)
    targets: Floats  # (n,) lower is better

    @cached_property
    def features(self) -> Floats:
        """Columns of the model, (n, f)."""
        return self.layout.features(self.units)

    @cached_property
    def kernel(self) -> Kernel:
        """Which axes matter and how noisy the values are."""
        return fit(self.features, self.layout.axis_of_feature, self.targets)

    @cached_property
    def smoothed(self) -> Floats:
        """What the model takes each result for, the noise taken off: a lucky one must not lead."""
        alone = self.model(self.kernel, np.empty((0, self.layout.dimensions)))
        return alone.predict(self.features)[0]

    def leaders(self, count: int) -> Integers:
        """Rows of the best results, the best first."""
        return np.argsort(np.round(self.smoothed, 9), kind="stable")[:count]

    def model(self, kernel: Kernel, pending: Floats) -> Surrogate:
        """Model of these results and the latest pending points."""
        running = self.layout.features(pending[-MOST_PENDING:])
        return Surrogate(kernel, self.layout.axis_of_feature, self.features, self.targets, running)


def gather(layout: Layout, history: History, below: int | None = None) -> Evidence | None:
    """Evidence of the trials below a number; None if there is too little to tell good from bad."""
    count = len(history) if below is None else int(np.searchsorted(history.numbers, below))
    values = history.values[:count]
    rows = np.flatnonzero(~np.isnan(values))
    if len(rows) > WINDOW:
        latest, older = rows[-WINDOW // 3 :], rows[: -WINDOW // 3]
        best = np.argpartition(values[older], WINDOW - len(latest))[: WINDOW - len(latest)]
        rows = np.concatenate([np.sort(older[best]), latest])
    values = np.where(np.isinf(values[rows]), values[rows], np.clip(values[rows], -LARGEST, LARGEST))
    if len(values) < 3 or values.min() == values.max():
        return None
    return _remembered(
        layout, history.numbers[rows].tobytes(), history.units[rows].tobytes(), values.tobytes()
    )


@lru_cache(maxsize=256)
def _remembered(layout: Layout, numbers: bytes, units: bytes, values: bytes) -> Evidence:
    """Evidence by content, so that the trials of a round share its kernel and its box."""
    rows = np.frombuffer(units).reshape(-1, layout.dimensions)
    return Evidence(
        layout, np.frombuffer(numbers, dtype=np.int64), layout.snap(rows), warp(np.frombuffer(values))
    )
