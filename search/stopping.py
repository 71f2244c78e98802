"""Stopping rules: when a trial may be ended early, decided before it starts.

A rule compares a trial with the visible ones only, and those have all ended. So its whole decision can be
written down with the proposal: a table of bounds that the agent obeys without asking anybody, the same
however many workers there are.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from caviar.search.curves import CurveTable
from caviar.search.history import Floats
from caviar.search.settings import Hyperband, Median, Patience, SuccessiveHalving, Threshold
from caviar.search.spec import SearchSpec


@dataclass(frozen=True)
class StopPlan:
    """Stop at the epoch of a check if the best so far is worse than its bound, or when patience runs out.

    Bounds have the sign of the metric; worse means above when minimizing, below when maximizing.
    """

    checks: tuple[tuple[int, float], ...] = ()  # (epoch, bound), epochs ascending
    patience: int | None = None  # epochs without improvement
    warmup: int = 0
    why: str = "runs to its end"


def verdict(plan: StopPlan, curve: Sequence[float], direction: str) -> str | None:
    """Say why a trial stops after the last epoch of its curve, None if it goes on.

    To be asked once after every epoch; the curve has the metric of epoch 1 first.
    """
    epoch = len(curve)
    for at, bound in plan.checks:
        if at == epoch:
            best = _best(curve, direction)
            if best is None or (best > bound if direction == "minimize" else best < bound):
                shown = "no finite value" if best is None else f"{best:.6g}"
                return f"at epoch {at} the best was {shown}, the bound {bound:.6g}: {plan.why}"
    if plan.patience is not None and epoch > max(plan.patience, plan.warmup):
        before, recent = _best(curve[: -plan.patience], direction), _best(curve[-plan.patience :], direction)
        if recent is None or (
            before is not None and (before <= recent if direction == "minimize" else before >= recent)
        ):
            return f"no improvement in {plan.patience} epochs"
    return None


def judged_after(plan: StopPlan, epoch: int) -> int | None:
    """Give the next epoch at which `verdict` may stop a trial: nobody should train past it unasked."""
    ends = [at for at, _ in plan.checks if at > epoch]
    if plan.patience is not None:
        ends.append(max(epoch, plan.patience, plan.warmup) + 1)
    return min(ends, default=None)


def kept(value: float) -> float:
    """Give a metric as learning curves keep it, in 32 bits: what `verdict` is to be asked about.

    The bounds come from curves that were kept. Without this a trial as good as its bound would go on or stop
    by the last bits, and one that is resumed would be judged otherwise than one never interrupted.
    """
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def _best(curve: Sequence[float], direction: str) -> float | None:
    finite = [value for value in curve if math.isfinite(value)]
    if not finite:
        return None
    return min(finite) if direction == "minimize" else max(finite)


def plan(spec: SearchSpec, number: int, curves: CurveTable) -> StopPlan:
    """Fix the bounds of trial `number`; a pure function of its arguments.

    The table holds the trials below `spec.horizon(number)`, at the rungs of `search.curves.rungs`.
    """
    rule, sign = spec.stopping, -1.0 if spec.objective.direction == "maximize" else 1.0
    if isinstance(rule, Patience):
        return StopPlan((), rule.epochs, rule.warmup, f"patience of {rule.epochs} epochs")
    if isinstance(rule, Threshold):
        return StopPlan(((max(rule.warmup, 1), rule.bound),), None, rule.warmup, "the threshold")
    if isinstance(rule, Median):
        why = "the median of the trials before"
        return StopPlan(_checks(curves.rungs, curves.values, _median(rule.least), sign), why=why)
    if isinstance(rule, SuccessiveHalving):
        why = f"the best 1/{rule.factor} of the trials before go on"
        return StopPlan(_checks(curves.rungs, curves.values, _best_share(rule.factor), sign), why=why)
    if isinstance(rule, Hyperband):
        return _hyperband(rule.factor, number, curves, sign)
    return StopPlan()


Bound = Callable[[Floats], float | None]


def _checks(
    rungs: tuple[int, ...], values: Floats, bound: Bound, sign: float
) -> tuple[tuple[int, float], ...]:
    """Bound at each rung where enough trials can be compared and the bound is a finite number."""
    checks = []
    for epoch, column in zip(rungs, values.T, strict=True):
        limit = bound(np.sort(column[~np.isnan(column)]))
        if limit is not None and math.isfinite(limit):
            checks.append((epoch, sign * limit))
    return tuple(checks)


def _median(least: int) -> Bound:
    def bound(ascending: Floats) -> float | None:
        # The lower one of two medians: the mean of a number and an infinity bounds nothing.
        return float(ascending[(len(ascending) - 1) // 2]) if len(ascending) >= least else None

    return bound


def _best_share(factor: int) -> Bound:
    """Asynchronous successive halving (Li et al. 2020): belong to the best share of those seen here."""

    def bound(ascending: Floats) -> float | None:
        keep = (len(ascending) + 1) // factor
        return float(ascending[keep - 1]) if keep else None

    return bound


def _hyperband(factor: int, number: int, curves: CurveTable, sign: float) -> StopPlan:
    """Halve inside a bracket; bracket s begins at rung s, the last one runs every trial to its end."""
    bracket = bracket_of(number, len(curves.rungs), factor)
    if bracket == len(curves.rungs):
        return StopPlan(why="bracket without halving")
    same = [bracket_of(int(other), len(curves.rungs), factor) == bracket for other in curves.numbers]
    values = curves.values[np.array(same, dtype=np.bool_), bracket:]
    checks = _checks(curves.rungs[bracket:], values, _best_share(factor), sign)
    return StopPlan(checks, why=f"the best 1/{factor} of bracket {bracket} go on")


def bracket_of(number: int, rungs: int, factor: int) -> int:
    """Bracket of a trial: spread evenly over the numbers, in the proportions of Li et al. (2018)."""
    shares = np.cumsum([factor**level / (level + 1) for level in range(rungs, -1, -1)])
    place = (number * _GOLDEN) % 1.0 * shares[-1]
    return int(np.searchsorted(shares, place, side="right"))


_GOLDEN = (math.sqrt(5) - 1) / 2  # multiples of it modulo 1 are spread as evenly as can be
