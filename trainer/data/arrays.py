"""Arrays to tables: what npz and npy files hold, and what a script gives directly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.trainer.data.table import Array, Category, Table
from caviar.trainer.problem import DataError


@dataclass(frozen=True)
class Header:
    """What the beginning of an npy file says of its array.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


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
    X, y = np.asarray(X), None if y is None else np.asarray(y)
    check(X, y, source)
    image_shape = None
    if X.ndim in (3, 4):
        image_shape = (X.shape[1], X.shape[2], X.shape[3] if X.ndim == 4 else 1)
        X = X.reshape(len(X), math.prod(X.shape[1:]))
    names = tuple(f"x{j}" for j in range(X.shape[1]))
    target = None if y is None else _target(y)
    if isinstance(target, np.ndarray) and target.shape[1] > 1:
        target_names = tuple(f"y{j}" for j in range(target.shape[1]))
    else:
        target_names = () if target is None else ("y",)
    return Table(source, np.ascontiguousarray(X), names, {}, target, target_names, image_shape=image_shape)


def check(X: Array | Header, y: Array | Header | None, source: str) -> None:
    """Refuse arrays that cannot be features and target by their shapes and types; no number is looked at.

    Raises
    ------
    DataError
        The arrays do not fit together or cannot be trained on.
    """
    if X.dtype.kind not in "fiub":
        raise _refuse("X", source, f"X has the type {X.dtype}", "give numbers")
    if not 2 <= len(X.shape) <= 4 or 0 in X.shape[1:]:
        remedy = "give one row per example: (m, n), or images as (m, height, width[, channels])"
        raise _refuse("X", source, f"X has the shape {X.shape}", remedy)
    if y is None:
        return
    shape = y.shape[:1] if y.shape[1:] == (1,) else y.shape
    if shape[:1] != X.shape[:1]:
        remedy = "give one class or target for each row of X"
        raise _refuse("y", source, f"y has the shape {shape}, X has {X.shape[0]} rows", remedy)
    if not (y.dtype.kind in "USO" and len(shape) == 1) and (y.dtype.kind not in "fiub" or len(shape) > 2):
        remedy = "give numbers or texts, one for each row"
        raise _refuse("y", source, f"y has the type {y.dtype} and the shape {shape}", remedy)


def _target(y: Array) -> Array | Category:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.dtype.kind in "USO":
        return Category.of(y)
    return y.astype(np.float64) if y.ndim == 2 else y.astype(np.float64)[:, None]


def _refuse(field: str, source: str, message: str, remedy: str) -> DataError:
    return DataError.of(f"dataset.{field}", f"{source}: {message}", remedy)
