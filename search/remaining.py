"""What further trials may still bring: when it is sensible to stop searching."""

from dataclasses import dataclass

import numpy as np

from caviar.search.history import History, finite_values


@dataclass(frozen=True)
class Remaining:
    """How good the best of the trials so far is, and what as many as are left may add."""

    trials: int  # with a finite value
    share: float  # the best one is in the best such share of all points ...
    confidence: float  # ... with this probability
    probability: float  # that one of the trials left is better than the best so far
    improvement: float  # expected improvement of the best by the trials left, in units of the objective
    text: str


def top_share(trials: int, confidence: float = 0.95) -> float:
    """Share of the space whose best part n random trials have hit with some confidence: (1 - s)^n = 1 - c."""
    return 1.0 - (1.0 - confidence) ** (1.0 / trials) if trials else 1.0


def remaining(history: History, left: int, confidence: float = 0.95) -> Remaining:
    """Judge a search by its trials as if they were drawn at random, which a strategy should better.

    With n independent trials, one of m further ones is the new best with probability m / (n + m). For the
    improvement the best values (a tenth, at least 3) are taken as evenly spread, s apart: the best of n is
    then s (n+1) / (n+1) above the lower end on average, that of n + m is s (n+1) / (n+m+1).
    """
    values = np.sort(finite_values(history.values[np.isfinite(history.values)]))
    count = len(values)
    probability = left / (count + left) if count + left else 0.0
    improvement = 0.0
    if count >= 2:
        tail = min(max(3, count // 10), count - 1)
        apart = float(values[tail] - values[0]) / tail
        improvement = apart * (1.0 - (count + 1) / (count + left + 1))
    share = top_share(count, confidence)
    text = (
        f"{count} random trials are in the top {100 * share:.2g} % with {100 * confidence:.0f} % confidence; "
        f"{left} more would find a better one with {100 * probability:.0f} %"
    )
    return Remaining(count, share, confidence, probability, improvement, text)
