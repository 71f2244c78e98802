"""Curves of the visible trials, cut down to what a stopping rule compares: their values at the rungs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from caviar.search.history import Floats, Integers
from caviar.search.values import How, values_along


def rung_values(
    curve: Sequence[float] | Floats, ladder: Sequence[int], direction: str, how: How = None
) -> Floats:
    """Value at each rung, lower is better; NaN where the curve ends before it.

    It is the best so far unless the objective says what a value is, because a single noisy epoch should
    neither save nor end a trial. The curve has the metric of epoch 1 first, in the metric's own sign; an
    epoch that is not finite counts as the worst.
    """
    values = np.full(len(ladder), np.nan)
    if not len(curve) or not len(ladder):
        return values
    signed = values_along(curve, how or "best", direction) * (-1.0 if direction == "maximize" else 1.0)
    along = np.where(np.isnan(signed), np.inf, signed)
    for position, epoch in enumerate(ladder):
        if epoch <= len(along):
            values[position] = along[epoch - 1]
    return values


@dataclass(frozen=True)
class CurveTable:
    """One row per visible trial, one column per rung, as `rung_values` gives them."""

    rungs: tuple[int, ...]
    numbers: Integers  # (n,)
    values: Floats  # (n, r)

    @classmethod
    def of(
        cls,
        rungs: tuple[int, ...],
        numbers: Sequence[int],
        curves: Sequence[Sequence[float]],
        direction: str,
        how: How = None,
    ) -> Self:
        """Make a table from whole curves."""
        rows = [rung_values(curve, rungs, direction, how) for curve in curves]
        return cls(rungs, np.asarray(numbers, dtype=np.int64), np.array(rows).reshape(len(rows), len(rungs)))
