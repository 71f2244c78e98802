"""Arrays to tables: what npz and npy files hold, and what a script gives directly."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainer.data.table import Array, Category, Table
from trainer.problem import DataError


def to_table(X: Any, y: Any, source: str) -> Table:
    """Return the table of features X and classes or targets y.

    Parameters
    ----------
    X : array_like(real, (m, n) or (m, height, width) or (m, height, width, channels))
        Columns are called x0, x1, ...
    y : array_like((m,) or (m, 1): numbers or texts; (m, k): numbers) or None
        None in a table that is only predicted on.
    source : str
        What a person calls it.

    Raises
    ------
    DataError
        The arrays do not fit together or cannot be trained on.
    """
    X = np.asarray(X)
    image_shape = None
    if X.dtype.kind not in "fiub":
        raise _refuse("X", source, f"X has the type {X.dtype}", "give numbers")
    if X.ndim in (3, 4):
        image_shape = (X.shape[1], X.shape[2], X.shape[3] if X.ndim == 4 else 1)
        X = X.reshape(len(X), -1)
    if X.ndim != 2 or X.shape[1] == 0:
        remedy = "give one row per example: (m, n), or images as (m, height, width[, channels])"
        raise _refuse("X", source, f"X has the shape {X.shape}", remedy)
    names = tuple(f"x{j}" for j in range(X.shape[1]))
    target = None if y is None else _target(np.asarray(y), len(X), source)
    if isinstance(target, np.ndarray) and target.shape[1] > 1:
        target_names = tuple(f"y{j}" for j in range(target.shape[1]))
    else:
        target_names = () if target is None else ("y",)
    return Table(source, np.ascontiguousarray(X), names, {}, target, target_names, image_shape=image_shape)


def _target(y: Array, m: int, source: str) -> Array | Category:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if len(y) != m if y.ndim else True:
        remedy = "give one class or target for each row of X"
        raise _refuse("y", source, f"y has the shape {y.shape}, X has {m} rows", remedy)
    if y.dtype.kind in "USO" and y.ndim == 1:
        return Category.of(y)
    if y.dtype.kind not in "fiub" or y.ndim > 2:
        remedy = "give numbers or texts, one for each row"
        raise _refuse("y", source, f"y has the type {y.dtype} and the shape {y.shape}", remedy)
    return y.astype(np.float64) if y.ndim == 2 else y.astype(np.float64)[:, None]


def _refuse(field: str, source: str, message: str, remedy: str) -> DataError:
    return DataError.of(f"dataset.{field}", f"{source}: {message}", remedy)
