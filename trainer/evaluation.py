"""Pass a whole set of examples through a network as it would predict."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .buffers import NO_LABELS, flat, refuse_unknown_codes
from .choices import Output
from .kernels import epoch, measured_epoch, structs

Array = np.ndarray[Any, Any]


class Evaluation(NamedTuple):
    """What every pass measures, by the names of `metrics.ALWAYS`."""

    cost: float
    error: float


def evaluate(
    shape: structs.Shape,
    state: structs.State,
    scratch: structs.Scratch,
    examples: structs.Examples,
    X: Array,
    Y: Array,
    weights: Array,
    limit: float = 0.0,
    outputs: Array | None = None,
) -> Evaluation:
    """Pass X (m, n), Y through the network of `state.weights`.

    Parameters
    ----------
    weights : ndarray(float64, (m,) or (0,))
        Of the rows, mean 1.
    limit : float
        Of two classes the second one is predicted where z is above.
    outputs : ndarray(dtype of X, (m * n[L],)), optional
        Filled with Z[L].
    """
    regression = shape.output == Output.regression
    labels, targets = (NO_LABELS, flat(Y)) if regression else (flat(Y), np.zeros(0, X.dtype))
    X_flat, m, weights = flat(X), X.shape[0], flat(weights)
    cost = errors = 0.0
    for begin in range(0, m, scratch.rows):
        rows = min(scratch.rows, m - begin)
        common = (shape, state, scratch, X_flat, labels, targets)
        if weights.size or limit:
            part = measured_epoch.evaluate(*common, weights, limit, begin, rows)
        else:
            part = epoch.evaluate(*common, begin, rows)
        cost += part[0]
        errors += part[1]
        if outputs is not None:
            k = int(shape.sizes[-1])
            first = int(shape.columns[-2]) * scratch.rows
            outputs[begin * k : (begin + rows) * k] = scratch.A[first : first + rows * k]
    refuse_unknown_codes(state)
    return Evaluation(cost / m, float(epoch.error_of(shape, examples, errors, m)))
