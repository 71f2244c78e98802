"""Where constraints hold: a model of what each one measures, and the chance that a point keeps them all.

A trial that breaks a constraint tells by how much, and what its value would have been. So both are modelled
as numbers (Gardner et al. 2014); only trials that failed, of which nothing is known, are kept away from as
they are: by distance.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr

from caviar.search.encoding import SpaceEncoding
from caviar.search.failures import LATEST, Caution
from caviar.search.history import Floats, History, Integers
from caviar.search.observations import WINDOW
from caviar.search.surrogate import Surrogate, fit

LEAST = 4  # measured amounts from which there is a model
SURE = 0.9  # the chance that a trial should have; the best points lie where a constraint just holds
STEEP = 1000.0  # how much a smaller chance costs
DARING = 8  # one in so many trials goes where it may break one: constraints may hold elsewhere, too
LOWEST = -60.0  # of a log chance: far away all points are alike


class Feasibility:
    """What a point loses, as a logarithm, by the chance that it fails or breaks a constraint."""

    def __init__(self, encoding: SpaceEncoding, history: History, before: int, daring: bool) -> None:
        self._encoding, self._daring = encoding, daring
        unknown = history.units[history.fails & ~measured(history)][-LATEST:]
        self._caution = Caution(encoding, as_measured(history), unknown) if len(unknown) else None
        slacks = np.empty((len(history), 0)) if history.kept is None else history.kept.slacks
        models = (_model(encoding, history, column, before) for column in slacks.T)
        self._models = [model for model in models if model is not None]

    @classmethod
    def of(cls, encoding: SpaceEncoding, history: History, before: int, number: int) -> "Feasibility | None":
        """Return what a history teaches trial `number`; None where nothing has failed or been broken.

        `before`: kernels are those of the results below this number, so that a round pays for them once.
        """
        return cls(encoding, history, before, number % DARING == 0) if history.fails.any() else None

    def at(self, units: Floats) -> Floats:
        """Return the log of the chance at each point, and more off where it is small; rounded."""
        columns, chance = self._encoding.features(units), np.zeros(len(units))
        for model, limit, noise in self._models:
            mean, deviation = model.predict(columns)
            chance += np.maximum(log_ndtr((limit - mean) / np.sqrt(deviation**2 + noise)), LOWEST)
        if not self._daring:
            chance += STEEP * np.minimum(chance - np.log(SURE), 0.0)
        chance = np.round(chance, 6)
        return np.asarray(chance if self._caution is None else chance + self._caution.at(units))


def measured(history: History) -> npt.NDArray[np.bool_]:
    """Return which trials break a constraint by a known amount, and have a value that does not count."""
    if history.kept is None:
        return np.zeros(len(history), dtype=np.bool_)
    return np.asarray(np.isfinite(history.kept.withheld) & ~np.isnan(history.values))


def as_measured(history: History) -> History:
    """Return a history in which trials that break a constraint have the value that does not count."""
    if history.kept is None:
        return history
    return replace(history, values=np.where(measured(history), history.kept.withheld, history.values))


def _model(
    encoding: SpaceEncoding, history: History, slacks: Floats, before: int
) -> tuple[Surrogate, float, float] | None:
    """Return the model of one constraint, where its limit lies among the targets, and the noise."""
    rows = _window(slacks, np.flatnonzero(np.isfinite(slacks) & ~np.isnan(history.values)))
    if len(rows) < LEAST or np.ptp(slacks[rows]) == 0:
        return None
    # Near the limit as they are, far from it by their logarithms: sizes differ by orders of magnitude.
    scale = float(np.median(np.abs(slacks[rows]))) or float(np.abs(slacks[rows]).max())
    bent = np.arcsinh(slacks[rows] / scale)
    targets = (bent - bent.mean()) / bent.std()
    columns, axes = encoding.features(encoding.snap(history.units[rows])), encoding.axis_of_feature
    early = history.numbers[rows] < before
    if early.sum() < LEAST or np.ptp(targets[early]) == 0:
        early[:] = True
    kernel = fit(columns[early], axes, targets[early])
    return (
        Surrogate(kernel, axes, columns, targets, columns[:0]),
        float(-bent.mean() / bent.std()),
        kernel.noise,
    )


def _window(slacks: Floats, rows: Integers) -> Integers:
    """Return the latest of these rows and, of the others, those nearest to the limit."""
    if len(rows) <= WINDOW:
        return rows
    latest, older = rows[-WINDOW // 3 :], rows[: -WINDOW // 3]
    nearest = np.argsort(np.abs(slacks[older]), kind="stable")[: WINDOW - len(latest)]
    return np.concatenate([np.sort(older[nearest]), latest])
