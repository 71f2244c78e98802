"""The plan by which a trial may be ended early, and what it says of a learning curve."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


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
    """Return the next epoch at which `verdict` may stop a trial: nobody should train past it unasked."""
    ends = [at for at, _ in plan.checks if at > epoch]
    if plan.patience is not None:
        ends.append(max(epoch, plan.patience, plan.warmup) + 1)
    return min(ends, default=None)


def as_stored(value: float) -> float:
    """Return a metric as learning curves keep it, in 32 bits: what `verdict` is to be asked about.

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
