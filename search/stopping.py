"""The plan by which a trial may be ended early, and what it says of a learning curve."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.search.history import Floats
from caviar.search.values import How, values_along


@dataclass(frozen=True)
class StopPlan:
    """Stop at the epoch of a check if the value there is worse than its bound, or when patience runs out.

    The value is the best so far unless the objective says what it is.

    Bounds have the sign of the metric; worse means above when minimizing, below when maximizing.
    """

    checks: tuple[tuple[int, float], ...] = ()  # (epoch, bound), epochs ascending
    patience: int | None = None  # epochs without improvement
    warmup: int = 0
    why: str = "runs to its end"
    last: int | None = None  # the last epoch that the budget of its search allows

    def table(self) -> dict[str, Any] | None:
        """Return it as agents are told; None when there is nothing to check."""
        if not self.checks and self.patience is None and self.last is None:
            return None
        found = {"checks": self.checks, "patience": self.patience, "warmup": self.warmup, "why": self.why}
        return found if self.last is None else {**found, "last": self.last}


def verdict(
    plan: StopPlan, curve: Sequence[float], direction: str, how: How = None, judged: int | None = None
) -> str | None:
    """Say why a trial stops after the last epoch of its curve, None if it goes on.

    To be asked once after every epoch; the curve has the metric of epoch 1 first. A script that tells only
    some of the epochs is `judged` up to the one before: the bounds of those between count too.
    """
    if plan.last is not None and len(curve) >= plan.last:
        return f"the search has no more epochs to spend: its budget ends at epoch {plan.last} of this trial"
    epoch, word = len(curve), {"best": "best", "last": "value"}.get(str(how or "best"), "mean")
    judged = epoch - 1 if judged is None else judged
    due = [bound for at, bound in plan.checks if judged < at <= epoch]
    impatient = plan.patience is not None and epoch > max(plan.patience, plan.warmup)
    if not due and not impatient:
        return None
    along = values_along(curve, how or "best", direction)
    now = float(along[-1])
    for bound in due:
        if math.isnan(now) or (now > bound if direction == "minimize" else now < bound):
            shown = "no finite value" if math.isnan(now) else f"{now:.6g}"
            return f"at epoch {epoch} the {word} was {shown}, the bound {bound:.6g}: {plan.why}"
    if plan.patience is not None and impatient:
        before, recent = _best(along[: -plan.patience], direction), _best(along[-plan.patience :], direction)
        if recent is None or (
            before is not None and (before <= recent if direction == "minimize" else before >= recent)
        ):
            return f"no improvement in {plan.patience} epochs"
    return None


def judged_after(plan: StopPlan, epoch: int) -> int | None:
    """Return the next epoch at which `verdict` may stop a trial: nobody should train past it unasked."""
    ends = [at for at, _ in plan.checks if at > epoch]
    if plan.last is not None:
        ends.append(max(plan.last, epoch + 1))
    if plan.patience is not None:
        ends.append(max(epoch, plan.patience, plan.warmup) + 1)
    return min(ends, default=None)


LARGEST_STORED = float(np.finfo(np.float32).max)


def as_stored(value: float) -> float:
    """Return a metric as learning curves keep it, in 32 bits: what `verdict` is to be asked about.

    The bounds come from curves that were kept. Without this a trial as good as its bound would go on or stop
    by the last bits, and one that is resumed would be judged otherwise than one never interrupted.
    """
    if -LARGEST_STORED <= value <= LARGEST_STORED:
        return float(np.float32(value))
    with np.errstate(over="ignore"):  # which takes longer than the rest of an epoch's bookkeeping
        return float(np.float32(value))


def _best(curve: Floats, direction: str) -> float | None:
    finite = curve[np.isfinite(curve)]
    if not len(finite):
        return None
    return float(finite.min() if direction == "minimize" else finite.max())
