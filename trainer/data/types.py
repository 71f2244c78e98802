"""What the trainer trains on: arrays that are split, encoded, normalised and laid out for the kernels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from caviar.trainer.data.profile import Profile

Kind = Literal["binary", "multiclass", "regression"]
Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Start:
    """The model that every run on this data starts from.

    Attributes
    ----------
    network : mapping
        Settings that say what its network is.
    tensors : mapping of str to ndarray
        W1 (n[1], n[0]), b1 (n[1],) or gamma1, beta1, mean1, variance1, and so on to W[L], b[L].
    outputs : bool
        Whether its output layer fits the target of this data.
    digest : str
        SHA-256 of its file.
    """

    network: Mapping[str, Any]
    tensors: Mapping[str, Array]
    outputs: bool
    digest: str


@dataclass(frozen=True, eq=False)
class Data:
    """A data set ready for training; examples are rows (the course's X transposed).

    The arrays are C-contiguous and never written to: many runs share one `Data`.

    Attributes
    ----------
    kind : {"binary", "multiclass", "regression"}
        Decides the output unit and the loss: sigmoid, softmax or identity with mean squared error.
    X_train, X_dev, X_test, X_train_dev : ndarray(float32 or float64, (m, n))
        Features, already normalised by `mu` and `sigma` (if the settings ask for it). One dtype for all,
        that of the setting `precision`. There may be no test set and usually is no train-dev set: None.
    Y_train, Y_dev, Y_test, Y_train_dev : ndarray(int32, (m,)) or ndarray(same dtype as X, (m, k))
        Class numbers 0 .. n_classes - 1, or for regression the k targets, as (y - target_mu) / target_sigma.
    weights_train, weights_dev, weights_test, weights_train_dev : ndarray(float64, (m,)) or None
        What each row counts in cost, gradient and metrics; the mean of each part is 1. None: 1 each.
    groups_train, groups_dev, groups_test, groups_train_dev : ndarray(int32, (m,)) or None
        Of the metrics of groups: rows of a part with the same number are a group of that part.
    n_classes : int
        2 for binary, more for multiclass, 0 for regression.
    mu, sigma : ndarray(float64, (n,))
        Of the training set. 0 and 1 where nothing was normalised; sigma is 1 for a constant column.
    target_mu, target_sigma : ndarray(float64, (k,))
        The same for regression targets; empty for classes.
    feature_names, class_names : tuple of str
        One per column after encoding; one per class (empty for regression).
    target_names : tuple of str
        One for classes, k for regression.
    image_shape : (height, width, channels) or None
        When the n features are an image, flattened row by row, channels last. Needed for augmentation.
    preprocessing : mapping
        Plain JSON: whatever prediction needs to turn a user's table into columns of X before mu and sigma.
        It is written into every model file as it is.
    profile : Profile or None
        What the columns of the training rows looked like. It is written into every model file.
    source : str
        What a person calls the data set.
    own_rows : int
        The first so many training rows are of the data set itself, those after them of further sources; 0:
        all of them are.
    start : Start or None
        The model that runs start from, whose mu, sigma and encoding these are; None: random weights.
    """

    kind: Kind
    X_train: Array
    Y_train: Array
    X_dev: Array
    Y_dev: Array
    X_test: Array | None = None
    Y_test: Array | None = None
    X_train_dev: Array | None = None
    Y_train_dev: Array | None = None
    weights_train: Array | None = None
    weights_dev: Array | None = None
    weights_test: Array | None = None
    weights_train_dev: Array | None = None
    groups_train: Array | None = None
    groups_dev: Array | None = None
    groups_test: Array | None = None
    groups_train_dev: Array | None = None
    n_classes: int = 0
    mu: Array = field(default_factory=lambda: np.zeros(0))
    sigma: Array = field(default_factory=lambda: np.ones(0))
    target_mu: Array = field(default_factory=lambda: np.zeros(0))
    target_sigma: Array = field(default_factory=lambda: np.ones(0))
    feature_names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()
    image_shape: tuple[int, int, int] | None = None
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    profile: Profile | None = None
    source: str = ""
    own_rows: int = 0
    start: Start | None = None

    @property
    def n_features(self) -> int:
        """Number of columns of X, the course's n[0]."""
        return int(self.X_train.shape[1])

    @property
    def n_outputs(self) -> int:
        """Units of the output layer, the course's n[L]."""
        if self.kind == "regression":
            return int(self.Y_train.shape[1])
        return 1 if self.kind == "binary" else self.n_classes

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64, the precision of the whole training."""
        return self.X_train.dtype

    @cached_property
    def target_deviation(self) -> float:
        """What errors of a regression are divided by: the standard deviation of Y_train over all targets."""
        if self.kind != "regression":
            return 1.0
        return float(np.sqrt(np.mean(np.var(self.Y_train, axis=0)))) or 1.0

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what training sees; a checkpoint refuses to go on with other data."""
        digest = hashlib.sha256(self.kind.encode())
        for array in (self.X_train, self.Y_train, self.X_dev, self.Y_dev, self.mu, self.sigma):
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        for of_rows in (self.weights_train, self.weights_dev, self.groups_train, self.groups_dev):
            if of_rows is not None:
                digest.update(np.ascontiguousarray(of_rows).data)
        if self.start is not None:
            digest.update(self.start.digest.encode())
        return "sha256:" + digest.hexdigest()
