"""The model that a trial starts from: its weights, and how it prepares inputs, which is kept."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from caviar.trainer.checkpoint import read
from caviar.trainer.data.columns import Encoding
from caviar.trainer.data.table import Array, Table, shown
from caviar.trainer.data.targets import Target
from caviar.trainer.data.types import Start
from caviar.trainer.model_file import FORMAT, network_of
from caviar.trainer.problem import DataError, Problem

if TYPE_CHECKING:
    from caviar.trainer.data.load import Prepared
    from caviar.trainer.predict import Model

FIELD = "settings.init_from"
RENAME = "give data with the columns that the model was trained on, by the same names"


@dataclass(frozen=True, eq=False)
class SourceModel:
    """A model file that was read.

    Attributes
    ----------
    info : mapping
        The metadata of the file; `trainer.model_file` lists it.
    tensors : mapping of str to ndarray
        W1 (n[1], n[0]) and so on; mu, sigma (n[0],).
    digest : str
        SHA-256 of the file.
    """

    info: Mapping[str, Any]
    tensors: Mapping[str, Array]
    digest: str

    @classmethod
    def load(cls, path: str | Path) -> SourceModel:
        """Read a model file.

        Raises
        ------
        ProblemsError
            It is damaged, no model, or of a later version.
        DataError
            There is no such file.
        """
        try:
            saved = Path(path).read_bytes()
        except OSError as error:
            remedy = "give the path of a model file; a server takes a trial, such as 3.17"
            raise DataError.of(FIELD, f"cannot open {path}: {error.strerror}", remedy) from error
        info, tensors = read(saved, FORMAT)
        return cls(info, tensors, "sha256:" + hashlib.sha256(saved).hexdigest())

    def encoding_of(self, table: Table) -> Encoding:
        """Return how columns of other data become the inputs of this model.

        Columns of arrays have no names of their own: the place of a column then is its meaning.

        Raises
        ------
        DataError
            The columns are not those of the model.
        """
        encoding = Encoding.from_dict(self.info["preprocessing"]["encoding"])
        found = column_problems(self.info, table.number_names, tuple(table.categories), table.image_shape)
        if found:
            raise DataError(found)
        if set(encoding.numbers) != set(table.number_names):
            now = dict(zip(encoding.numbers, table.number_names, strict=True))
            indicators = tuple(now[name] for name in encoding.indicators)
            encoding = Encoding(table.number_names, encoding.fills, indicators, {})
        if table.numbers.dtype.kind == "f" and (empty := np.isnan(table.numbers).all(axis=0)).any():
            name = table.number_names[int(np.argmax(empty))]
            message = f"column {name!r} has no value in {table.source}"
            raise DataError.of("dataset", message, "give the column that the model was trained on")
        gaps = table.numbers.dtype.kind == "f" and np.isnan(table.numbers).any()
        if gaps and not encoding.fills:
            message = f"{table.source} has missing cells, and the model was trained without any"
            raise DataError.of("dataset.missing", message, "fill them in, or drop the rows")
        return encoding

    def start(self, target: Target) -> Start:
        """Return what runs on data with this target start from."""
        names = ("W", "b", "gamma", "beta", "mean", "variance")
        tensors = {name: value for name, value in self.tensors.items() if name.rstrip(string.digits) in names}
        return Start(network_of(self.info), tensors, self.keeps_outputs(target), self.digest)

    def keeps_outputs(self, target: Target) -> bool:
        """Return whether its outputs mean what those of other data do: the same classes, or targets."""
        return keeps_outputs(self.info, target.kind, target.classes, target.names)


def prepared_for(model: Model, dataset: Mapping[str, Any]) -> Prepared:
    """Read a data set and prepare it as for the training of a model; raises DataError as `Prepared` does.

    A model that went on from another one has that one's preparation of inputs, and prepares by it as well.
    """
    from caviar.trainer.data.load import Prepared

    settings = model.info["settings"]
    source = SourceModel(model.info, model.tensors, "") if settings.get("init_from") else None
    return Prepared(dataset, settings["precision"], settings["normalize"], source)


def source_model_of(dataset: Mapping[str, Any], settings: Any) -> SourceModel | None:
    """Return the model that runs with these settings start from, None if they name none.

    Where a server sent it, the `dataset` object says where it lies. Raises as `SourceModel.load`.
    """
    named = settings.get("init_from") if isinstance(settings, Mapping) else settings.init_from
    if not named:
        return None
    sent = dataset.get("init_from") or {}
    return SourceModel.load(sent.get("path") or named)


def keeps_outputs(
    info: Mapping[str, Any], kind: str, classes: tuple[str, ...], targets: tuple[str, ...]
) -> bool:
    """Return whether a model's output layer fits a target, by the metadata of its file."""
    if kind != info["kind"]:
        return False
    if kind == "regression":
        return list(targets) == list(info["target_names"])
    return list(classes) == list(info["class_names"])


def column_problems(
    info: Mapping[str, Any],
    numbers: tuple[str, ...],
    categories: tuple[str, ...],
    image_shape: tuple[int, ...] | None,
) -> list[Problem]:
    """Return what is wrong with the columns of data that a model is to go on learning from."""
    preprocessing = info["preprocessing"]
    encoding = Encoding.from_dict(preprocessing["encoding"])
    known, shape = (*encoding.numbers, *encoding.levels), preprocessing.get("image_shape")
    if image_shape and shape and list(image_shape) != list(shape):
        message = f"the model takes images of {_size(shape)}, those of the data are {_size(image_shape)}"
        return [Problem(FIELD, message, "scale the images to that size, or leave init_from out")]
    unnamed = not encoding.levels and not categories and (_unnamed(encoding.numbers) or _unnamed(numbers))
    if unnamed and len(numbers) == len(encoding.numbers):
        return []
    there = (*numbers, *categories)
    lacking = [name for name in known if name not in there]
    further = [name for name in there if name not in known]
    if unnamed or (lacking and further and not {*known} & {*there}):
        message = f"the model takes {len(known)} columns ({shown(known)}), the data has {len(there)}"
        return [Problem(FIELD, f"{message} ({shown(there)})", RENAME)]
    found = []
    if lacking:
        message = f"the data lacks columns that the model takes: {shown(lacking)}"
        found.append(Problem(FIELD, message, RENAME))
    if further:
        message = f"the model does not know the columns {shown(further)}"
        found.append(Problem(FIELD, message, "list them in dataset.ignore, or leave init_from out"))
    texts = [name for name in encoding.numbers if name in categories]
    texts += [name for name in encoding.levels if name in numbers]
    if texts and not found:
        message = f"the columns {shown(texts)} are numbers in one and categories in the other"
        remedy = "write them as they were; dataset.categorical makes categories of numbers"
        found.append(Problem(FIELD, message, remedy))
    return found


def _unnamed(names: tuple[str, ...]) -> bool:
    """Return whether names were made from places, as those of arrays are."""
    return bool(names) and all(name == f"x{place}" for place, name in enumerate(names))


def _size(shape: Any) -> str:
    return " x ".join(map(str, shape))
