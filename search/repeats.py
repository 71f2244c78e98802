"""Repeats: points that are tried again on purpose.

A value is one draw. Where the draws of one point differ much, what looks best is mostly lucky, and a further
trial of it tells more than a new point; and in a space with fewer points than the budget there comes a time
when every point has been tried. A repeat is a training of its own, with a seed of its own.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from caviar.search.history import LARGEST, Floats, History, Integers

EVERY = 3  # one in so many trials may try again what leads
NOISY = 0.1  # variance of the noise, in units of the signal's, from which what leads is tried again
TELLING = 0.2  # deviation of the draws of one point, in units of how far the quarter point is from the best
SECOND = 1 / 3  # chance of the second lowest
LEAST = 0.01  # share of the other deviation that one is always taken for


@dataclass(frozen=True, eq=False)
class Tried:
    """The points that have been tried, each once."""

    rows: Integers  # (k,) of the history, where each is first; those that only run are left out
    means: Floats  # (k,) of the values of each; inf where one is, NaN where none is known
    counts: Integers  # (k,) values of each
    begun: Integers  # (k,) trials of each, those still running too
    within: float | None  # deviation between the draws of one point; None while no point has two

    @property
    def expected(self) -> Floats:
        """What each point (k,) is worth: its mean, drawn to that of the better half if little is known.

        The weights are those of normal means with a normal prior (Efron and Morris 1973). Without repeats
        these are the values themselves; inf where no finite mean is known.
        """
        finite = np.isfinite(self.means)
        means = np.where(finite, self.means, np.inf)
        if self.within is None or not finite.any():
            return means
        noise = self.within**2 / np.maximum(self.counts, 1)
        good = means <= np.median(means[finite])
        between = max(float(means[good].var() - noise[good].mean()), LEAST * self.within**2, 1e-300)
        weights = between / (between + noise)
        return np.where(
            finite, weights * np.where(finite, means, 0.0) + (1 - weights) * means[good].mean(), np.inf
        )

    @classmethod
    def of(cls, history: History) -> "Tried":
        """Gather the points of a history."""
        keys = _keys(history.units)
        _, rows, where = np.unique(keys, return_index=True, return_inverse=True)
        values = np.maximum(history.values, -LARGEST)
        values[values < np.inf] = np.minimum(values[values < np.inf], LARGEST)
        known = ~np.isnan(values)
        counts = np.bincount(where[known], minlength=len(rows))
        with np.errstate(invalid="ignore"):
            means = np.bincount(where[known], values[known], len(rows)) / counts
        finite = known & np.isfinite(means[where])
        squares = np.square(values[finite] - means[where[finite]]).sum()
        degrees = int(finite.sum()) - len(np.unique(where[finite]))
        within = float(np.sqrt(squares / degrees)) if degrees else None
        running = _keys(history.pending)
        again = np.searchsorted(keys[rows], running[np.isin(running, keys)])
        return cls(rows, means, counts, counts + np.bincount(again, minlength=len(rows)), within)


def _keys(units: Floats) -> npt.NDArray[np.uint64]:
    """One number for each point (n,), the same for the same one."""
    steps = np.round(units * 2.0**24).astype(np.uint64)
    return np.asarray((steps * _factors(units.shape[1])).sum(axis=1, dtype=np.uint64))


@lru_cache(maxsize=64)
def _factors(count: int) -> npt.NDArray[np.uint64]:
    return np.random.default_rng(1).integers(0, 2**64 - 1, count, dtype=np.uint64) | np.uint64(1)


def all_tried(points: Floats, history: History) -> bool:
    """Return whether each of some points (m, d) has been tried, or is being."""
    if len(points) > len(history) + len(history.pending):
        return False
    known = np.concatenate([_keys(history.units), _keys(history.pending)])
    return bool(np.isin(_keys(points), known).all())


def worth_again(history: History, small: bool) -> Integers:
    """Numbers of trials (k,), one for each point of which a further trial may tell something.

    There are none where the draws of one point hardly differ. While no point has two, one of a small space
    may be tried again to find out: there new points run short.
    """
    tried = Tried.of(history)
    telling = _differ(tried) if tried.within is not None else small and not (tried.begun > 1).any()
    seldom = np.isfinite(tried.means) & ~_often(tried, history)
    return history.numbers[tried.rows[seldom]] if telling else history.numbers[:0]


def leader_again(history: History, noise: float) -> int | None:
    """Row of the point that looks best, by the mean of its trials, if one more trial of it tells enough.

    So luck is found out: a lucky point's mean falls behind, and the next one is looked at. `noise`: its
    variance as a model of the values finds it; once a point has two values, what they differ by decides.
    """
    tried = Tried.of(history)
    usable = np.flatnonzero(np.isfinite(tried.means))
    if len(usable) < 3 or not (noise >= NOISY if tried.within is None else _differ(tried)):
        return None
    best = usable[np.argmin(tried.means[usable])]
    return None if _often(tried, history)[best] else int(tried.rows[best])


def lucky(history: History) -> tuple[int, int] | None:
    """Numbers of the trial with the lowest value and of the one whose point is expected to be best.

    None where they are of one point, or where no repeats tell that values differ from draw to draw.
    """
    tried = Tried.of(history)
    if not _differ(tried):
        return None
    values = np.where(np.isnan(history.values), np.inf, history.values)
    lowest, leads = int(np.argmin(values)), int(tried.rows[np.argmin(tried.expected)])
    if np.array_equal(_keys(history.units[[lowest]]), _keys(history.units[[leads]])):
        return None
    return int(history.numbers[lowest]), int(history.numbers[leads])


def _differ(tried: Tried) -> bool:
    """Return whether the draws of one point differ too much to tell good points apart by one."""
    means = np.sort(tried.means[np.isfinite(tried.means)])
    if tried.within is None or len(means) < 3:
        return False
    return bool(tried.within > TELLING * (means[(len(means) - 1) // 4] - means[0]))


def _often(tried: Tried, history: History) -> npt.NDArray[np.bool_]:
    """Which points have been tried so often that a new one tells more."""
    return tried.begun >= 2 + len(history) // 16


def by_promise(history: History, rng: np.random.Generator) -> int | None:
    """Row of one of the tried points, drawn by how likely it is to be the best; None while none has ended.

    A mean is drawn for each from what its values leave open, and the lowest wins (Thompson 1933); one time in
    three the second lowest, so that it is also known what the best one beats (Russo 2020).
    """
    tried = Tried.of(history)
    usable = np.flatnonzero(np.isfinite(tried.means))
    if not len(usable):
        return int(tried.rows[np.argmin(tried.begun)]) if len(tried.rows) else None
    means, begun = tried.means[usable], np.maximum(tried.begun[usable], 1)
    between = float(means.std()) or 1.0
    within = max(between if tried.within is None else tried.within, LEAST * between)
    drawn = np.round(means + within / np.sqrt(begun) * rng.standard_normal(len(usable)), 12)
    place = 1 if rng.random() < SECOND and len(drawn) > 1 else 0
    return int(tried.rows[usable[np.argsort(drawn, kind="stable")[place]]])
