"""Settings for a copy by a model: a bandit on the gains of the turns so far, which fade with time.

As PB2 (Parker-Holder, Nguyen and Roberts 2020): a Gaussian process over the settings, the turn and the value
at its start says how much a turn gains. A copy takes the settings with the best chance of a large gain; those
that others of its turn take are believed to gain what is expected of them, so that copies spread.
"""

import numpy as np

from caviar.search.encoding import SpaceEncoding, encoding_of
from caviar.search.history import BY_HAND, Floats, History, Integers
from caviar.search.perturbation import moved_on, obedient
from caviar.search.proposal import round_for_determinism
from caviar.search.randomness import generator
from caviar.search.space import Units
from caviar.search.spec import SearchSpec
from caviar.search.strategy_settings import Population
from caviar.search.surrogate import Surrogate, fit, warp

ENOUGH = 6  # turns with a gain, before a model can tell anything
MOST = 128  # of the latest turns: older ones say little, and the work grows with the third power
ANYWHERE, NEAR = 192, 64  # settings that are considered: of the whole space, and small moves
CAUTION = 1.0  # standard deviations below the mean at which settings are compared


def settings_of(spec: SearchSpec) -> Population:
    """Return the settings of a search's population."""
    assert isinstance(spec.strategy, Population)
    return spec.strategy


def improving(spec: SearchSpec, number: int, history: History, parent: int, axes: list[int]) -> Units | None:
    """Return coordinates for a copy of a trial, on some axes; None while too little is known."""
    rows, before, change = gains(history)
    rows, before, change = rows[-MOST:], before[-MOST:], change[-MOST:]
    if len(rows) < ENOUGH or np.ptp(change) == 0.0 or not axes:
        return None
    rng = generator(spec.seed, number, "model")
    units = _considered(spec, np.array(history.units[parent]), axes, rng)
    if not len(units):
        return None
    encoding = encoding_of(spec.space)
    members = settings_of(spec).members
    turns = (np.searchsorted(members_of(history), rows) // members).astype(np.float64)
    now = float(number // members)
    context = _Context(encoding, axes, now, np.sort(history.values[before]))
    known = context.columns(history.units[rows], turns, history.values[before])
    targets = warp(change)
    kernel = fit(known, context.axis_of_column, targets)
    same = np.full(len(history.pending), history.values[parent])
    believed = context.columns(history.pending, np.full(len(same), now), same)
    model = Surrogate(kernel, context.axis_of_column, known, targets, believed)
    start = np.full(len(units), history.values[parent])
    mean, deviation = model.predict(context.columns(units, np.full(len(units), now), start))
    best = units[int(np.argmin(np.round(mean - CAUTION * deviation, 6)))]
    return obedient(spec.space, round_for_determinism(best), np.array(history.units[parent]), axes)


class _Context:
    """Columns of the model: the settings that vary, the turn, and how good the start was."""

    def __init__(self, encoding: SpaceEncoding, axes: list[int], now: float, starts: Floats) -> None:
        self._encoding = encoding
        self._kept = np.isin(encoding.axis_of_feature, axes)
        self._now = max(now, 1.0)
        self._starts = starts
        _, own = np.unique(encoding.axis_of_feature[self._kept], return_inverse=True)
        self.axis_of_column: Integers = np.concatenate([own, [own.max() + 1, own.max() + 2]])

    def columns(self, units: Floats, turns: Floats, starts: Floats) -> Floats:
        """Return the columns of some turns: coordinates (m, d), turns (m,) and values at the start (m,)."""
        settings = self._encoding.features(units)[:, self._kept]
        rank = np.searchsorted(self._starts, starts) / max(len(self._starts), 1)
        return np.column_stack([settings, turns / self._now, rank])


def _considered(spec: SearchSpec, unit: Units, axes: list[int], rng: np.random.Generator) -> Floats:
    """Return settings to choose from, (m, d): of the whole space, and near those of the parent."""
    units = np.tile(unit, (ANYWHERE + NEAR, 1))
    units[:ANYWHERE, axes] = rng.random((ANYWHERE, len(axes)))
    for row in units[ANYWHERE:]:
        row[axes] = [moved_on(spec.space.axes[axis], float(unit[axis]), rng) for axis in axes]
    return encoding_of(spec.space).snap(units)


def gains(history: History) -> tuple[Integers, Integers, Floats]:
    """Return the rows of turns with a result before and after, the row before each, and the change of value.

    The lower the change is, the more was gained.
    """
    if history.continues is None:
        raise ValueError("the history does not tell which trial each one goes on from")
    rows = np.flatnonzero(history.continues >= 0)
    before = np.searchsorted(history.numbers, history.continues[rows])
    change = history.values[rows] - history.values[before]
    kept = np.isfinite(change)
    return rows[kept], before[kept], change[kept]


def members_of(history: History) -> Integers:
    """Return the rows of the trials that the strategy proposed; forks and reruns are no members."""
    if history.continues is None:
        return np.arange(len(history))
    return np.flatnonzero(history.continues != BY_HAND)
