"""Pass a whole set of examples through a network as it would predict."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .buffers import NO_LABELS, flat, refuse_unknown_codes
from .choices import Output
from .kernels import epoch, structs

Array = np.ndarray[Any, Any]


class Evaluation(NamedTuple):
    """What a pass measures, by the names of `metrics.MEASURES`."""

    cost: float
    error: float


def evaluate(
    shape: structs.Shape,
    state: structs.State,
    scratch: structs.Scratch,
    examples: structs.Examples,
    X: Array,
    Y: Array,
) -> Evaluation:
    """Pass X (m, n), Y through the network of `state.weights`."""
    regression = shape.output == Output.regression
    labels, targets = (NO_LABELS, flat(Y)) if regression else (flat(Y), np.zeros(0, X.dtype))
    X_flat, m = flat(X), X.shape[0]
    cost = errors = 0.0
    for begin in range(0, m, scratch.rows):
        rows = min(scratch.rows, m - begin)
        part = epoch.evaluate(shape, state, scratch, X_flat, labels, targets, begin, rows)
        cost += part[0]
        errors += part[1]
    refuse_unknown_codes(state)
    return Evaluation(cost / m, float(epoch.error_of(shape, examples, errors, m)))
