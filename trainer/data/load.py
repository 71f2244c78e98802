"""A `dataset` object to `Data`: read, split, encode, normalise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from caviar.trainer.data import files, more_rows, sources
from caviar.trainer.data import normalize as normalizing
from caviar.trainer.data.columns import Encoding
from caviar.trainer.data.cuts import cuts_of, rows_of
from caviar.trainer.data.description import problems_of
from caviar.trainer.data.file_request import FileRequest
from caviar.trainer.data.options import READING
from caviar.trainer.data.profile import Profile
from caviar.trainer.data.split import halves_of_dev
from caviar.trainer.data.table import Array, Table
from caviar.trainer.data.targets import Target
from caviar.trainer.data.types import Data
from caviar.trainer.problem import DataError

if TYPE_CHECKING:
    from caviar.trainer.source_model import SourceModel

Precision = Literal["float32", "float64"]
Parts = dict[str, tuple[Array, Array]]


def load(
    dataset: Mapping[str, Any],
    precision: Precision = "float32",
    normalize: bool = True,
    fold: int = 0,
    source: SourceModel | None = None,
) -> Data:
    """Load a data set, ready for training.

    Parameters
    ----------
    dataset : mapping
        The `dataset` object of a search; `trainer.data.KEYS` tells what may stand in it.
    precision : {"float32", "float64"}
        Of X and of regression targets.
    normalize : bool
        x := (x - mu) / sigma; `dataset["normalize"]` goes before it.
    fold : int
        Which one, where the data set has folds. A trial's model is that of the first.
    source : SourceModel, optional
        The model that runs start from: its preparation of inputs is kept, whatever `normalize` says, and
        that of regression targets, if its output layer fits them.

    Returns
    -------
    Data
        The same for the same arguments, whatever the seed of a trial.

    Raises
    ------
    DataError
        It cannot be trained on; `problems` names field and remedy, and row and column of a cell at fault.
    """
    return Prepared(dataset, precision, normalize, source).data(fold)


@dataclass(frozen=True, eq=False)
class Origin:
    """Where the examples of a part stand.

    Attributes
    ----------
    field : str
        Of the source in the `dataset` object: "dataset" or "dataset.dev".
    table : Table
        What was read there.
    rows : ndarray(int, (m,))
        Their places in it, from 0.
    """

    field: str
    table: Table
    rows: Array


class Prepared:
    """A data set that was read and cut, once for all of its folds; parameters and errors as for `load`."""

    def __init__(
        self,
        dataset: Mapping[str, Any],
        precision: Precision = "float32",
        normalize: bool = True,
        source: SourceModel | None = None,
    ) -> None:
        problems = problems_of(dataset)
        if problems:
            raise DataError(problems)
        self._dataset = dataset = _with_reading(dataset)
        self._source = source
        self._dtype = np.dtype(precision)
        self._normalize = normalize if dataset.get("normalize") is None else bool(dataset["normalize"])
        self._table = table = sources.read(dataset, dataset)
        self._target = target = Target.of(table, dataset.get("task"))
        options = {**dataset, "categorical": [*(dataset.get("categorical") or ()), *table.categories]}
        self._others = {  # whatever looks like a category there
            part: sources.read(dataset[part], options, f"dataset.{part}")
            for part in ("dev", "test")
            if dataset.get(part)
        }
        self._more = [
            sources.read(source, options, f"dataset.{more_rows.KEY}.{place}")
            for place, source in enumerate(dataset.get(more_rows.KEY) or ())
        ]
        self._Y = target.encode(table)
        as_before = _before_corrections(dataset, target, self._Y)
        self._cuts = cuts_of(dataset, table, target, as_before, set(self._others))
        if target.task == "classification":
            for rows in self._cuts:
                _check_every_class(self._Y[rows["train"]], target, len(self._cuts) > 1)

    @property
    def table(self) -> Table:
        """What was read of the source for training."""
        return self._table

    @property
    def target(self) -> Target:
        """What is predicted."""
        return self._target

    @property
    def rows_outside_test(self) -> Array:
        """Places of the rows of that source, from 0, that are in no test set."""
        return np.sort(np.concatenate([rows for part, rows in self._cuts[0].items() if part != "test"]))

    @property
    def folds(self) -> int:
        """Trainings of a trial: 1 without folds."""
        return len(self._cuts)

    def data(self, fold: int) -> Data:
        """Return a fold, encoded and normalised by its own training rows."""
        table, target, dataset = self._table, self._target, self._dataset
        encoding, parts, of_rows = self._encoded(self._cuts[fold])
        own = len(self._cuts[fold]["train"])
        scale = self._scale(*(array[:own] for array in parts["train"]))
        source = self._source
        return Data(
            kind=target.kind,
            n_classes=len(target.classes),
            feature_names=encoding.feature_names,
            class_names=target.classes,
            target_names=target.names,
            image_shape=table.image_shape,
            preprocessing=_preprocessing(table, target, encoding, dataset),
            profile=self._profile(self._cuts[fold]["train"], encoding, scale),
            source=table.source,
            own_rows=own,
            start=None if source is None else source.start(target),
            **{f"weights_{part}": _mean_one(found, part) for part, found in of_rows["weights"].items()},
            **{f"groups_{part}": _fixed(found) for part, found in of_rows["groups"].items()},
            **scale,
            **_arrays(parts, scale, encoding.feature_names, self._dtype),
        )

    def _profile(self, rows: Array, encoding: Encoding, scale: Mapping[str, Array]) -> Profile:
        """Return what the columns are like in these rows, whatever a source model knew of them."""
        mu, sigma = scale["mu"], scale["sigma"]
        if self._source is not None:
            mu, sigma = np.zeros_like(mu), np.ones_like(sigma)
        return Profile.fit(self._table, rows, encoding, mu, sigma)

    def _scale(self, X_train: Array, Y_train: Array) -> dict[str, Array]:
        """Return mean and deviation of the inputs, and of the targets of a regression."""
        source, target, n = self._source, self._target, X_train.shape[1]
        if source is not None:
            mu, sigma = (np.array(source.tensors[name], np.float64) for name in ("mu", "sigma"))
        elif self._normalize:
            mu, sigma = normalizing.moments(X_train)
        else:
            mu, sigma = np.zeros(n), np.ones(n)
        scale: dict[str, Array] = {"mu": mu, "sigma": sigma}
        if source is not None and target.task == "regression" and source.keeps_outputs(target):
            scale |= {name: np.array(source.tensors[name]) for name in ("target_mu", "target_sigma")}
        elif target.task == "regression":
            scale["target_mu"], scale["target_sigma"] = normalizing.moments(Y_train)
        return {name: _fixed(array) for name, array in scale.items()}

    def _encoded(self, rows: Mapping[str, Array]) -> tuple[Encoding, Parts, dict[str, dict[str, Array]]]:
        """Return the encoding learned from the training rows, and of each part X and Y, weights and groups.

        X and Y are not yet normalised.
        """
        table, target, others = self._table, self._target, self._others
        source = self._source
        encoding = Encoding.fit(table, rows["train"]) if source is None else source.encoding_of(table)
        X, Y = encoding.transform(table), self._Y
        parts = {part: (X[chosen], Y[chosen]) for part, chosen in rows.items()}
        of_rows = {name: _of_rows(name, table, rows, others) for name in ("weights", "groups")}
        if self._more:
            self._add_more(encoding, parts["train"], parts, of_rows)
        for part, other in others.items():
            parts[part] = encoding.transform(other), target.encode(other, f"dataset.{part}")
        if cut := self._halves:
            X, Y = parts["dev"]
            parts["dev"], parts["test"] = ((X[cut[part]], Y[cut[part]]) for part in ("dev", "test"))
            for found in of_rows.values():
                if found:
                    found["dev"], found["test"] = (found["dev"][cut[part]] for part in ("dev", "test"))
        return encoding, parts, of_rows

    def _add_more(
        self, encoding: Encoding, own: tuple[Array, Array], parts: Parts, of_rows: dict[str, dict[str, Array]]
    ) -> None:
        """Add to the training set, after its own rows, those of further sources."""
        sizes = [
            (other.rows, source.get("share"))
            for other, source in zip(self._more, self._dataset[more_rows.KEY], strict=True)
        ]
        X, Y = [own[0]], [own[1]]
        further = {name: [found["train"]] for name, found in of_rows.items() if found}
        for place, count in enumerate(more_rows.counts(len(own[1]), sizes)):
            other = self._more[place]
            rows = more_rows.drawn(int(self._dataset.get("seed") or 0), place, other.rows, count)
            X.append(encoding.transform(other)[rows])
            Y.append(self._target.encode(other, f"dataset.{more_rows.KEY}.{place}")[rows])
            for name, found in further.items():
                column = getattr(other, name)[rows]
                if name == "groups":  # numbers of groups are a table's own
                    column = np.where(column < 0, column, column + max(one.max() for one in found) + 1)
                found.append(column.astype(found[0].dtype))
        parts["train"] = np.concatenate(X), np.concatenate(Y)
        for name, found in further.items():
            of_rows[name]["train"] = np.concatenate(found)

    @cached_property
    def _halves(self) -> Mapping[str, Array]:
        """Return the rows of dev and test in a dev source that is cut into them; else nothing."""
        halves = halves_of_dev(self._dataset.get("split") or {}, "test" in self._others)
        if "dev" not in self._others or not halves.dev:
            return {}
        other = self._others["dev"]
        Y = self._target.encode(other, "dataset.dev")
        as_before = _before_corrections(self._dataset["dev"], self._target, Y)
        cut = rows_of(self._dataset, halves, self._target, as_before, other)
        return {"dev": cut["train"], "test": cut["dev"]}

    def origin(self, part: Literal["train", "dev", "train_dev"], fold: int = 0) -> Origin | None:
        """Return where the examples of a part were read, in their order in `data`; None without the part."""
        if part in self._others:
            rows = self._halves.get(part, np.arange(self._others[part].rows))
            return Origin(f"dataset.{part}", self._others[part], rows)
        found = self._cuts[fold].get(part)
        return None if found is None else Origin("dataset", self._table, found)


def _before_corrections(source: Mapping[str, Any], target: Target, Y: Array) -> Array:
    """Return the classes that rows had before labels were corrected: they are cut by these, as they were."""
    told = source.get("relabelled")
    if not told or target.task == "regression":
        return Y
    number = {name: code for code, name in enumerate(target.classes)}
    before = Y.copy()
    for row, label in zip(told["rows"], told["labels"], strict=True):
        if row <= len(before) and label in number:
            before[row - 1] = number[label]
    return before


def _with_reading(dataset: Mapping[str, Any]) -> Mapping[str, Any]:
    """Find how a file is read, if options say something of that and no upload found it before."""
    asked = any(dataset.get(key) is not None for key in READING)
    if dataset.get("path") is None or dataset.get("reading") is not None or not asked:
        return dataset
    from caviar.trainer.data import inference  # with it comes all of pyarrow

    path, wanted = Path(dataset["path"]), FileRequest.by(dataset, dataset, "dataset")
    if files.is_arrays(path, wanted):
        return dataset
    return {**dataset, "reading": inference.infer(path, wanted, dataset).reading.as_dict()}


def _reading_of_search(dataset: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the reading that the search goes by, for its models."""
    reading = FileRequest.by(dataset, dataset, "dataset").reading
    return None if reading is None else reading.as_dict()


def _of_rows(
    name: str, table: Table, rows: Mapping[str, Array], others: Mapping[str, Table]
) -> dict[str, Array]:
    """Return what a column says of the rows of each part; nothing where no column does."""
    column = getattr(table, name)
    found = {} if column is None else {part: column[chosen] for part, chosen in rows.items()}
    return found | {part: of for part, other in others.items() if (of := getattr(other, name)) is not None}


def _mean_one(weights: Array, part: str) -> Array:
    """Scale the weights of a part, so that alpha and lambda keep their meaning."""
    if not weights.any():
        message, remedy = f"all rows of the {part} set have weight 0", "give more rows a weight"
        raise DataError.of("dataset.weights", message, remedy)
    return _fixed(weights / weights.mean())


def _check_every_class(Y_train: Array, target: Target, folded: bool) -> None:
    """Refuse a training set that lacks a class: nothing could be learned of it."""
    counts = np.bincount(Y_train, minlength=len(target.classes))
    if not counts.all():
        name = target.classes[int(np.argmin(counts))]
        field, what = ("dataset.folds", "of a fold ") if folded else ("dataset.split", "")
        remedy = "collect more of it, drop it, or let dataset.stratify be true"
        raise DataError.of(field, f"the training set {what}has no example of the class {name!r}", remedy)


def _arrays(
    parts: Parts, scale: Mapping[str, Array], names: tuple[str, ...], dtype: np.dtype[Any]
) -> dict[str, Array]:
    """Normalise each part by the training set and lay it out contiguously."""
    arrays = {}
    for part, (X, Y) in parts.items():
        X = normalizing.apply(X, scale["mu"], scale["sigma"], dtype)
        if not np.isfinite(X).all():
            row, column = np.argwhere(~np.isfinite(X))[0]
            message = f"row {row + 1} of the {part} set: {names[column]!r} does not fit into {dtype}"
            raise DataError.of("dataset", message, "scale the column, or train with precision float64")
        if "target_mu" in scale:
            Y = normalizing.apply(Y, scale["target_mu"], scale["target_sigma"], dtype)
        arrays[f"X_{part}"], arrays[f"Y_{part}"] = _fixed(X), _fixed(np.ascontiguousarray(Y))
    return arrays


def _preprocessing(
    table: Table, target: Target, encoding: Encoding, dataset: Mapping[str, Any]
) -> dict[str, Any]:
    """Return, as plain JSON, what prediction needs besides mu and sigma."""
    arrays, reading = dataset.get("arrays"), _reading_of_search(dataset)
    return {
        "version": 1 if reading is None else 2,
        "source": table.source,
        **({} if reading is None else {"reading": dict(reading)}),
        "arrays": arrays and list(arrays),
        "missing": table.missing,
        "encoding": encoding.as_dict(),
        "task": target.task,
        "classes": list(target.classes),
        "targets": list(target.names),
        "image_shape": table.image_shape and list(table.image_shape),
    }


def _fixed(array: Array) -> Array:
    """Make an array read-only: many runs share it."""
    array.flags.writeable = False
    return array
