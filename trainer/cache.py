"""Compiled kernels on disk."""

from __future__ import annotations

import numpy as np

from .data.types import Data
from .settings import make_settings


def warm(precision: str = "float32") -> None:
    """Compile the kernels for a precision, or load them from the cache, by training a tiny network."""
    from .run import Run

    X = np.linspace(-1, 1, 8, dtype=precision).reshape(4, 2)
    Y = np.array([0, 1, 0, 1], np.int32)
    data = Data("binary", X, Y, X, Y, n_classes=2, mu=np.zeros(2), sigma=np.ones(2))
    run = Run(make_settings({"hidden_units": 2, "epochs": 1, "precision": precision}), data, seed=0)
    run.advance()
    run.result()
