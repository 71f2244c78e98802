"""The cost in the plane through the path of a training: the first two principal components of its weights.

After Li et al., Visualizing the Loss Landscape of Neural Nets (2018), section 7. The cost is that of a
sample of the training set, with the weights of its rows and classes, without dropout and regulariser; batch
norm goes by the sample's own mean and variance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import checkpoint, probe
from .kernels import structs
from .landscape_bounds import LEAST_PLACES, LEAST_ROWS, MOST_ROWS
from .problem import AskedError, DataError
from .run import Run

Array = np.ndarray[Any, Any]

STATES = 40  # of a path, at most
NUMBERS = 20_000_000  # of all these states together
USUAL = 25, 1024  # places and rows, where the work is not too much
SPARSE = 11, 64  # as few are taken of large networks where nobody says how many
WORK = 20_000_000_000  # weights x rows x places
MARGIN = 0.25  # of the range of the path, at either end
SLICE_SECONDS = 0.25
_BURST = 1e4  # times the norm of the first weights
_FLAT = 1e-12  # share of the variance below which there is no second direction


class State(NamedTuple):
    """Weights on the path, the learned part of the flat buffer."""

    step: int
    epoch: int
    weights: Array


def states_trained_again(run: Run, changes: Iterable[Mapping[str, Any]], epoch: int) -> list[State]:
    """Train a run from its beginning to the end of an epoch; return states at even numbers of steps.

    Parameters
    ----------
    run : Run
        It is changed.
    changes : iterable of mapping
        ``{"step": 120, "settings": {...}}`` in order: made after so many mini-batches.
    """
    most = max(4, min(STATES, NUMBERS // run.network.learned))
    pending, found, stride = list(changes), [_state(run)], 1
    while True:
        while pending and int(pending[0]["step"]) <= run.step:
            run.change(pending.pop(0)["settings"])
        if run.status != "running" or run.epoch >= epoch:
            break
        target = (run.step // stride + 1) * stride
        if pending:
            target = min(target, int(pending[0]["step"]))
        run.advance(SLICE_SECONDS, target, epoch)
        if run.step % stride == 0 and run.step > found[-1].step:
            found.append(_state(run))
        if len(found) > most:
            found, stride = found[::2], 2 * stride
    return found if found[-1].step == run.step else [*found, _state(run)]


def _state(run: Run) -> State:
    return State(run.step, run.epoch, run.last_weights[: run.network.learned].copy())


def states_kept(run: Run, kept: Iterable[bytes]) -> list[State]:
    """Return the beginning of a run, and its states in checkpoints, which come in order.

    Raises
    ------
    ProblemsError
        A checkpoint cannot be read, or belongs to other data.
    """
    found = [_state(run)]
    for saved in kept:
        _, _, arrays, _ = checkpoint.load(saved, run.data)
        counters = arrays["counters"]
        weights = arrays["weights"][: run.network.learned].copy()
        found.append(State(int(counters[structs.STEP]), int(counters[structs.EPOCH]) - 1, weights))
    return found


def loss_plane(
    run: Run, path: Sequence[State], resolution: int | None = None, rows: int | None = None
) -> dict[str, Any]:
    """Compute the cost on a grid of the plane that fits a path best.

    Parameters
    ----------
    run : Run
        With the settings and data of the training.
    path : sequence of State
    resolution, rows : int, optional
        Places along either axis, and rows of the training set; by default as many as take some seconds.

    Returns
    -------
    dict
        Plain JSON: `x` and `y`, distances from the last state along both directions; `costs`
        (len(y), len(x)), None where one is not finite; `path` with step, epoch, place in the plane and own
        cost of each state; `explained`, the shares of the variance of the path that the directions have.

    Raises
    ------
    AskedError
        So many places and rows are too much for this network.
    DataError
        The path has no plane.
    """
    network = run.network
    sample = probe.sample_of(run.data, run.settings, MOST_ROWS)
    places, taken = affordable(run, resolution, rows)
    sample = sample.few(taken)
    path = _before_it_diverged(path)
    directions, explained = _directions(np.array([state.weights for state in path], np.float64))
    end = path[-1].weights.astype(np.float64)
    on_plane = np.array([(state.weights - end) @ directions.T for state in path])
    x, y = (_axis(on_plane[:, axis], places) for axis in (0, 1))
    costs = [
        [_plain(probe.cost_of(network, end + a * directions[0] + b * directions[1], sample)) for a in x]
        for b in y
    ]
    return {
        "parameters": network.parameters,
        "rows": len(sample.X),
        "of_rows": len(run.data.X_train),
        "batch_norm": network.batch_norm,
        "explained": explained,
        "x": x.tolist(),
        "y": y.tolist(),
        "costs": costs,
        "path": {
            "step": [state.step for state in path],
            "epoch": [state.epoch for state in path],
            "x": on_plane[:, 0].tolist(),
            "y": on_plane[:, 1].tolist(),
            "cost": [_plain(probe.cost_of(network, state.weights, sample)) for state in path],
        },
    }


def affordable(run: Run, resolution: int | None = None, rows: int | None = None) -> tuple[int, int]:
    """Return places and rows; those that nobody asked for are fewer for large networks.

    Raises
    ------
    AskedError
        So many are too much for this network.
    """
    parameters, there = run.network.parameters, min(MOST_ROWS, len(run.data.X_train))
    places = USUAL[0] if resolution is None else resolution
    taken = min(there, USUAL[1] if rows is None else rows)
    while rows is None and taken > SPARSE[1] and parameters * taken * places**2 > WORK:
        taken = max(SPARSE[1], taken // 2)
    while resolution is None and places > SPARSE[0] and parameters * taken * places**2 > WORK:
        places -= 2
    work = parameters * taken * places**2
    if work <= WORK:
        return places, taken
    message = (
        f"{parameters:,} weights x {taken:,} rows x {places} x {places} places are {work / WORK:.3g} times "
        "as much as is computed here"
    )
    fewer = [
        (math.isqrt(WORK // (parameters * taken)), LEAST_PLACES, "resolution"),
        (WORK // (parameters * places**2), LEAST_ROWS, "rows"),
    ]
    remedies = [f"{name}={most}" for most, least, name in fewer if most >= least]
    remedy = f"ask for {' or '.join(remedies)}" if remedies else "choose a trial with a smaller network"
    raise AskedError.of("resolution" if rows is None else "rows", message, remedy)


def _directions(weights: Array) -> tuple[Array, list[float]]:
    """Return the first two principal components of states (K, n), as rows, and their shares of the variance.

    By the Gram matrix (K, K), which is small where n is large. The beginning lies at negative coordinates.
    """
    remedy = "choose a trial that trained for more steps"
    if len(weights) < 3:
        raise DataError.of(
            "trial", f"{len(weights)} states of its path can be drawn, a plane needs three", remedy
        )
    centred = weights - weights.mean(axis=0)
    variances, vectors = np.linalg.eigh(centred @ centred.T)
    variances, vectors = variances[::-1], vectors[:, ::-1]
    if not variances[1] > _FLAT * variances[0]:
        raise DataError.of("trial", "its path is a straight line, which lies in no plane of its own", remedy)
    directions = (centred.T @ vectors[:, :2] / np.sqrt(variances[:2])).T
    directions[(weights[0] - weights[-1]) @ directions.T > 0] *= -1
    return directions, (variances[:2] / variances.clip(0).sum()).tolist()


def _before_it_diverged(path: Sequence[State]) -> list[State]:
    """Leave out the end of a path that diverged: beside states so far off all others are one point."""
    finite = [state for state in path if np.isfinite(state.weights).all()]
    lengths = [float(np.linalg.norm(state.weights.astype(np.float64))) for state in finite]
    near = [length <= _BURST * max(lengths[0], 1.0) for length in lengths]
    return finite[: near.index(False)] if False in near else finite


def _axis(along: Array, places: int) -> Array:
    low, high = float(along.min()), float(along.max())
    room = MARGIN * (high - low)
    return np.linspace(low - room, high + room, places)


def _plain(cost: float) -> float | None:
    return cost if math.isfinite(cost) else None
