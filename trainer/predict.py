"""Predict with a saved model: the columns are encoded and normalised as the training set was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from caviar.frames import Frame, arrow_of, is_frame

from .checkpoint import read
from .choices import Activation, Choice, Output
from .data import arrays, files, normalize, sources
from .data.columns import Encoding
from .data.file_request import FileRequest
from .data.profile import Profile
from .data.reading import Reading
from .data.spelling import treated
from .data.table import Category, Table, text_of
from .distance import Far, Moved, far_columns, moved_columns
from .model_file import FORMAT
from .problem import DataError, ProblemsError

Array = np.ndarray[Any, np.dtype[Any]]
Source = str | Path | Array | Mapping[str, Sequence[Any]] | Frame
_ROWS = 4096  # handled at once


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says about m examples.

    Attributes
    ----------
    probabilities : ndarray(float32 or float64, (m, number of classes)) or None
        One column per class, in the order of `classes`; None for regression.
    values : ndarray(float64, (m, k)) or None
        The targets in the user's own units; None for classes.
    classes, targets : tuple of str
    threshold : float
        The probability above which the second of two classes is predicted.
    far : tuple of Far or None
        Columns of which cells lie far from training; None: the model was stored without what tells it.
    moved : tuple of Moved or None
        Columns that moved as a whole; None for less than 30 rows, too.
    """

    probabilities: Array | None
    values: Array | None
    classes: tuple[str, ...]
    targets: tuple[str, ...]
    threshold: float = 0.5
    far: tuple[Far, ...] | None = None
    moved: tuple[Moved, ...] | None = None

    @property
    def numbers(self) -> Array:
        """The number of the class that is predicted for each example, ndarray(int, (m,)).

        The most probable one (hardmax); of two the second one where its probability is above `threshold`.
        """
        if self.probabilities is None:
            return np.zeros(0, np.int64)
        if self.threshold == 0.5:
            return np.asarray(self.probabilities.argmax(axis=1))
        return np.asarray(self.probabilities[:, 1] > self.threshold, np.int64)

    @property
    def labels(self) -> list[str]:
        """The names of these classes."""
        return [self.classes[i] for i in self.numbers]

    def columns(self) -> dict[str, list[Any]]:
        """Return columns to print or write: the label and the probability of each class, or the values."""
        if self.probabilities is None:
            assert self.values is not None
            return dict(zip(self.targets, self.values.T.tolist(), strict=True))
        shares = {
            f"p({name})": p for name, p in zip(self.classes, self.probabilities.T.tolist(), strict=True)
        }
        return {self.targets[0]: self.labels, **shares}


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network with all that it needs to predict.

    Attributes
    ----------
    info : mapping
        The metadata of the file; `trainer.model_file` lists it.
    tensors : mapping of str to ndarray
        W1 (n[1], n[0]), b1 (n[1],) or gamma1, beta1, mean1, variance1, and so on; mu, sigma (n[0],).
    """

    info: Mapping[str, Any]
    tensors: Mapping[str, Array]

    @classmethod
    def load(cls, saved: bytes | str | Path) -> Model:
        """Read a model file, or the bytes of one.

        Raises
        ------
        ProblemsError
            It is damaged, no model, or of a later version.
        DataError
            There is no such file.
        """
        if not isinstance(saved, bytes):
            path = Path(saved)
            try:
                saved = path.read_bytes()
            except OSError as error:
                message = f"cannot open {path}: {error.strerror}"
                raise DataError.of("model", message, "give a model file (.safetensors)") from error
        info, tensors = read(saved, FORMAT)
        of: dict[str, type[Choice]] = {"activation": Activation, "kind": Output}
        for key, choices in of.items():
            if info[key] not in choices.names():
                message = f"its {key} is {info[key]!r}, one of {', '.join(choices.names())} is known"
                raise ProblemsError.of("file", message, "use a newer version of caviar")
        return cls(info, tensors)

    def predict(self, source: Source) -> Prediction:
        """Predict on a file, an array or columns.

        Parameters
        ----------
        source : path, ndarray(real, (m, p)), mapping of str to sequence, or data frame
            A CSV, Parquet, npz or npy file; or the columns of training, by position or by name. Numbers and
            texts as the user had them: they are imputed, one-hot encoded and normalised here. More columns
            than needed do no harm where columns have names.

        Raises
        ------
        DataError
            A column is missing, or a cell cannot be used; row and column are named.
        ProblemsError
            It is a file or a data frame, and PyArrow is not installed.
        """
        encoding = Encoding.from_dict(self.info["preprocessing"]["encoding"])
        table = self._table(source, encoding)
        X = self.inputs_of(table, encoding)
        with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is refused below
            found = self.predict_prepared(X)
        outputs = found.values if found.probabilities is None else found.probabilities
        assert outputs is not None
        far = np.flatnonzero(~(np.isfinite(X).all(axis=1) & np.isfinite(outputs).all(axis=1)))
        if len(far):
            column = encoding.feature_names[np.abs(X[far[0]]).argmax()]
            message = f"{table.source}, row {far[0] + 1}, column {column!r}: too far from what was trained on"
            raise DataError.of("data", f"{message} ({len(far)} such rows)", "correct the number")
        profile = Profile.from_tensors(self.tensors)
        if profile is None:
            return found
        known = (table, encoding, profile)
        return replace(found, far=far_columns(*known), moved=moved_columns(*known))

    def inputs_of(self, table: Table, encoding: Encoding) -> Array:
        """Return X (m, n[0]) of a table with the columns of training, encoded and normalised."""
        mu, sigma = self.tensors["mu"], self.tensors["sigma"]
        return normalize.apply(encoding.transform(table), mu, sigma, self.tensors["W1"].dtype)

    def predict_prepared(self, X: Array) -> Prediction:
        """Predict on rows that are encoded and normalised already, as those of `Data` are.

        Parameters
        ----------
        X : ndarray(float32 or float64, (m, n[0]))
        """
        return self.prediction_of(self.logits(X))

    def prediction_of(self, Z: Array) -> Prediction:
        """Predict by what `logits` returned, Z[L] (m, n[L])."""
        out = _output(Z, self.info["kind"])
        classes, targets = tuple(self.info["class_names"]), tuple(self.info["target_names"])
        if self.info["kind"] == "regression":
            values = out * self.tensors["target_sigma"] + self.tensors["target_mu"]
            return Prediction(None, values, classes, targets)
        if self.info["kind"] == "binary":
            out = np.column_stack([1 - out[:, 0], out[:, 0]])
        return Prediction(out, None, classes, targets, self.info.get("threshold", 0.5))

    def logits(self, X: Array) -> Array:
        """Return Z[L], what the output unit is applied to, for rows as `predict_prepared` takes them.

        Returns
        -------
        ndarray(float32 or float64, (m, n[L]))
        """
        outputs = [self._last_layer(X[start : start + _ROWS]) for start in range(0, len(X), _ROWS)]
        return np.concatenate(outputs) if outputs else np.zeros((0, self.info["sizes"][-1]))

    def _table(self, source: Source, encoding: Encoding) -> Table:
        """Return what is to be predicted on, with the columns of training and no cell that cannot be used."""
        preprocessing = self.info["preprocessing"]
        X_and_y = preprocessing.get("arrays")
        told = preprocessing.get("reading")
        reading = None if told is None else Reading.from_dict(told)
        table = _table(source, encoding, (X_and_y[0], X_and_y[1]) if X_and_y else None, reading)
        table = replace(table, missing=preprocessing["missing"])
        sources.check_numbers(table, "data")
        return table

    def _last_layer(self, A: Array) -> Array:
        """Return Z[L] (m, n[L]) of A[0] (m, n[0]): forward, without dropout, batch norm by its averages."""
        T = self.tensors
        L = len(self.info["sizes"]) - 1
        for layer in range(1, L + 1):
            Z = A @ T[f"W{layer}"].T
            if self.info["batch_norm"] and layer < L:
                deviation = np.sqrt(T[f"variance{layer}"] + Z.dtype.type(self.info["batch_norm_epsilon"]))
                Z = T[f"gamma{layer}"] * ((Z - T[f"mean{layer}"]) / deviation) + T[f"beta{layer}"]
            else:
                Z = Z + T[f"b{layer}"]
            A = _activate(Z, self.info["activation"], self.info["leaky_slope"]) if layer < L else Z
        return A


def load_model(saved: bytes | str | Path) -> Model:
    """Read a model file, such as `caviar model 3.17` writes; it predicts without a server.

    Raises ProblemsError for a damaged file, DataError where there is none.
    """
    return Model.load(saved)


def predict(model: bytes | str | Path, source: Source) -> Prediction:
    """Predict with a saved model; see `Model.predict`."""
    return Model.load(model).predict(source)


def _activate(Z: Array, activation: str, slope: float) -> Array:
    match Activation[activation]:
        case Activation.relu | Activation.leaky_relu:
            return np.where(Z > 0, Z, Z.dtype.type(slope) * Z)
        case Activation.tanh:
            return np.asarray(np.tanh(Z))
        case Activation.sigmoid:
            return _sigmoid(Z)
    raise NotImplementedError(f"predict.py does not know the activation {activation}")


def _output(Z: Array, kind: str) -> Array:
    match Output[kind]:
        case Output.binary:
            return _sigmoid(Z)
        case Output.multiclass:
            t = np.exp(Z - Z.max(axis=1, keepdims=True))
            return np.asarray(t / t.sum(axis=1, keepdims=True))
        case Output.regression:
            return Z
    raise NotImplementedError(f"predict.py does not know the output {kind}")


def _sigmoid(Z: Array) -> Array:
    e = np.exp(-np.abs(Z))
    return np.where(Z > 0, 1 / (1 + e), e / (1 + e))


def _table(
    source: Source, encoding: Encoding, arrays_of_training: tuple[str, str] | None, reading: Reading | None
) -> Table:
    """Return what is to be predicted on as a table with the columns of training."""
    categorical = tuple(encoding.levels)
    if (isinstance(source, str | Path) or is_frame(source)) and find_spec("pyarrow") is None:
        message = "predicting on a file or a data frame needs the package pyarrow"
        raise ProblemsError.of("data", message, "pip install 'caviar[frames]'")
    if isinstance(source, str | Path):
        wanted = FileRequest(
            needs_target=False,
            categorical=categorical,
            numbers=encoding.numbers,
            arrays=arrays_of_training,
            field="data",
            reading=reading,
        )
        table = files.read(Path(source), wanted)
        if table.missing == "refuse":
            return _by_position(table, encoding)
        return table.with_categories([name for name in categorical if name in table.number_names], "data")
    if is_frame(source):
        source = arrow_of(source).to_pydict()
    if isinstance(source, Mapping):
        return _by_name(source if reading is None else treated(source, reading), encoding)
    return _by_position(arrays.to_table(source, None, "the array"), encoding)


def _by_position(table: Table, encoding: Encoding) -> Table:
    """Give the columns of an array their names from training."""
    names = (*encoding.numbers, *encoding.levels)
    n = len(table.number_names)
    if n != len(names):
        message = f"{table.source} has {n} columns, training had {len(names)}"
        raise DataError.of("data", message, "give those of training, in the same order, without the target")
    if set(names) == set(table.number_names):
        return table.with_categories(list(encoding.levels), "data")
    if encoding.levels:
        message = f"{table.source} has no column names, and training had columns of text"
        raise DataError.of("data", message, "give a CSV or Parquet file, or columns by name")
    return replace(table, number_names=encoding.numbers)


def _by_name(columns: Mapping[str, Sequence[Any]], encoding: Encoding) -> Table:
    """Make a table of columns; None and NaN are missing cells."""
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1:
        raise DataError.of("data", f"the columns have {sorted(lengths)} rows", "give columns of one length")
    present = [name for name in encoding.numbers if name in columns]
    matrix = np.empty((lengths.pop(), len(present)))
    for j, name in enumerate(present):
        matrix[:, j] = [_number(value, row, name) for row, value in enumerate(columns[name], start=1)]
    texts = {name: columns[name] for name in encoding.levels if name in columns}
    categories = {name: Category.of([_text(value) for value in values]) for name, values in texts.items()}
    return Table("the columns", matrix, tuple(present), categories)


def _number(value: Any, row: int, name: str) -> float:
    try:
        return np.nan if value is None else float(value)
    except (TypeError, ValueError) as error:
        message = f"row {row}, column {name!r}: {value!r:.60} is not a number"
        raise DataError.of("data", message, "give a number, or None where it is missing") from error


def _text(value: Any) -> str | None:
    return None if value is None or value != value else text_of(value)
